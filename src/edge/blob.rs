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

    fn prefixed(prefix: &[u8], rest: &Self) -> Self {
        let whole = Uint8Array::new_with_length((prefix.len() + rest.len()) as u32);
        whole.subarray(0, prefix.len() as u32).copy_from(prefix);
        whole.set(&rest.0, prefix.len() as u32);
        Self(whole)
    }
}
