//! Lists of byte strings as one: each behind its length, four bytes, little-endian.

use bytes::Bytes;

/// One of many.
#[must_use]
pub fn encode(parts: &[Bytes]) -> Bytes {
    let mut whole = Vec::new();
    for part in parts {
        whole.extend_from_slice(&(part.len() as u32).to_le_bytes());
        whole.extend_from_slice(part);
    }
    whole.into()
}

/// Many of one; `None` if it ends in the middle of one.
#[must_use]
pub fn decode(mut whole: Bytes) -> Option<Vec<Bytes>> {
    let mut parts = Vec::new();
    while !whole.is_empty() {
        let length = u32::from_le_bytes(*whole.first_chunk()?) as usize;
        let end = length.checked_add(4).filter(|end| *end <= whole.len())?;
        parts.push(whole.split_to(end).slice(4..));
    }
    Some(parts)
}
