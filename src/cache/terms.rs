//! The terms on which the origin gave a response: read once, when it arrives, and stored with it.

use http::header::{EXPIRES, LAST_MODIFIED};
use http::{HeaderMap, StatusCode};

use super::age::Fetched;
use crate::fields::grammar::{lines, sole_line};
use crate::fields::targeted::{Source, governing};
use crate::fields::{Lifetime, ResponseDirectives, Seconds, Timestamp};

/// What the origin allows. Lifetimes are its own, before any policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// The freshness lifetime it states; zero if it cannot be read.
    pub stated: Option<Seconds>,
    /// The lifetime that `Last-Modified` suggests, where none is stated and the status allows that.
    pub heuristic: Option<Seconds>,
    /// The window it states.
    pub stale_while_revalidate: Option<Seconds>,
    /// The window it states.
    pub stale_if_error: Option<Seconds>,
    /// Never to be served stale.
    pub must_revalidate: bool,
    /// To be validated before every use.
    pub no_cache: bool,
    /// Addressed to shared caches in so many words: `public`, `s-maxage`, a targeted field.
    pub shared: bool,
    /// May answer requests with `Authorization`
    /// ([RFC 9111 §3.5](https://www.rfc-editor.org/rfc/rfc9111#section-3.5)).
    pub authorized: bool,
    /// Will not change while it is fresh ([RFC 8246 §2](https://www.rfc-editor.org/rfc/rfc8246#section-2)).
    pub immutable: bool,
}

/// A response's terms, and the directives they come from.
#[must_use]
pub fn read_terms(status: StatusCode, headers: &HeaderMap, fetched: Fetched) -> (Terms, ResponseDirectives) {
    let (source, directives) = governing(headers);
    let readable = |lifetime: Option<Lifetime>| lifetime.is_some_and(Lifetime::is_stated);
    let s_maxage = readable(directives.s_maxage);
    let stated = directives.s_maxage.or(directives.max_age).map(Lifetime::seconds);
    let stated = stated.or_else(|| (source == Source::CacheControl).then(|| expires(headers, fetched)).flatten());
    let guesses = stated.is_none() && may_be_heuristic(status, &directives);
    let terms = Terms {
        stated,
        heuristic: guesses.then(|| heuristic(headers, fetched)).flatten(),
        stale_while_revalidate: directives.stale_while_revalidate.map(Lifetime::seconds),
        stale_if_error: directives.stale_if_error.map(Lifetime::seconds),
        must_revalidate: directives.must_revalidate || directives.proxy_revalidate || directives.s_maxage.is_some(),
        no_cache: directives.no_cache,
        shared: directives.public || s_maxage || source.is_targeted(),
        authorized: directives.public || s_maxage || directives.must_revalidate,
        immutable: directives.immutable,
    };
    (terms, directives)
}

/// `Expires` less `Date` ([RFC 9111 §4.2.1](https://www.rfc-editor.org/rfc/rfc9111#section-4.2.1)). An invalid or repeated
/// one is "a time in the past (i.e., already expired)"
/// ([RFC 9111 §5.3](https://www.rfc-editor.org/rfc/rfc9111#section-5.3)).
fn expires(headers: &HeaderMap, fetched: Fetched) -> Option<Seconds> {
    lines(headers, EXPIRES).next()?;
    let expires = sole_line(headers, EXPIRES).and_then(|text| Timestamp::parse(text, fetched.received));
    Some(expires.map_or(Seconds::ZERO, |expires| expires.since(date(headers, fetched))))
}

fn date(headers: &HeaderMap, fetched: Fetched) -> Timestamp {
    sole_line(headers, http::header::DATE)
        .and_then(|text| Timestamp::parse(text, fetched.received))
        .unwrap_or(fetched.received)
}

/// A tenth of the time since the last change: "a typical setting of this fraction might be 10%"
/// ([RFC 9111 §4.2.2](https://www.rfc-editor.org/rfc/rfc9111#section-4.2.2)).
fn heuristic(headers: &HeaderMap, fetched: Fetched) -> Option<Seconds> {
    let modified = sole_line(headers, LAST_MODIFIED).and_then(|text| Timestamp::parse(text, fetched.received))?;
    Some(date(headers, fetched).since(modified).scale(0.1))
}

/// Statuses that are "heuristically cacheable" ([RFC 9110 §15.1](https://www.rfc-editor.org/rfc/rfc9110#section-15.1)), and
/// any that is marked `public`.
fn may_be_heuristic(status: StatusCode, directives: &ResponseDirectives) -> bool {
    directives.public
        || matches!(status.as_u16(), 200 | 203 | 204 | 206 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}
