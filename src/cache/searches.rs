//! Queries that do not matter: under which other URL an answer to a request may be stored
//! ([draft-ietf-httpbis-no-vary-search §7](https://datatracker.ietf.org/doc/draft-ietf-httpbis-no-vary-search/)).

use std::collections::HashMap;

use http::HeaderMap;

use crate::digest::Framed;
use crate::fields::SearchVariance;
use crate::url::CanonicalUrl;

/// Paths that are remembered; when there are more, it begins anew.
const MAX_PATHS: usize = 1024;

/// Queries that are remembered; when there are more, it begins anew.
const MAX_QUERIES: usize = 8192;

/// What is known of paths whose responses said `No-Vary-Search`.
#[derive(Debug, Default)]
pub struct Searches {
    /// What a path said last.
    variances: HashMap<u64, SearchVariance>,
    /// The query that a response is stored under, by path and by what of the query matters.
    stored: HashMap<u64, Option<String>>,
}

impl Searches {
    /// Remembers that a response with these fields is stored for `url`.
    pub fn remember(&mut self, url: &CanonicalUrl, headers: &HeaderMap) {
        let Some(variance) = SearchVariance::read(headers) else { return };
        if self.variances.len() >= MAX_PATHS || self.stored.len() >= MAX_QUERIES {
            *self = Self::default();
        }
        self.stored.insert(search_hash(url, &variance), url.query.clone());
        self.variances.insert(path_hash(url).finish_short(), variance);
    }

    /// The URL whose stored response answers a request for `url` too. Whether it is still stored, and says so still, is for the caller
    /// to see.
    #[must_use]
    pub fn equivalent(&self, url: &CanonicalUrl) -> Option<CanonicalUrl> {
        if self.variances.is_empty() {
            return None;
        }
        let variance = self.variances.get(&path_hash(url).finish_short())?;
        let query = self.stored.get(&search_hash(url, variance)).filter(|query| **query != url.query)?;
        Some(CanonicalUrl { query: query.clone(), ..url.clone() })
    }
}

fn path_hash(url: &CanonicalUrl) -> Framed {
    Framed::new("path").part(url.scheme.as_str()).part(url.authority.as_str()).part(&url.path)
}

fn search_hash(url: &CanonicalUrl, variance: &SearchVariance) -> u64 {
    path_hash(url).part(variance.significant(url.query.as_deref())).finish_short()
}
