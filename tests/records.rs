//! Records of every version that was ever released, as bytes: what one version wrote the next ones read, or take for a miss.

#[path = "support/mod.rs"]
mod support;

use bytes::Bytes;
use http::StatusCode;
use larder::blob::Blob as _;
use larder::cache::record::{RecordError, decode, encode};
use larder::cache::{BodyFacts, Entry, Fetched, Head, Selecting, Stamp, Terms};
use larder::digest::sha256;
use larder::fields::{Seconds, Timestamp};
use larder::key::CacheKey;
use larder::name::Name;

use support::{headers, test};

/// Written by the first version that had them.
const VERSION_1: &[u8] = include_bytes!("../fixtures/records/v1.bin");

const BODY: &[u8] = b"<h1>Larder</h1>\n";

fn entry() -> Entry<Bytes> {
    let received = Timestamp::from_millis(1_795_000_000_123);
    let head = Head {
        key: CacheKey(sha256(b"key")),
        status: StatusCode::OK,
        headers: headers(&[("content-type", "text/html"), ("link", "<a>"), ("link", "<b>"), ("x-text", "caf\u{e9}")]),
        fetched: Fetched { requested: Timestamp::from_millis(1_795_000_000_000), received },
        initial_age: Seconds::new(7),
        terms: Terms {
            stated: Some(Seconds::new(600)),
            heuristic: None,
            stale_while_revalidate: Some(Seconds::ZERO),
            stale_if_error: Some(Seconds::MAX),
            must_revalidate: true,
            no_cache: false,
            shared: true,
            authorized: false,
            immutable: true,
        },
        draw: 0.25,
        selecting: vec![
            Selecting { name: http::header::ACCEPT_LANGUAGE, value: Some("en;q=1000".to_owned()) },
            Selecting { name: http::header::COOKIE, value: None },
        ],
        generation: 11,
        stamp: Stamp { own: 16, incarnation: 12, sequence: 13 },
        fingerprint: 14,
        names: vec![Name::tag("news"), Name::tag("page-1"), Name::identity(15)],
        body: BodyFacts {
            length: BODY.len() as u64,
            checksum: Bytes::from_static(BODY).checksum(),
            digest: Some(sha256(BODY)),
        },
    };
    Entry { head, body: Bytes::from_static(BODY) }
}

#[test]
fn a_record_of_version_1_is_read() {
    let read = decode(&Bytes::from_static(VERSION_1)).expect("it is a record");
    assert_eq!(read.head, entry().head);
    assert_eq!(read.body, BODY);
}

#[test]
fn version_1_is_what_is_written_today() {
    let written = encode(&entry()).expect("it can be written down");
    assert_eq!(
        written,
        Bytes::from_static(VERSION_1),
        "a record that changes its form needs another version, and this one its file"
    );
}

#[test]
fn another_version_is_a_miss_and_says_which() {
    let mut bytes = VERSION_1.to_vec();
    for version in [0, 2, 255] {
        bytes[4] = version;
        assert_eq!(decode(&Bytes::from(bytes.clone())).err(), Some(RecordError::Version(version)));
    }
}

/// A record whose head, behind its preamble, is these bytes: length and checksum are made to fit.
fn with_head(mut head: Vec<u8>) -> Bytes {
    let length = head.len() as u32 - 9;
    head[5..9].copy_from_slice(&length.to_be_bytes());
    let checksum = Bytes::from(head.clone()).checksum().to_be_bytes();
    [&head[..], &checksum, BODY].concat().into()
}

#[test]
fn damage_of_every_kind_is_a_miss() {
    let whole = VERSION_1.to_vec();
    for end in 0..whole.len() {
        assert!(decode(&Bytes::copy_from_slice(&whole[..end])).is_err(), "cut at {end}");
    }
    let longer = [&whole[..], b"x"].concat();
    assert_eq!(decode(&Bytes::from(longer)).err(), Some(RecordError::BodyLength));
    for at in 0..whole.len() - BODY.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        assert!(decode(&Bytes::from(flipped)).is_err(), "flipped at {at}");
    }
    for junk in [&b""[..], b"{}", b"LRDR", &[0; 64], &[0xff; 4096]] {
        assert!(decode(&Bytes::copy_from_slice(junk)).is_err());
    }
    // A head that goes on after its end, its length and its checksum right.
    let head_end = whole.len() - BODY.len() - 8;
    let longer = with_head([&whole[..head_end], b"x"].concat());
    assert_eq!(decode(&longer).err(), Some(RecordError::NotARecord));
    // As short as a record can be and still say its version.
    assert_eq!(decode(&Bytes::from_static(b"LRDR\x02\0\0\0\0")).err(), Some(RecordError::Version(2)));
    // A head with nothing wrong but its size: what it ends with, the length and the bytes of a field's value, is longer.
    let (value, most) = ("caf\u{e9}", 1 << 20);
    let before_value = &whole[..head_end - value.len() - 4];
    for (length, expected) in [(most - (before_value.len() - 9) - 4, None), (most, Some(RecordError::NotARecord))] {
        let head = [before_value, &(length as u32).to_be_bytes(), &vec![b'x'; length]].concat();
        assert_eq!(decode(&with_head(head)).err(), expected, "{length}");
    }
    // A head that claims to be larger than everything.
    let huge = [&b"LRDR\x01\xff\xff\xff\xff"[..], &[0; 100]].concat();
    assert_eq!(decode(&Bytes::from(huge)).err(), Some(RecordError::NotARecord));
}

#[test]
fn a_body_that_changed_is_not_intact_wherever_it_did() {
    // https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
    assert_eq!(Bytes::new().checksum(), 0xef46_db37_51d8_e999);
    for length in [1, 31, 4096, 65_535, 65_536, 65_537, 200_000] {
        let body = vec![b'x'; length];
        let mut entry = entry();
        entry.head.body.checksum = Bytes::from(body.clone()).checksum();
        for at in [0, length / 2, length - 1] {
            let mut changed = body.clone();
            changed[at] ^= 1;
            let changed = Entry { head: entry.head.clone(), body: Bytes::from(changed) };
            assert!(!changed.is_intact(), "{at} of {length}");
        }
        assert!(Entry { head: entry.head, body: Bytes::from(body) }.is_intact(), "{length}");
    }
}

#[test]
fn an_empty_body_is_a_body() {
    let mut entry = entry();
    entry.head.body = BodyFacts { length: 0, checksum: Bytes::new().checksum(), digest: None };
    entry.body = Bytes::new();
    let read = decode(&encode(&entry).expect("it can be written down")).expect("it is a record");
    assert_eq!((read.head, read.body), (entry.head, entry.body));
}

#[test]
fn a_head_of_any_length_is_read() {
    let mut entry = entry();
    // As much as is looked at first, less, more, and several times that.
    for length in (0..1500).chain([5000, 70_000]) {
        entry.head.headers = headers(&[("x-text", &"x".repeat(length))]);
        let record = encode(&entry).expect("it can be written down");
        let read = decode(&record).expect("it is a record");
        assert_eq!((&read.head, &read.body), (&entry.head, &entry.body), "{length}");
        let cut = record.slice(..record.len() - BODY.len() - 1);
        assert_eq!(decode(&cut).err(), Some(RecordError::NotARecord), "{length}");
    }
}

#[test]
fn a_part_holds_what_it_says() {
    // RFC 9110 §14.4; the body has 16 bytes.
    for (status, content_range, expected) in [
        (206, "bytes 0-15/100", None),
        (206, "bytes 84-99/100", None),
        (206, "bytes 0-14/100", Some(RecordError::BodyLength)),
        (206, "bytes 0-16/100", Some(RecordError::BodyLength)),
        (206, "bytes 0-15/*", Some(RecordError::BodyLength)),
        (200, "bytes 0-14/100", None),
    ] {
        let mut part = entry();
        part.head.status = StatusCode::from_u16(status).expect("a status");
        part.head.headers = headers(&[("content-range", content_range)]);
        let read = decode(&encode(&part).expect("it can be written down"));
        assert_eq!(read.err(), expected, "{status} {content_range}");
    }
}

#[test]
fn an_error_says_what_is_wrong_with_the_bytes() {
    for (error, expected) in [
        (RecordError::NotARecord, "not a record"),
        (RecordError::Version(9), "a record of version 9, which is not known here"),
        (RecordError::Checksum, "the checksum of the head does not match"),
        (RecordError::BodyLength, "the body does not have the length that the head states"),
    ] {
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn what_is_too_long_to_be_written_down_is_not_written() {
    let mut entry = entry();
    entry.head.selecting[0].value = Some("x".repeat(70_000));
    assert!(encode(&entry).is_none());
    entry.head.selecting.clear();
    assert!(encode(&entry).is_some());
    entry.head.names = vec![Name::everything(); 70_000];
    assert!(encode(&entry).is_none());
}
