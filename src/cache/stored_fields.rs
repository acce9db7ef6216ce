//! Which fields of a response are kept, which never go downstream, and which name what it can be purged by
//! ([RFC 9111 §3.1](https://www.rfc-editor.org/rfc/rfc9111#section-3.1)).

use http::header::{AGE, DATE, HeaderMap, HeaderName, HeaderValue};

use crate::fields::grammar::{lines, members};
use crate::fields::{ResponseDirectives, Timestamp, hop_by_hop};
use crate::policy::Policy;

const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// Fields between the origin and its caches: kept, because a 304 may leave them out, and never sent on.
pub const NEVER_DOWNSTREAM: [&str; 3] = ["cache-tag", "surrogate-key", "surrogate-control"];

/// More tags than this on one response are cut off.
const MAX_TAGS: usize = 128;

/// Whether a response field stops here.
#[must_use]
pub fn stops_here(name: &HeaderName) -> bool {
    NEVER_DOWNSTREAM.contains(&name.as_str()) || name.as_str().starts_with("larder-")
}

/// The fields to keep: all but hop-by-hop ones, `Age`, which is computed at each use, and what `no-cache` names. A response
/// without a `Date` gets one ([RFC 9110 §6.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1)).
pub(super) fn stored_fields(headers: &HeaderMap, directives: &ResponseDirectives, received: Timestamp) -> HeaderMap {
    let mut kept = headers.clone();
    hop_by_hop::strip(&mut kept);
    kept.remove(AGE);
    for name in &directives.no_cache_fields {
        kept.remove(name);
    }
    if !kept.contains_key(DATE)
        && let Ok(date) = HeaderValue::from_str(&received.to_http_date())
    {
        kept.insert(DATE, date);
    }
    kept
}

/// `Cache-Tag` (separated by commas), `Surrogate-Key` (by spaces), and those the route adds.
pub(super) fn tags(headers: &HeaderMap, policy: &Policy) -> Vec<String> {
    let listed = members(headers, CACHE_TAG);
    let spaced = lines(headers, SURROGATE_KEY).flat_map(str::split_ascii_whitespace);
    let mut tags: Vec<String> =
        policy.tags.iter().map(String::as_str).chain(listed).chain(spaced).take(MAX_TAGS).map(str::to_owned).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}
