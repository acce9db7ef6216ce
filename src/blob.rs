//! Bodies at rest.

use std::hash::Hasher as _;
use std::ops::Range;

use bytes::Bytes;
use twox_hash::XxHash64;

/// Bytes that are cheap to clone and to slice, wherever they are kept: in this process natively, in the runtime's own memory
/// at the edge.
pub trait Blob: Clone + 'static {
    /// Bytes that were made here.
    fn from_bytes(bytes: Bytes) -> Self;

    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A part, sharing the memory. The range must lie within.
    fn slice(&self, range: Range<usize>) -> Self;

    /// A part, copied to where decisions can look at it. The range must lie within.
    fn read(&self, range: Range<usize>) -> Bytes;

    /// One blob out of several.
    fn concat(pieces: &[Self]) -> Self;

    /// [XXH64](https://xxhash.com/), by which accidents are noticed. Whoever changes bytes on purpose can write down another one as well.
    fn checksum(&self) -> u64 {
        /// Of a large body no more than this is copied at a time.
        const PIECE: usize = 64 * 1024;
        let mut hasher = XxHash64::with_seed(0);
        for start in (0..self.len()).step_by(PIECE) {
            hasher.write(&self.read(start..self.len().min(start + PIECE)));
        }
        hasher.finish()
    }
}

/// The [checksum](Blob::checksum) of bytes that are at hand.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u64 {
    XxHash64::oneshot(0, bytes)
}

impl Blob for Bytes {
    fn from_bytes(bytes: Bytes) -> Self {
        bytes
    }

    fn len(&self) -> usize {
        Self::len(self)
    }

    fn slice(&self, range: Range<usize>) -> Self {
        Self::slice(self, range)
    }

    fn read(&self, range: Range<usize>) -> Bytes {
        Self::slice(self, range)
    }

    fn concat(pieces: &[Self]) -> Self {
        pieces.concat().into()
    }
}
