//! What may be kept of an assembled page, by whom and for how long: what all of its parts allow.

use http::header::{
    ACCEPT_RANGES, AGE, CACHE_CONTROL, CONTENT_LENGTH, DATE, ETAG, EXPIRES, HeaderMap, HeaderName, HeaderValue,
    LAST_MODIFIED, VARY,
};

use crate::fields::grammar::sole_line;
use crate::fields::{NO_VARY_SEARCH, ResponseDirectives, Seconds, Timestamp, Vary};
use crate::policy::{HeaderRule, Policy};

/// For whom, how long, and what it depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Whether it is for one visitor, or nothing that may be kept.
    pub private: bool,
    /// Whether a part is missing.
    pub incomplete: bool,
    /// How long it holds.
    pub lifetime: Seconds,
    /// Request fields it depends on, each once.
    pub vary: Vec<HeaderName>,
}

impl Terms {
    /// Of a page or a fragment as it would go to a client. `ttl` is what is left of its lifetime here; `None` if it is not stored.
    #[must_use]
    pub fn of(headers: &HeaderMap, ttl: Option<i64>, policy: &Policy) -> Self {
        let stated = ResponseDirectives::read(headers, CACHE_CONTROL);
        let age = sole_line(headers, AGE).and_then(Seconds::parse).unwrap_or_default();
        let left = ttl.and_then(|ttl| u64::try_from(ttl).ok()).map(Seconds::new).unwrap_or_default();
        let browsers = stated.max_age.map_or(left, |lifetime| lifetime.seconds() - age);
        let (names, unreadable) = match Vary::read(headers) {
            Vary::By(names) => (names, false),
            Vary::Anything | Vary::Unreadable => (Vec::new(), true),
        };
        let mut terms = Self {
            private: ttl.is_none() || policy.keys_identity() || stated.private || stated.no_store || unreadable,
            incomplete: false,
            lifetime: if stated.no_cache { Seconds::ZERO } else { left.min(browsers) },
            vary: names,
        };
        for (name, rule) in &policy.vary_header.0 {
            if is_keyed(rule) {
                terms.vary_by(name);
            }
        }
        terms
    }

    /// Takes a part into account.
    pub fn join(&mut self, part: Self) {
        self.private |= part.private;
        self.incomplete |= part.incomplete;
        self.lifetime = self.lifetime.min(part.lifetime);
        for name in &part.vary {
            self.vary_by(name);
        }
    }

    fn vary_by(&mut self, name: &HeaderName) {
        if !self.vary.contains(name) {
            self.vary.push(name.clone());
        }
    }

    /// The page depends on a request field. Where the route keys that, caches are told; elsewhere it is for this visitor alone.
    pub fn depend_on(&mut self, field: &HeaderName, policy: &Policy) {
        match policy.vary_header.rule(field) {
            Some(rule) if is_keyed(rule) => self.vary_by(field),
            _ => self.private = true,
        }
    }

    /// Says so in the fields of the template: no validator, since it would be the template's, and no length or age of it either.
    pub fn write(&self, headers: &mut HeaderMap, policy: &Policy, now: Timestamp) {
        for name in [ETAG, LAST_MODIFIED, CONTENT_LENGTH, ACCEPT_RANGES, AGE, EXPIRES, NO_VARY_SEARCH] {
            headers.remove(name);
        }
        for name in ["cdn-cache-control", "content-md5", "digest", "content-digest", "repr-digest"] {
            headers.remove(name);
        }
        let browsers = policy.browser_ttl;
        let text = if self.private || self.incomplete {
            let kept = browsers.filter(|_| !self.incomplete).unwrap_or_default();
            format!("private, max-age={}", kept.get())
        } else {
            format!("max-age={}", browsers.map_or(self.lifetime, |kept| kept.min(self.lifetime)).get())
        };
        insert(headers, CACHE_CONTROL, &text);
        insert(headers, DATE, &now.to_http_date());
        if !self.vary.is_empty() && headers.get(VARY).is_none_or(|names| names != "*") {
            let names: Vec<_> = self.vary.iter().map(HeaderName::as_str).collect();
            insert(headers, VARY, &names.join(", "));
        }
    }
}

/// Whether a field with this rule is in the key.
fn is_keyed(rule: &HeaderRule) -> bool {
    matches!(rule, HeaderRule::Raw | HeaderRule::OneOf(_))
}

fn insert(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
