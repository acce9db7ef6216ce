//! The response a client gets from a stored one: `Age`, 304, 206, 416, HEAD, and what browsers may keep
//! ([RFC 9111 §4.3.2](https://www.rfc-editor.org/rfc/rfc9111#section-4.3.2)).

use std::ops::Range;

use http::header::{
    ACCEPT_RANGES, AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, EXPIRES,
    HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
};
use http::{Method, StatusCode};

use super::entry::{BodyFacts, Head};
use super::stored_fields::stops_here;
use super::validation::has_validator;
use crate::fields::cache_control_text::with_max_age;
use crate::fields::grammar::text;
use crate::fields::preconditions::{Validators, if_range_holds, is_not_modified};
use crate::fields::range::{ByteRange, ContentRange, requested};
use crate::fields::{Seconds, Timestamp, hop_by_hop};
use crate::message::{RequestHead, ResponseHead};
use crate::policy::Policy;

/// A response to send.
#[derive(Debug, Clone)]
pub struct Served {
    /// Its status.
    pub status: StatusCode,
    /// Its fields, but for `Cache-Status`.
    pub headers: HeaderMap,
    /// What of the stored body goes with it.
    pub part: Part,
}

/// What of a body is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Nothing.
    Nothing,
    /// All of it.
    Whole,
    /// These bytes.
    Range(Range<u64>),
}

/// What the client asked for, as far as it decides what it gets of a representation.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// GET or HEAD.
    pub method: &'a Method,
    /// Its preconditions and ranges.
    pub headers: &'a HeaderMap,
}

/// The response to `wanted` from the stored response `head`, which is `age` old.
#[must_use]
pub fn serve(wanted: Wanted, head: &Head, age: Seconds, policy: &Policy) -> Served {
    let mut headers = deliverable(&head.headers);
    headers.insert(AGE, HeaderValue::from(age.get()));
    if !has_validator(&headers) && head.status == StatusCode::OK {
        headers.insert(ETAG, digest_tag(&head.body));
    }
    set_downstream_lifetime(&mut headers, age, policy);
    if head.status != StatusCode::OK {
        return whole(wanted, head.status, headers, head.body.length);
    }
    select(wanted, headers, head)
}

/// The precedence of [RFC 9110 §13.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2): preconditions first, then the
/// range if `If-Range` lets it.
fn select(wanted: Wanted, headers: HeaderMap, head: &Head) -> Served {
    let current = Validators::of(&headers, head.fetched.received);
    if is_not_modified(wanted.headers, current) {
        return not_modified(headers);
    }
    let ranges =
        requested(wanted.headers).filter(|_| wanted.method == Method::GET && if_range_holds(wanted.headers, current));
    match ranges {
        Some(ranges) => partial(wanted, headers, head.body.length, &ranges),
        None => whole(wanted, head.status, headers, head.body.length),
    }
}

fn whole(wanted: Wanted, status: StatusCode, mut headers: HeaderMap, length: u64) -> Served {
    let has_body = !matches!(status.as_u16(), 204 | 205 | 304);
    if has_body {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    } else {
        headers.remove(CONTENT_LENGTH);
    }
    let part = if has_body && wanted.method != Method::HEAD { Part::Whole } else { Part::Nothing };
    Served { status, headers, part }
}

/// 304 with the fields a client updates its own copy with; nothing about a body that is not there.
fn not_modified(mut headers: HeaderMap) -> Served {
    for name in [CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE] {
        headers.remove(name);
    }
    Served { status: StatusCode::NOT_MODIFIED, headers, part: Part::Nothing }
}

fn partial(wanted: Wanted, mut headers: HeaderMap, length: u64, ranges: &[ByteRange]) -> Served {
    let satisfiable: Vec<_> = ranges.iter().filter_map(|range| range.within(length)).collect();
    match satisfiable.as_slice() {
        [] => {
            headers.remove(CONTENT_TYPE);
            headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
            insert(&mut headers, CONTENT_RANGE, &format!("bytes */{length}"));
            Served { status: StatusCode::RANGE_NOT_SATISFIABLE, headers, part: Part::Nothing }
        }
        [range] => {
            let content_range = ContentRange { range: range.clone(), complete: Some(length) };
            insert(&mut headers, CONTENT_RANGE, &content_range.to_string());
            headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
            Served { status: StatusCode::PARTIAL_CONTENT, headers, part: Part::Range(range.clone()) }
        }
        // "A server that supports range requests MAY ignore" one.
        _ => {
            insert(&mut headers, ACCEPT_RANGES, "bytes");
            whole(wanted, StatusCode::OK, headers, length)
        }
    }
}

/// The entity tag of a response that came without a validator.
fn digest_tag(body: &BodyFacts) -> HeaderValue {
    let hexadecimal: String = body.digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("\"{hexadecimal}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// What browsers and caches between here and them may keep. An answer that an identity selected is for one browser.
pub fn set_downstream_lifetime(headers: &mut HeaderMap, age: Seconds, policy: &Policy) {
    // The client subtracts the age that it is told.
    let lifetime = policy.browser_ttl.map(|lifetime| lifetime + age);
    if policy.keys_identity() {
        insert(headers, CACHE_CONTROL, &format!("private, max-age={}", lifetime.unwrap_or_default().get()));
        headers.remove(EXPIRES);
        headers.remove("cdn-cache-control");
    } else if let Some(lifetime) = lifetime {
        let text = with_max_age(headers, lifetime);
        insert(headers, CACHE_CONTROL, &text);
        headers.remove(EXPIRES);
    }
}

/// Whether the client already has what the origin just sent. It was not told of the client's preconditions, or it would have
/// said so itself.
#[must_use]
pub fn has_it_already(request: &RequestHead, response: &ResponseHead, received: Timestamp) -> bool {
    let conditional = [IF_NONE_MATCH, IF_MODIFIED_SINCE].iter().any(|name| request.headers.contains_key(name));
    conditional
        && response.status == StatusCode::OK
        && is_not_modified(&request.headers, Validators::of(&response.headers, received))
}

/// Fields for a response that goes straight from the origin to the client.
#[must_use]
pub fn straight_through(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    hop_by_hop::strip(&mut kept);
    deliverable(&kept)
}

/// The fields that go downstream. One that was garbled on the way, since it was no UTF-8, is not passed on as something else.
fn deliverable(headers: &HeaderMap) -> HeaderMap {
    let mut sent = HeaderMap::with_capacity(headers.len() + 4);
    let whole = |value: &HeaderValue| !text(value).contains('\u{fffd}');
    for (name, value) in headers.iter().filter(|(name, value)| !stops_here(name) && whole(value)) {
        sent.append(name.clone(), value.clone());
    }
    sent
}

fn insert(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
