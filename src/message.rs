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

/// What a client wants of a representation.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// GET or HEAD.
    pub method: &'a Method,
    /// Its preconditions and ranges.
    pub headers: &'a HeaderMap,
}

impl RequestHead {
    /// What it wants of the representation.
    #[must_use]
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted { method: &self.method, headers: &self.headers }
    }
}

/// A response without its body.
#[derive(Debug, Clone)]
pub struct ResponseHead {
    /// From 200 to 999.
    pub status: StatusCode,
    /// As received.
    pub headers: HeaderMap,
}
