//! The response a client gets from a stored one: `Age`, 304, 206, 416, HEAD, and what browsers may keep
//! ([RFC 9111 §4.3.2](https://www.rfc-editor.org/rfc/rfc9111#section-4.3.2)).

use std::ops::Range;

use http::header::{
    AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, EXPIRES, HeaderMap,
    HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
};
use http::{Method, StatusCode};

use super::entry::Head;
use super::partial::Extent;
use super::stored_fields::stops_here;
use super::validation::has_validator;
use crate::digest::Digest;
use crate::esi::is_template;
use crate::fields::cache_control_text::with_max_age;
use crate::fields::grammar::{is_garbled, text};
use crate::fields::preconditions::{Validators, if_range_holds, is_not_modified};
use crate::fields::range::{requested, satisfiable};
use crate::fields::{ContentRange, Seconds, Timestamp, hop_by_hop};
use crate::message::{RequestHead, ResponseHead, Wanted};
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
    /// Whether that is a template, to be assembled.
    pub template: bool,
}

/// What of a body is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Nothing.
    Nothing,
    /// All of it.
    Whole,
    /// These bytes of it.
    Range(Range<u64>),
    /// Several ranges, each with what introduces it, and what comes after the last.
    Multipart(Vec<(String, Range<u64>)>, String),
}

/// The response to `wanted` from the stored response `head`, which is `age` old.
#[must_use]
pub fn serve(wanted: Wanted, head: &Head, age: Seconds, policy: &Policy) -> Served {
    let template = is_template(policy, head.status, &head.headers);
    let mut headers = deliverable(&head.headers);
    headers.insert(AGE, HeaderValue::from(age.get()));
    if let Some(digest) = head.body.digest
        && !template
        && !has_validator(&headers)
        && head.status == StatusCode::OK
    {
        headers.insert(ETAG, digest_tag(&digest));
    }
    set_downstream_lifetime(&mut headers, age, policy);
    match head.status {
        // A template is nobody's page: what a client has, or has a part of, is another one.
        status if template => Served { template, ..whole(wanted, status, headers, head.body.length) },
        StatusCode::OK | StatusCode::PARTIAL_CONTENT => select(wanted, headers, head),
        status => whole(wanted, status, headers, head.body.length),
    }
}

/// The precedence of [RFC 9110 §13.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2): preconditions first, then the
/// range if `If-Range` lets it.
fn select(wanted: Wanted, mut headers: HeaderMap, head: &Head) -> Served {
    let held = Extent::of(head);
    if head.status == StatusCode::PARTIAL_CONTENT {
        headers.remove(CONTENT_RANGE);
    }
    let current = Validators::of(&headers, head.fetched.received);
    if is_not_modified(wanted.headers, current) {
        return not_modified(headers);
    }
    let ranges =
        requested(wanted.headers).filter(|_| wanted.method == Method::GET && if_range_holds(wanted.headers, current));
    match ranges {
        Some(ranges) => partial(headers, &held, &satisfiable(&ranges, held.complete), head),
        None => whole(wanted, StatusCode::OK, headers, held.complete),
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
    Served { status, headers, part, template: false }
}

/// 304 with the fields a client updates its own copy with; nothing about a body that is not there.
fn not_modified(mut headers: HeaderMap) -> Served {
    for name in [CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE] {
        headers.remove(name);
    }
    Served { status: StatusCode::NOT_MODIFIED, headers, part: Part::Nothing, template: false }
}

/// 206 or 416 ([RFC 9110 §15.3.7](https://www.rfc-editor.org/rfc/rfc9110#section-15.3.7)); the ranges are within what is held.
fn partial(mut headers: HeaderMap, held: &Extent, ranges: &[Range<u64>], head: &Head) -> Served {
    let in_body = |range: &Range<u64>| range.start - held.range.start..range.end - held.range.start;
    let content_range =
        |range: &Range<u64>| ContentRange { range: range.clone(), complete: Some(held.complete) }.to_string();
    let (status, length, part) = match ranges {
        [] => {
            headers.remove(CONTENT_TYPE);
            insert(&mut headers, CONTENT_RANGE, &format!("bytes */{}", held.complete));
            (StatusCode::RANGE_NOT_SATISFIABLE, 0, Part::Nothing)
        }
        [range] => {
            insert(&mut headers, CONTENT_RANGE, &content_range(range));
            (StatusCode::PARTIAL_CONTENT, range.end - range.start, Part::Range(in_body(range)))
        }
        ranges => {
            // Who writes a part of the page knows neither before it is stored.
            let boundary = format!("{:016x}{:016x}", head.generation, head.body.checksum);
            let media_type = headers.get(CONTENT_TYPE).map(text).unwrap_or_default();
            let type_line =
                if media_type.is_empty() { String::new() } else { format!("Content-Type: {media_type}\r\n") };
            let introduce = |range: &Range<u64>| {
                let introduction =
                    format!("\r\n--{boundary}\r\n{type_line}Content-Range: {}\r\n\r\n", content_range(range));
                (introduction, in_body(range))
            };
            let parts: Vec<_> = ranges.iter().map(introduce).collect();
            let end = format!("\r\n--{boundary}--\r\n");
            let of_parts = |(text, range): &(String, Range<u64>)| text.len() as u64 + range.end - range.start;
            let length = parts.iter().map(of_parts).sum::<u64>() + end.len() as u64;
            insert(&mut headers, CONTENT_TYPE, &format!("multipart/byteranges; boundary={boundary}"));
            (StatusCode::PARTIAL_CONTENT, length, Part::Multipart(parts, end))
        }
    };
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    Served { status, headers, part, template: false }
}

/// The entity tag of a response that came without a validator.
fn digest_tag(digest: &Digest) -> HeaderValue {
    let text: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("\"{text}\"")).unwrap_or(HeaderValue::from_static("\"\""))
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

/// `Age`, an entity tag, the length, and what is said of what happened.
const MOST_ADDED: usize = 5;

/// The fields that go downstream. One that was garbled on the way, since it was no UTF-8, is not passed on as something else.
fn deliverable(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(headers.len() + MOST_ADDED);
    for (name, value) in headers.iter().filter(|(name, value)| !stops_here(name) && !is_garbled(value)) {
        kept.append(name, value.clone());
    }
    kept
}

fn insert(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
