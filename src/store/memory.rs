//! The memory tier: what this isolate keeps for itself, within a budget of bytes.

use std::rc::Rc;

use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use crate::blob::Blob;
use crate::cache::Entry;
use crate::key::CacheKey;

/// What all entries together may take.
pub const BUDGET: u64 = 32 << 20;

/// A larger entry would push out too many others.
const MAX_SHARE: u64 = BUDGET / 8;

/// What an entry takes beside its body: a guess at its fields, on the safe side.
const OVERHEAD: u64 = 2048;

/// Entries by key.
pub struct Memory<B: Blob>(Cache<CacheKey, Rc<Entry<B>>, ByBytes>);

#[derive(Clone)]
struct ByBytes;

impl<B: Blob> Weighter<CacheKey, Rc<Entry<B>>> for ByBytes {
    fn weight(&self, _: &CacheKey, entry: &Rc<Entry<B>>) -> u64 {
        entry.body.len() as u64 + OVERHEAD
    }
}

impl<B: Blob> Default for Memory<B> {
    fn default() -> Self {
        const EXPECTED_ENTRIES: usize = 2048;
        Self(Cache::with_weighter(EXPECTED_ENTRIES, BUDGET, ByBytes))
    }
}

impl<B: Blob> Memory<B> {
    /// The entry under `key`.
    #[must_use]
    pub fn get(&self, key: &CacheKey) -> Option<Rc<Entry<B>>> {
        self.0.get(key).cloned()
    }

    /// Keeps an entry, unless it is too large.
    pub fn insert(&mut self, entry: Rc<Entry<B>>) {
        if entry.body.len() as u64 + OVERHEAD <= MAX_SHARE {
            self.0.insert(entry.head.key, entry);
        } else {
            self.0.remove(&entry.head.key);
        }
    }

    /// Forgets an entry.
    pub fn remove(&mut self, key: &CacheKey) {
        self.0.remove(key);
    }

    /// How many bytes are taken.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.weight()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
