//! Takes numbers and texts from a row of bytes; `None` where they end early.

use bytes::{Buf, Bytes};
use http::HeaderName;

use crate::digest::Digest;
use crate::fields::Seconds;

/// What is left to read.
pub(super) struct Reader(Bytes);

impl Reader {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// The next bytes, where they are: what is not copied is counted, so this is for what is kept.
    pub(super) fn take(&mut self, length: usize) -> Option<Bytes> {
        (length <= self.0.len()).then(|| self.0.split_to(length))
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let array = *self.0.first_chunk()?;
        self.0.advance(N);
        Some(array)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn digest(&mut self) -> Option<Digest> {
        self.array()
    }

    pub(super) fn seconds(&mut self) -> Option<Seconds> {
        self.u32().map(|seconds| Seconds::new(u64::from(seconds)))
    }

    pub(super) fn text(&mut self) -> Option<String> {
        self.short(|bytes| String::from_utf8(bytes.to_vec()).ok())
    }

    pub(super) fn name(&mut self) -> Option<HeaderName> {
        self.short(|bytes| HeaderName::from_bytes(bytes).ok())
    }

    /// What `read` makes of bytes behind their two-byte length.
    fn short<T>(&mut self, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        let length = usize::from(self.u16()?);
        let short = read(self.0.get(..length)?);
        self.0.advance(length);
        short
    }
}
