//! Names and the number of the last purge that named them: a sorted list as it came from the ledger, and what came after it.

use crate::name::Name;
use std::collections::HashMap;

/// More than this after the list are merged into it.
const MAX_RECENT: usize = 4096;

/// Sequence numbers by name.
#[derive(Debug, Default)]
pub(super) struct Table {
    sorted: Vec<(Name, u64)>,
    recent: HashMap<Name, u64>,
}

impl Table {
    /// A list that is sorted by name, each name once.
    pub(super) fn from_sorted(sorted: Vec<(Name, u64)>) -> Self {
        Self { sorted, recent: HashMap::new() }
    }

    pub(super) fn insert(&mut self, name: Name, sequence: u64) {
        let last = self.recent.entry(name).or_default();
        *last = sequence.max(*last);
        if self.recent.len() > MAX_RECENT {
            self.merge();
        }
    }

    /// Whether `name` was purged after `since`.
    pub(super) fn is_later(&self, name: Name, since: u64) -> bool {
        let place = || self.sorted.binary_search_by_key(&name, |(name, _)| *name).ok();
        let sorted = || self.sorted.get(place()?).map(|(_, sequence)| *sequence);
        let recent = (!self.recent.is_empty()).then(|| self.recent.get(&name).copied()).flatten();
        // What is recent is later.
        recent.or_else(sorted).is_some_and(|sequence| sequence > since)
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.recent.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sorted.is_empty() && self.recent.is_empty()
    }

    /// All of it, sorted by name.
    pub(super) fn merged(&self) -> Vec<(Name, u64)> {
        let older = self.sorted.iter().filter(|(name, _)| !self.recent.contains_key(name));
        let mut all: Vec<_> = older.copied().chain(self.recent.iter().map(|(name, at)| (*name, *at))).collect();
        all.sort_unstable();
        all
    }

    /// Drops what is not after `floor`.
    pub(super) fn raise(&mut self, floor: u64) {
        let kept = self.merged().into_iter().filter(|(_, sequence)| *sequence > floor).collect();
        *self = Self::from_sorted(kept);
    }

    fn merge(&mut self) {
        *self = Self::from_sorted(self.merged());
    }
}
