//! How old a response is ([RFC 9111 §4.2.3](https://www.rfc-editor.org/rfc/rfc9111#section-4.2.3)).

use http::HeaderMap;
use http::header::{AGE, DATE};

use crate::fields::grammar::{lines, sole_line, split_list, trim_ows};
use crate::fields::{Seconds, Timestamp};

/// The two moments at which the clock is read for a fetch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fetched {
    /// When the request went out.
    pub requested: Timestamp,
    /// When the response headers arrived.
    pub received: Timestamp,
}

/// The age of a response at the moment its headers arrived: the greater of what `Date` suggests and of what `Age` says,
/// plus the time the exchange took.
#[must_use]
pub fn corrected_initial_age(headers: &HeaderMap, fetched: Fetched) -> Seconds {
    let date = sole_line(headers, DATE).and_then(|text| Timestamp::parse(text, fetched.received));
    let apparent_age = date.map_or(Seconds::ZERO, |date| fetched.received.since(date));
    let response_delay = fetched.received.since(fetched.requested);
    apparent_age.max(received_age(headers) + response_delay)
}

/// The `Age` field: "a cache encountering a message with a list-based Age field value SHOULD use the first member ... If
/// the field value is invalid ... a cache SHOULD ignore the field"
/// ([RFC 9111 §5.1](https://www.rfc-editor.org/rfc/rfc9111#section-5.1)).
fn received_age(headers: &HeaderMap) -> Seconds {
    let first = lines(headers, AGE).flat_map(split_list).next().unwrap_or_default();
    // A parameter is no part of the grammar, but the number before it is no less old.
    let number = first.split(';').next().map(trim_ows).unwrap_or_default();
    Seconds::parse(number).unwrap_or_default()
}

/// The age now of a response that was `initial` old when it was received.
#[must_use]
pub fn current_age(initial: Seconds, received: Timestamp, now: Timestamp) -> Seconds {
    initial + now.since(received)
}
