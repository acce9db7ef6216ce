//! The heads of requests and responses, as decisions see them.

use http::{HeaderMap, Method, StatusCode};

use crate::url::CanonicalUrl;

/// A request without its body, hop-by-hop fields removed.
#[derive(Debug, Clone)]
pub struct RequestHead {
    /// As received; one that nobody knows stays itself.
    pub method: Method,
    /// Where to.
    pub url: CanonicalUrl,
    /// End-to-end fields.
    pub headers: HeaderMap,
    /// Whether it asked for another protocol; that field is gone from `headers`.
    pub upgrade: bool,
}

/// A response without its body.
#[derive(Debug, Clone)]
pub struct ResponseHead {
    /// From 200 to 999.
    pub status: StatusCode,
    /// As received.
    pub headers: HeaderMap,
}
