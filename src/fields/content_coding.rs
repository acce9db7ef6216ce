//! Content codings that the runtime takes off while a body is read
//! ([RFC 9110 §8.4](https://www.rfc-editor.org/rfc/rfc9110#section-8.4)).

use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HeaderValue};

use super::entity_tag::EntityTag;
use super::grammar::{lines, sole_line};
use super::negotiation::weights;

/// Codings that are taken off.
const DECODED: [&str; 2] = ["gzip", "br"];

/// The coding that is taken off when the body of a response is read; `None` if its bytes are read as they are.
#[must_use]
pub fn decoded_coding(headers: &HeaderMap) -> Option<&'static str> {
    let coding = sole_line(headers, CONTENT_ENCODING)?;
    DECODED.into_iter().find(|decoded| *decoded == coding)
}

/// Whether a request accepts `coding`.
#[must_use]
pub fn accepts(request: &HeaderMap, coding: &str) -> bool {
    let weight = |wanted: &str| {
        let ranges = lines(request, ACCEPT_ENCODING).flat_map(weights);
        ranges.filter(|(range, _)| range.eq_ignore_ascii_case(wanted)).map(|(_, weight)| weight).next()
    };
    weight(coding).or_else(|| weight("*")).is_some_and(|weight| weight > 0)
}

/// The fields of a response once its body was decoded: no coding, another length, and a validator that no longer promises the
/// same bytes.
#[must_use]
pub fn without_coding(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [CONTENT_ENCODING, CONTENT_LENGTH] {
        headers.remove(name);
    }
    for name in ["content-md5", "digest", "content-digest", "accept-ranges"] {
        headers.remove(name);
    }
    let weakened = EntityTag::of(&headers).filter(|etag| !etag.is_weak()).map(|etag| format!("W/{etag}"));
    if let Some(etag) = weakened.and_then(|etag| HeaderValue::from_str(&etag).ok()) {
        headers.insert(ETAG, etag);
    }
    headers
}
