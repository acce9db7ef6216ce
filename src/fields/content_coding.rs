//! Content codings that a runtime takes off while a body is read ([RFC 9110 §8.4](https://www.rfc-editor.org/rfc/rfc9110#section-8.4)).

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HeaderValue};

use super::entity_tag::EntityTag;
use super::grammar::sole_line;

/// Codings that are taken off.
const DECODED: [&str; 2] = ["gzip", "br"];

/// Makes the fields of a response fit a body that was decoded on the way: no coding, another length, and a validator that no
/// longer promises the same bytes.
pub fn remove_decoded(headers: &mut HeaderMap) {
    let decoded = sole_line(headers, CONTENT_ENCODING).is_some_and(|coding| DECODED.contains(&coding));
    if !decoded {
        return;
    }
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
    for name in ["content-md5", "digest", "content-digest", "accept-ranges"] {
        headers.remove(name);
    }
    let weakened = EntityTag::of(headers).filter(|etag| !etag.is_weak()).map(|etag| format!("W/{etag}"));
    if let Some(etag) = weakened.and_then(|etag| HeaderValue::from_str(&etag).ok()) {
        headers.insert(ETAG, etag);
    }
}
