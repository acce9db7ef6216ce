//! Conditional requests, answered from a representation at hand
//! ([RFC 9110 §13](https://www.rfc-editor.org/rfc/rfc9110#section-13),
//! [RFC 9111 §4.3.2](https://www.rfc-editor.org/rfc/rfc9111#section-4.3.2)).

use http::HeaderMap;
use http::header::{DATE, ETAG, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED};

use super::entity_tag::{EntityTag, list};
use super::grammar::{lines, sole_line, trim_ows};
use super::seconds::Seconds;
use super::time::Timestamp;

/// What a representation can be recognised by, read when it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Validators<'a> {
    headers: &'a HeaderMap,
    received: Timestamp,
}

impl<'a> Validators<'a> {
    /// Those in `headers`, which arrived at `received`.
    #[must_use]
    pub const fn of(headers: &'a HeaderMap, received: Timestamp) -> Self {
        Self { headers, received }
    }

    /// Its entity tag.
    #[must_use]
    pub fn etag(self) -> Option<EntityTag<'a>> {
        EntityTag::of(self.headers)
    }

    /// When it last changed.
    #[must_use]
    pub fn last_modified(self) -> Option<Timestamp> {
        Timestamp::parse(sole_line(self.headers, LAST_MODIFIED)?, self.received)
    }

    /// When it was generated.
    #[must_use]
    pub fn date(self) -> Timestamp {
        let date = sole_line(self.headers, DATE);
        date.and_then(|text| Timestamp::parse(text, self.received)).unwrap_or(self.received)
    }

    /// "The Last-Modified time is at least one second earlier than the Date value"
    /// ([RFC 9110 §8.8.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.2.2)).
    fn last_modified_is_strong(self) -> bool {
        self.last_modified().is_some_and(|modified| self.date() >= modified.plus(Seconds::new(1)))
    }

    /// Whether both are byte for byte the same representation: they "share the same strong validator"
    /// ([RFC 9111 §3.4](https://www.rfc-editor.org/rfc/rfc9111#section-3.4)).
    #[must_use]
    pub fn same_bytes(self, other: Self) -> bool {
        match (self.etag(), other.etag()) {
            (Some(one), Some(another)) => one.strong_eq(another),
            (None, None) => {
                self.last_modified_is_strong()
                    && other.last_modified_is_strong()
                    && self.last_modified() == other.last_modified()
            }
            _ => false,
        }
    }

    /// What `If-Range` may hold of it: a strong entity tag, or the date if that is one
    /// ([RFC 9110 §13.1.5](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5)).
    #[must_use]
    pub fn for_if_range(self) -> Option<HeaderName> {
        match self.etag() {
            Some(etag) => (!etag.is_weak()).then_some(ETAG),
            None => self.last_modified_is_strong().then_some(LAST_MODIFIED),
        }
    }
}

/// Whether the client already has this representation, so that 304 is the answer. `If-None-Match` decides alone where it
/// stands. `If-Match` and `If-Unmodified-Since` are for the origin: "not applicable to a cache".
#[must_use]
pub fn is_not_modified(request: &HeaderMap, current: Validators) -> bool {
    if request.contains_key(IF_NONE_MATCH) {
        return lines(request, IF_NONE_MATCH).any(|line| {
            trim_ows(line) == "*" || current.etag().is_some_and(|etag| list(line).any(|known| known.weak_eq(etag)))
        });
    }
    // Without a Last-Modified, "the cache uses the Date field value".
    let changed = || current.last_modified().unwrap_or_else(|| current.date());
    let since = sole_line(request, IF_MODIFIED_SINCE).and_then(|text| Timestamp::parse(text, current.date()));
    since.is_some_and(|since| changed().as_millis() / 1000 <= since.as_millis() / 1000)
}

/// Whether a range may be taken from this representation: there is no `If-Range`, or it names it exactly
/// ([RFC 9110 §13.1.5](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5)).
#[must_use]
pub fn if_range_holds(request: &HeaderMap, current: Validators) -> bool {
    if !request.contains_key(IF_RANGE) {
        return true;
    }
    let Some(text) = sole_line(request, IF_RANGE) else { return false };
    // First, since a tag may break the grammar and read as a date.
    if EntityTag::parse(text).zip(current.etag()).is_some_and(|(named, etag)| named.strong_eq(etag)) {
        return true;
    }
    let date = Timestamp::parse(text, current.date());
    date.is_some() && current.last_modified_is_strong() && current.last_modified() == date
}
