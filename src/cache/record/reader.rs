//! Takes numbers and texts from a row of bytes; `None` where they end early.

use bytes::Bytes;
use http::HeaderName;

use crate::digest::Digest;
use crate::fields::Seconds;

/// What is left to read of `whole`.
pub(super) struct Reader<'a> {
    whole: &'a Bytes,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Of `part`, which lies within `whole`.
    pub(super) fn new(whole: &'a Bytes, part: &'a [u8]) -> Self {
        Self { whole, rest: part }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (slice, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(slice)
    }

    /// The next bytes, where they are: what is not copied is counted, so this is for what is kept.
    pub(super) fn take(&mut self, length: usize) -> Option<Bytes> {
        self.slice(length).map(|slice| self.whole.slice_ref(slice))
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
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
        self.short().and_then(|bytes| str::from_utf8(bytes).ok()).map(str::to_owned)
    }

    pub(super) fn name(&mut self) -> Option<HeaderName> {
        self.short().and_then(|bytes| HeaderName::from_bytes(bytes).ok())
    }

    /// Bytes behind their two-byte length.
    fn short(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.u16()?);
        self.slice(length)
    }
}
