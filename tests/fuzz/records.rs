//! Records: whatever bytes a store gives back are an entry that can be used, or a miss.
#![cfg_attr(fuzzing, no_main)]

use std::rc::Rc;

use bytes::Bytes;
use http::Method;
use http::header::{HeaderMap, HeaderValue, RANGE};
use larder::blob::Blob as _;
use larder::cache::record::{decode, encode};
use larder::cache::reuse::{Purged, Question, Reuse, decide};
use larder::cache::serve::{Part, serve};
use larder::cache::{Entry, Head};
use larder::fields::{RequestDirectives, Timestamp};
use larder::message::Wanted;
use larder::policy::Policy;
use serde_json::json;

use crate::input::{NOW, policy};

#[cfg(fuzzing)]
mod input;
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holds(data));

/// Where a head says how long its body is.
const BODY_LENGTH_AT: std::ops::Range<usize> = 119..127;

/// `data`: the length of the body; a head, which is made a record of with its checksum and lengths right; the body.
pub fn holds(data: &[u8]) {
    assert_is_refused_or_stable(&Bytes::copy_from_slice(data));
    let Some((length, rest)) = data.split_first() else { return };
    let (head, body) = rest.split_at(rest.len().saturating_sub(usize::from(*length)));
    let mut record = [b"LRDR\x01", &(head.len() as u32).to_be_bytes()[..], head].concat();
    if let Some(stated) = record[9..].get_mut(BODY_LENGTH_AT) {
        stated.copy_from_slice(&(body.len() as u64).to_be_bytes());
    }
    let checksum = Bytes::from(record.clone()).checksum().to_be_bytes();
    assert_is_refused_or_stable(&[&record, &checksum[..], body].concat().into());
}

fn assert_is_refused_or_stable(record: &Bytes) {
    let Ok(entry) = decode(record) else { return };
    let written = encode(&entry).expect("what was read can be written");
    let reread = decode(&written).expect("what was written can be read");
    assert_eq!(encode(&reread).expect("it can be written again"), written);
    assert_eq!(reread.body, entry.body);
    assert!(written.len() <= record.len(), "it grows from {} to {}", record.len(), written.len());
    for range in ["", "bytes=0-", "bytes=-1", "bytes=1-2, 5-, 9-9", "bytes=0-0, 4-9"] {
        let mut headers = HeaderMap::new();
        if !range.is_empty() {
            headers.insert(RANGE, HeaderValue::from_static(range));
        }
        assert_can_be_used(&entry, &headers);
    }
}

thread_local! {
    static POLICY: Rc<Policy> = policy(json!({ "stale_if_error": 60, "browser_ttl": 5, "heuristic": true }));
}

/// No age, lifetime or range in it leads out of what there is.
fn assert_can_be_used(entry: &Entry<Bytes>, headers: &HeaderMap) {
    let policy = POLICY.with(|policy| Policy { fingerprint: entry.head.fingerprint, ..(**policy).clone() });
    let wanted = Wanted { method: &Method::GET, headers };
    let directives = RequestDirectives::default();
    for now in [Timestamp::default(), NOW, entry.head.fetched.received, Timestamp::from_millis(u64::MAX)] {
        let _ = (entry.head.is_of_use(&policy, now), entry.head.physical_life(&policy));
        for purged in [None, Some(Purged::Soft)] {
            let reuse = decide(&entry.head, &policy, &Question { wanted, directives, authorized: false, purged, now });
            if let Reuse::Fresh { age, .. } | Reuse::Stale { age, .. } = reuse {
                assert_is_there(&serve(wanted, &entry.head, age, &policy).part, &entry.head);
            }
        }
    }
}

fn assert_is_there(part: &Part, head: &Head) {
    let is_within = |range: &std::ops::Range<u64>| range.start < range.end && range.end <= head.body.length;
    match part {
        Part::Nothing | Part::Whole => {}
        Part::Range(range) => assert!(is_within(range), "{range:?} of {}", head.body.length),
        Part::Multipart(parts, _) => assert!(parts.iter().all(|(_, range)| is_within(range)), "{parts:?}"),
    }
}
