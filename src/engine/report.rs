//! What happened to one request: the one value that `Cache-Status`, `Server-Timing`, the log and the tests read.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::fields::{CacheStatus, Forward};
use crate::key::CacheKey;
use crate::reason::Reason;

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const CLOUDFLARE_CACHE_CONTROL: HeaderName = HeaderName::from_static("cloudflare-cdn-cache-control");

/// What happened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Why the origin was asked; a hit if it was not and nothing was generated.
    pub forward: Option<Forward>,
    /// What the origin answered.
    pub forward_status: Option<u16>,
    /// Whether that is being stored.
    pub stored: bool,
    /// Whether it was fetched for another request.
    pub collapsed: bool,
    /// The lifetime left.
    pub ttl: Option<i64>,
    /// Why it was not stored, or not served as it is.
    pub reason: Option<Reason>,
    /// Whether the answer was made here.
    pub generated: bool,
    /// Where it was looked up.
    pub key: Option<CacheKey>,
    /// Milliseconds spent on the stores.
    pub store_millis: Option<u64>,
    /// Milliseconds of those on Redis.
    pub redis_millis: Option<u64>,
    /// Milliseconds until the origin's headers were here.
    pub origin_millis: Option<u64>,
}

impl Report {
    /// A request that is handed to the origin whole.
    #[must_use]
    pub fn bypass(reason: Reason) -> Self {
        let forward = if reason == Reason::MethodNotListed { Forward::Method } else { Forward::Bypass };
        Self { forward: Some(forward), reason: Some(reason), ..Self::default() }
    }

    /// An answer of our own.
    #[must_use]
    pub fn generated(reason: Reason) -> Self {
        Self { generated: true, reason: Some(reason), ..Self::default() }
    }

    /// Whether it was answered from the store.
    #[must_use]
    pub fn is_hit(&self) -> bool {
        self.forward.is_none() && !self.generated
    }

    /// Adds to a response what it says. `show_key` is for whoever may see keys.
    pub fn write(&self, headers: &mut HeaderMap, show_key: bool) {
        let status = CacheStatus {
            forward: self.forward,
            forward_status: self.forward_status,
            stored: self.stored,
            collapsed: self.collapsed,
            ttl: self.ttl,
            key: self.key.filter(|_| show_key).map(|key| key.to_string()),
            detail: self.reason.map(Reason::code),
            generated: self.generated,
        };
        append(headers, CACHE_STATUS, &status.to_string());
        append(headers, SERVER_TIMING, &self.server_timing());
        // What we answer is not to be stored once more in front of us.
        headers.insert(CLOUDFLARE_CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }

    /// `Server-Timing` ([W3C](https://www.w3.org/TR/server-timing/)): milliseconds.
    fn server_timing(&self) -> String {
        let what = match self.forward {
            _ if self.generated => "generated",
            None => "hit",
            Some(Forward::Bypass | Forward::Method) => "pass",
            Some(Forward::Stale) if self.forward_status == Some(304) => "validated",
            Some(_) => "miss",
        };
        let mut timing = ["cache;desc=", what].concat();
        for (name, millis) in
            [("store", self.store_millis), ("redis", self.redis_millis), ("origin", self.origin_millis)]
        {
            if let Some(millis) = millis {
                timing.extend([", ", name, ";dur=", &millis.to_string()]);
            }
        }
        timing
    }
}

fn append(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.append(name, value);
    }
}
