//! Fields that end at the next hop and must neither be stored nor forwarded
//! ([RFC 9110 §7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1),
//! [RFC 9111 §3.1](https://www.rfc-editor.org/rfc/rfc9111#section-3.1)).

use http::HeaderMap;
use http::header::{CONNECTION, HeaderName};

use super::grammar::members;

/// The fields that are about one connection whatever `Connection` says.
const ALWAYS: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether `name` is about one connection, whatever `Connection` says.
#[must_use]
pub fn is_hop_by_hop(name: &HeaderName) -> bool {
    ALWAYS.contains(&name.as_str())
}

/// Removes them, and the fields that `Connection` lists.
pub fn strip(headers: &mut HeaderMap) {
    let present: Vec<_> = headers.keys().filter(|name| is_hop_by_hop(name)).cloned().collect();
    if present.is_empty() {
        return;
    }
    let listed: Vec<_> =
        members(headers, CONNECTION).filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect();
    for name in present.into_iter().chain(listed) {
        headers.remove(name);
    }
}
