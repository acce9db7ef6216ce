//! Which fields of a response are kept, which never go downstream, and which name what it can be purged by
//! ([RFC 9111 §3.1](https://www.rfc-editor.org/rfc/rfc9111#section-3.1)).

use http::header::{AGE, DATE, HeaderMap, HeaderName, HeaderValue};

use crate::fields::grammar::{lines, members};
use crate::fields::{CACHE_GROUPS, ResponseDirectives, Timestamp, groups, hop_by_hop};
use crate::forward::Lookup;
use crate::name::Name;
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

/// What the response to `lookup` can be purged by: its tags, its groups and whose it is.
pub(super) fn purge_names(headers: &HeaderMap, lookup: &Lookup, policy: &Policy) -> Vec<Name> {
    let groups = groups(headers, &CACHE_GROUPS);
    let group_names = |group: &String| [Name::group(lookup.url(), group), Name::group_anywhere(group)];
    let identities = lookup.identities.iter().map(|identity| Name::identity(*identity));
    let mut names: Vec<_> = tags(headers, policy).map(Name::tag).collect();
    names.extend(groups.iter().flat_map(group_names).chain(identities));
    names.sort_unstable();
    names.dedup();
    names
}

/// `Cache-Tag` (separated by commas), `Surrogate-Key` (by spaces), and those the route adds.
fn tags<'a>(headers: &'a HeaderMap, policy: &'a Policy) -> impl Iterator<Item = &'a str> {
    let listed = members(headers, CACHE_TAG);
    let spaced = lines(headers, SURROGATE_KEY).flat_map(str::split_ascii_whitespace);
    policy.tags.iter().map(String::as_str).chain(listed).chain(spaced).take(MAX_TAGS)
}
