//! A stored response as bytes: one record of head and body, versioned, its lengths and checksums checked.
//!
//! ```text
//! "LRDR"  version: u8  head length: u32  head  checksum of all that: u64  body
//! ```
//! Numbers are big-endian. Every version that was ever released has its golden file in `fixtures/records`.

mod reader;
mod writer;

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};

use self::reader::Reader;
use self::writer::Writer;
use super::age::Fetched;
use super::entry::{BodyFacts, Entry, Head, Selecting, Stamp};
use super::partial::Extent;
use super::terms::Terms;
use crate::blob::{Blob, checksum};
use crate::fields::{Seconds, Timestamp};
use crate::key::CacheKey;
use crate::name::Name;

const MAGIC: [u8; 4] = *b"LRDR";
const VERSION: u8 = 1;
const PREAMBLE: usize = MAGIC.len() + 1 + 4;
const CHECKSUM: usize = 8;

/// Few heads take more, checksum and all.
const USUAL_HEAD: usize = 1024;

/// A head larger than this is not ours; nor could any length be added to an offset where addresses have 32 bits.
const MAX_HEAD: usize = 1 << 20;

/// Why bytes are no record. All of them are a miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordError {
    /// Not ours, or ended early.
    NotARecord,
    /// Of a version that is not known: a rollback, or a future.
    Version(u8),
    /// The checksum of the head does not match.
    Checksum,
    /// The body is shorter or longer than the head says, or than the part that it is.
    BodyLength,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotARecord => f.write_str("not a record"),
            Self::Version(version) => write!(f, "a record of version {version}, which is not known here"),
            Self::Checksum => f.write_str("the checksum of the head does not match"),
            Self::BodyLength => f.write_str("the body does not have the length that the head states"),
        }
    }
}

impl std::error::Error for RecordError {}

/// The whole record of an entry. `None` if a part is too long to be written down.
#[must_use]
pub fn encode<B: Blob>(entry: &Entry<B>) -> Option<B> {
    let head = encode_head(&entry.head)?;
    let checksum = Bytes::copy_from_slice(&checksum(&head).to_be_bytes());
    Some(B::concat(&[B::from_bytes(head), B::from_bytes(checksum), entry.body.clone()]))
}

/// Reads a record back, without a look at its body: whether that [is intact](Entry::is_intact), is for the caller to see.
///
/// # Errors
///
/// When the bytes are not a whole record of a known version.
pub fn decode<B: Blob>(record: &B) -> Result<Entry<B>, RecordError> {
    // One look is enough for most: each costs more than what it copies.
    let beginning = record.read(0..record.len().min(USUAL_HEAD));
    let head_end = PREAMBLE + head_length(&beginning)?;
    let body_start = head_end + CHECKSUM;
    if record.len() < body_start {
        return Err(RecordError::NotARecord);
    }
    let before_body = if beginning.len() < body_start { record.read(0..body_start) } else { beginning };
    let (covered, rest) = before_body.split_at(head_end);
    if !rest.starts_with(&checksum(covered).to_be_bytes()) {
        return Err(RecordError::Checksum);
    }
    let (_, head) = covered.split_at(PREAMBLE);
    let head = decode_head(Reader::new(&before_body, head)).ok_or(RecordError::NotARecord)?;
    // Of a part, its Content-Range states it as well.
    if [head.body.length, Extent::of(&head).length()] != [(record.len() - body_start) as u64; 2] {
        return Err(RecordError::BodyLength);
    }
    Ok(Entry { head, body: record.slice(body_start..record.len()) })
}

/// What the preamble says.
fn head_length(record: &Bytes) -> Result<usize, RecordError> {
    let mut reader = Reader::new(record, record);
    let magic = reader.array();
    match (reader.u8(), reader.u32()) {
        (Some(VERSION), Some(length)) if magic == Some(MAGIC) && length as usize <= MAX_HEAD => Ok(length as usize),
        (Some(version), Some(_)) if magic == Some(MAGIC) && version != VERSION => Err(RecordError::Version(version)),
        _ => Err(RecordError::NotARecord),
    }
}

fn encode_head(head: &Head) -> Option<Bytes> {
    let mut writer = Writer::default();
    writer.bytes(&MAGIC);
    writer.u8(VERSION);
    writer.u32(0);
    writer.bytes(&head.key.0);
    writer.u16(head.status.as_u16());
    writer.u64(head.fetched.requested.as_millis());
    writer.u64(head.fetched.received.as_millis());
    writer.u32(head.initial_age.get());
    write_terms(&mut writer, &head.terms);
    writer.u32(head.draw.to_bits());
    writer.u64(head.generation);
    writer.u64(head.stamp.own);
    writer.u64(head.stamp.incarnation);
    writer.u64(head.stamp.sequence);
    writer.u64(head.fingerprint);
    writer.u64(head.body.length);
    writer.u64(head.body.checksum);
    writer.u8(u8::from(head.body.digest.is_some()));
    writer.bytes(head.body.digest.as_ref().map_or(&[], |digest| &digest[..]));
    writer.count(head.names.len())?;
    for name in &head.names {
        writer.u64(name.0);
    }
    writer.count(head.selecting.len())?;
    for field in &head.selecting {
        writer.text(field.name.as_str())?;
        writer.u8(u8::from(field.value.is_some()));
        writer.text(field.value.as_deref().unwrap_or_default())?;
    }
    writer.count(head.headers.len())?;
    for (name, value) in &head.headers {
        writer.text(name.as_str())?;
        writer.u32(u32::try_from(value.len()).ok()?);
        writer.bytes(value.as_bytes());
    }
    let length = u32::try_from(writer.0.len() - PREAMBLE).ok().filter(|length| *length as usize <= MAX_HEAD)?;
    writer.0.get_mut(PREAMBLE - 4..PREAMBLE)?.copy_from_slice(&length.to_be_bytes());
    Some(writer.0.into())
}

fn decode_head(mut reader: Reader) -> Option<Head> {
    let key = CacheKey(reader.digest()?);
    let status = StatusCode::from_u16(reader.u16()?).ok()?;
    let requested = Timestamp::from_millis(reader.u64()?);
    let received = Timestamp::from_millis(reader.u64()?);
    let initial_age = reader.seconds()?;
    let terms = read_terms(&mut reader)?;
    let draw = f32::from_bits(reader.u32()?);
    let generation = reader.u64()?;
    let stamp = Stamp { own: reader.u64()?, incarnation: reader.u64()?, sequence: reader.u64()? };
    let fingerprint = reader.u64()?;
    let (length, checksum) = (reader.u64()?, reader.u64()?);
    let digest = if reader.u8()? == 1 { Some(reader.digest()?) } else { None };
    let body = BodyFacts { length, checksum, digest };
    let names = (0..reader.u16()?).map(|_| reader.u64().map(Name)).collect::<Option<_>>()?;
    let selecting = (0..reader.u16()?).map(|_| read_selecting(&mut reader)).collect::<Option<_>>()?;
    let headers = read_headers(&mut reader)?;
    reader.is_at_end().then(|| Head {
        key,
        status,
        headers,
        fetched: Fetched { requested, received },
        initial_age,
        terms,
        draw,
        selecting,
        generation,
        stamp,
        fingerprint,
        names,
        body,
    })
}

fn write_terms(writer: &mut Writer, terms: &Terms) {
    let flags = [terms.must_revalidate, terms.no_cache, terms.shared, terms.authorized, terms.immutable];
    writer.u8(flags.iter().enumerate().map(|(bit, flag)| u8::from(*flag) << bit).sum());
    for lifetime in [terms.stated, terms.heuristic, terms.stale_while_revalidate, terms.stale_if_error] {
        writer.u8(u8::from(lifetime.is_some()));
        writer.u32(lifetime.unwrap_or_default().get());
    }
}

fn read_terms(reader: &mut Reader) -> Option<Terms> {
    let flags = reader.u8()?;
    let flag = |bit: u8| flags & (1 << bit) != 0;
    let mut lifetime = || -> Option<Option<Seconds>> {
        let present = reader.u8()? == 1;
        let seconds = reader.seconds()?;
        Some(present.then_some(seconds))
    };
    Some(Terms {
        stated: lifetime()?,
        heuristic: lifetime()?,
        stale_while_revalidate: lifetime()?,
        stale_if_error: lifetime()?,
        must_revalidate: flag(0),
        no_cache: flag(1),
        shared: flag(2),
        authorized: flag(3),
        immutable: flag(4),
    })
}

fn read_selecting(reader: &mut Reader) -> Option<Selecting> {
    let name = reader.name()?;
    let present = reader.u8()? == 1;
    let value = reader.text()?;
    Some(Selecting { name, value: present.then_some(value) })
}

fn read_headers(reader: &mut Reader) -> Option<HeaderMap> {
    let count = usize::from(reader.u16()?);
    let mut headers = HeaderMap::with_capacity(count.min(256));
    for _ in 0..count {
        let name = reader.name()?;
        let length = reader.u32()? as usize;
        // Checked again on reading: what is not a field value is no record.
        let value = HeaderValue::from_maybe_shared(reader.take(length)?).ok()?;
        headers.try_append(name, value).ok()?;
    }
    Some(headers)
}
