//! What a successful unsafe request makes stale ([RFC 9111 §4.4](https://www.rfc-editor.org/rfc/rfc9111#section-4.4)).

use http::header::{CONTENT_LOCATION, LOCATION};

use crate::fields::grammar::sole_line;
use crate::fields::{CACHE_GROUP_INVALIDATION, groups};
use crate::message::{RequestHead, ResponseHead};
use crate::url::CanonicalUrl;

/// The groups that the answer to an unsafe request invalidates at its own origin; none after a safe one
/// ([RFC 9875 §3](https://www.rfc-editor.org/rfc/rfc9875#section-3)).
#[must_use]
pub fn groups_invalidated_by(request: &RequestHead, response: &ResponseHead) -> Vec<String> {
    if request.method.is_safe() { Vec::new() } else { groups(&response.headers, &CACHE_GROUP_INVALIDATION) }
}

/// The URLs to invalidate: the target, and what `Location` and `Content-Location` name at the same origin. None after an
/// error or a safe request.
#[must_use]
pub fn invalidated_by(request: &RequestHead, response: &ResponseHead) -> Vec<CanonicalUrl> {
    let non_error = response.status.is_success() || response.status.is_redirection();
    if request.method.is_safe() || !non_error {
        return Vec::new();
    }
    let named = [LOCATION, CONTENT_LOCATION].into_iter();
    let named = named.filter_map(|name| request.url.join(sole_line(&response.headers, name)?));
    let mut urls: Vec<_> = std::iter::once(request.url.clone()).chain(named).collect();
    urls.dedup();
    urls
}
