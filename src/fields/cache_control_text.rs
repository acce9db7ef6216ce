//! Writes `Cache-Control` for clients.

use http::HeaderMap;
use http::header::CACHE_CONTROL;

use super::grammar::{Directive, members};
use super::seconds::Seconds;

/// The field as it stands, with another lifetime: `max-age` replaced, `s-maxage` gone, the rest kept.
#[must_use]
pub fn with_max_age(headers: &HeaderMap, lifetime: Seconds) -> String {
    let is_lifetime = |member: &&str| {
        Directive::parse(member).is_some_and(|directive| directive.is("max-age") || directive.is("s-maxage"))
    };
    let kept = members(headers, CACHE_CONTROL).filter(|member| !is_lifetime(member)).map(str::to_owned);
    kept.chain([format!("max-age={}", lifetime.get())]).collect::<Vec<_>>().join(", ")
}
