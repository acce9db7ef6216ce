//! `Retry-After` ([RFC 9110 §10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)).

use http::HeaderMap;
use http::header::RETRY_AFTER;

use super::grammar::sole_line;
use super::seconds::Seconds;
use super::time::Timestamp;

/// How long to wait, if the field says so: a number of seconds, or a date.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Seconds> {
    let text = sole_line(headers, RETRY_AFTER)?;
    Seconds::parse(text).or_else(|| Timestamp::parse(text, now).map(|date| date.since(now)))
}
