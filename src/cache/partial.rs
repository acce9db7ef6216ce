//! Partial content: what a stored part answers, what is missing, and how parts are joined
//! ([RFC 9111 §3.3](https://www.rfc-editor.org/rfc/rfc9111#section-3.3),
//! [§3.4](https://www.rfc-editor.org/rfc/rfc9111#section-3.4)).

use std::ops::Range;

use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderValue, IF_RANGE, RANGE,
};
use http::{Method, StatusCode};

use super::entry::Head;
use super::validation::{merged, remove_conditions};
use crate::fields::grammar::sole_line;
use crate::fields::preconditions::{Validators, if_range_holds};
use crate::fields::range::{requested, satisfiable};
use crate::fields::{ContentRange, Timestamp};
use crate::message::{ResponseHead, Wanted};

/// Which bytes of a representation a body holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// These.
    pub range: Range<u64>,
    /// Of so many.
    pub complete: u64,
}

impl Extent {
    /// All `length` bytes.
    #[must_use]
    pub fn whole(length: u64) -> Self {
        Self { range: 0..length, complete: length }
    }

    /// What a 206 holds; `None` if its `Content-Range` cannot be read, or does not say how long the whole is.
    #[must_use]
    pub fn of_part(headers: &HeaderMap) -> Option<Self> {
        let content_range = ContentRange::parse(sole_line(headers, CONTENT_RANGE)?)?;
        Some(Self { range: content_range.range, complete: content_range.complete? })
    }

    /// What a stored body holds. A part that does not say of what answers nothing.
    #[must_use]
    pub fn of(head: &Head) -> Self {
        match head.status {
            StatusCode::PARTIAL_CONTENT => Self::of_part(&head.headers).unwrap_or(Self::whole(0)),
            _ => Self::whole(head.body.length),
        }
    }

    /// How many bytes it holds.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.range.end - self.range.start
    }

    fn is_whole(&self) -> bool {
        self.length() == self.complete
    }

    /// What is missing, if that is one range.
    fn rest(&self) -> Option<Range<u64>> {
        match (self.range.start, self.range.end) {
            (0, end) if end < self.complete => Some(end..self.complete),
            (start, end) if start > 0 && end == self.complete => Some(0..start),
            _ => None,
        }
    }
}

/// Whether a stored part answers the request: for ranges that are "wholly within" it
/// ([RFC 9111 §3.3](https://www.rfc-editor.org/rfc/rfc9111#section-3.3)).
#[must_use]
pub fn part_answers(head: &Head, wanted: Wanted) -> bool {
    let held = Extent::of(head);
    let within = |range: &Range<u64>| held.range.start <= range.start && range.end <= held.range.end;
    let current = Validators::of(&head.headers, head.fetched.received);
    let ranges = requested(wanted.headers).map(|ranges| satisfiable(&ranges, held.complete));
    *wanted.method == Method::GET
        && if_range_holds(wanted.headers, current)
        && ranges.is_some_and(|ranges| !ranges.is_empty() && ranges.iter().all(within))
}

/// Turns a request for the whole into one for what a stored part lacks. `false` if that is no use: then all of it is asked for.
///
/// `If-Range` brings the whole if it changed. Without a strong validator nothing tells, so only what is fresh is completed.
#[must_use]
pub fn ask_for_rest(request: &mut HeaderMap, head: &Head, is_fresh: bool) -> bool {
    let Some(rest) = Extent::of(head).rest().filter(|_| !request.contains_key(RANGE)) else { return false };
    let validator = Validators::of(&head.headers, head.fetched.received).for_if_range();
    let value = validator.and_then(|name| head.headers.get(name));
    if value.is_none() && !is_fresh {
        return false;
    }
    let range = match rest.start {
        0 => format!("bytes=0-{}", rest.end - 1),
        start => format!("bytes={start}-"),
    };
    let Ok(range) = HeaderValue::from_str(&range) else { return false };
    remove_conditions(request);
    request.insert(RANGE, range);
    // The part is of the bytes without a coding.
    request.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(value) = value {
        request.insert(IF_RANGE, value.clone());
    }
    true
}

/// Two parts as one.
#[derive(Debug, Clone)]
pub struct Joined {
    /// Which bytes of the stored body come before the new ones.
    pub before: Range<u64>,
    /// Which bytes of the stored body come after them.
    pub after: Range<u64>,
    /// How many new ones there must be.
    pub new: u64,
    /// The response that they make: whole if nothing is missing any more.
    pub response: ResponseHead,
}

/// Joins what a 206 brings to a stored part: both say that they are of the same bytes, and they overlap or touch
/// ([RFC 9111 §3.4](https://www.rfc-editor.org/rfc/rfc9111#section-3.4)).
#[must_use]
pub fn join(stored: &Head, part: &ResponseHead, received: Timestamp) -> Option<Joined> {
    if [stored.status, part.status] != [StatusCode::PARTIAL_CONTENT; 2] {
        return None;
    }
    let (held, new) = (Extent::of(stored), Extent::of_part(&part.headers)?);
    let meets = held.range.start <= new.range.end && new.range.start <= held.range.end;
    let validators =
        [Validators::of(&stored.headers, stored.fetched.received), Validators::of(&part.headers, received)];
    let coded = part.headers.contains_key(CONTENT_ENCODING);
    if coded || held.complete != new.complete || !meets || !validators[0].same_bytes(validators[1]) {
        return None;
    }
    let range = held.range.start.min(new.range.start)..held.range.end.max(new.range.end);
    let extent = Extent { range, complete: held.complete };
    Some(Joined {
        before: 0..new.range.start.saturating_sub(held.range.start),
        after: held.length() - held.range.end.saturating_sub(new.range.end)..held.length(),
        new: new.length(),
        response: joined_head(merged(&stored.headers, &part.headers), &extent)?,
    })
}

/// "If the union consists of the entire range of the representation", it is a 200 with a `Content-Length`
/// ([RFC 9110 §15.3.7.3](https://www.rfc-editor.org/rfc/rfc9110#section-15.3.7.3)).
fn joined_head(mut headers: HeaderMap, extent: &Extent) -> Option<ResponseHead> {
    headers.insert(CONTENT_LENGTH, HeaderValue::from(extent.length()));
    if extent.is_whole() {
        headers.remove(CONTENT_RANGE);
        return Some(ResponseHead { status: StatusCode::OK, headers });
    }
    let content_range = ContentRange { range: extent.range.clone(), complete: Some(extent.complete) };
    headers.insert(CONTENT_RANGE, HeaderValue::from_str(&content_range.to_string()).ok()?);
    Some(ResponseHead { status: StatusCode::PARTIAL_CONTENT, headers })
}
