//! How soon something that failed is tried again: later each time, and not before the origin said.

use std::collections::HashMap;

use crate::fields::{Seconds, Timestamp};
use crate::key::CacheKey;

/// The wait after the first failure; each further one doubles it.
const FIRST: u64 = 1;

/// The longest wait of our own choice.
const LONGEST: u64 = 60;

/// The longest that an origin is believed.
const LONGEST_ASKED_FOR: Seconds = Seconds::new(3600);

/// Keys that are remembered at once.
const MAX_KEYS: usize = 4096;

/// What failed, and when it may be tried again.
#[derive(Debug, Default)]
pub struct Backoff(HashMap<CacheKey, Wait>);

#[derive(Debug, Clone, Copy)]
struct Wait {
    failures: u32,
    until: Timestamp,
}

impl Backoff {
    /// Whether `key` is to be left alone.
    #[must_use]
    pub fn waits(&self, key: &CacheKey, now: Timestamp) -> bool {
        self.0.get(key).is_some_and(|wait| now < wait.until)
    }

    /// It failed; `retry_after` is what the origin asked for.
    pub fn failed(&mut self, key: CacheKey, now: Timestamp, retry_after: Option<Seconds>) {
        if self.0.len() >= MAX_KEYS {
            self.0.retain(|_, wait| now < wait.until);
        }
        if self.0.len() >= MAX_KEYS && !self.0.contains_key(&key) {
            return;
        }
        let failures = self.0.get(&key).map_or(0, |wait| wait.failures).saturating_add(1);
        let own = Seconds::new((FIRST << (failures - 1).min(16)).min(LONGEST));
        let wait = own.max(retry_after.unwrap_or_default().min(LONGEST_ASKED_FOR));
        self.0.insert(key, Wait { failures, until: now.plus(wait) });
    }

    /// It worked.
    pub fn succeeded(&mut self, key: &CacheKey) {
        if !self.0.is_empty() {
            self.0.remove(key);
        }
    }
}
