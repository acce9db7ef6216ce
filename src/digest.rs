//! SHA-256, over bytes and over lists of parts that cannot run into each other.

use sha2::{Digest as _, Sha256};

/// A SHA-256.
pub type Digest = [u8; 32];

/// The digest of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// A digest over parts, each preceded by its length: two different lists never hash the same bytes.
#[derive(Debug, Clone)]
pub struct Framed(Vec<u8>);

impl Framed {
    /// Begins with a label that keeps the digests of different purposes apart.
    #[must_use]
    pub fn new(purpose: &str) -> Self {
        const USUAL: usize = 256;
        Self(Vec::with_capacity(USUAL)).part(purpose)
    }

    /// Adds a number, in as few bytes as it needs ([LEB128](https://en.wikipedia.org/wiki/LEB128)): what is hashed is paid for by the block.
    #[must_use]
    pub fn number(mut self, mut number: usize) -> Self {
        const MORE: u8 = 0x80;
        while number >= usize::from(MORE) {
            self.0.push(number as u8 | MORE);
            number >>= 7;
        }
        self.0.push(number as u8);
        self
    }

    /// Adds a part.
    #[must_use]
    pub fn part(self, part: impl AsRef<[u8]>) -> Self {
        let part = part.as_ref();
        let mut framed = self.number(part.len());
        framed.0.extend_from_slice(part);
        framed
    }

    /// Adds a part that may be absent; absent is not the same as empty.
    #[must_use]
    pub fn optional(self, part: Option<impl AsRef<[u8]>>) -> Self {
        match part {
            Some(part) => self.number(1).part(part),
            None => self.number(0),
        }
    }

    /// Adds a list: its length, then its parts.
    #[must_use]
    pub fn list<P: AsRef<[u8]>>(self, parts: impl ExactSizeIterator<Item = P>) -> Self {
        let counted = self.number(parts.len());
        parts.fold(counted, Self::part)
    }

    /// The digest.
    #[must_use]
    pub fn finish(self) -> Digest {
        sha256(&self.0)
    }

    /// The first eight bytes of the digest, where a collision costs no more than a miss.
    #[must_use]
    pub fn finish_short(self) -> u64 {
        let digest = self.finish();
        let mut head = [0; 8];
        head.copy_from_slice(&digest[..8]);
        u64::from_be_bytes(head)
    }
}
