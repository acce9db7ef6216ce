//! Bodies at rest in the runtime's memory: neither a hit nor a write to a store copies one into ours.

use std::ops::Range;

use bytes::Bytes;
use js_sys::Uint8Array;

use crate::blob::Blob;

/// A view of bytes that nobody changes.
#[derive(Clone)]
pub(super) struct JsBlob(pub(super) Uint8Array);

impl Blob for JsBlob {
    fn from_bytes(bytes: Bytes) -> Self {
        Self(Uint8Array::from(&bytes[..]))
    }

    fn len(&self) -> usize {
        self.0.length() as usize
    }

    fn slice(&self, range: Range<usize>) -> Self {
        Self(self.0.subarray(range.start as u32, range.end as u32))
    }

    fn read(&self, range: Range<usize>) -> Bytes {
        self.slice(range).0.to_vec().into()
    }

    fn concat(pieces: &[Self]) -> Self {
        let length: usize = pieces.iter().map(Self::len).sum();
        let whole = Uint8Array::new_with_length(length as u32);
        let mut at = 0;
        for piece in pieces {
            whole.set(&piece.0, at);
            at += piece.0.length();
        }
        Self(whole)
    }
}
