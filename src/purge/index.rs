//! The index of purges that an isolate holds in memory: one comparison per hit, no matter how many there are.

use std::collections::HashMap;

use crate::cache::reuse::Purged;
use crate::cache::{Head, Stamp};
use crate::digest::Framed;
use crate::fields::Timestamp;
use crate::url::CanonicalUrl;

/// When there are more, the older half gives way to a floor: entries from before it count as purged.
const MAX_RECORDS: usize = 100_000;

/// Purges by what they name. A record with a number not below an entry's purges it.
#[derive(Debug, Default)]
pub struct PurgeIndex {
    urls: HashMap<u64, u64>,
    identities: HashMap<u64, u64>,
    groups: HashMap<u64, u64>,
    last: u64,
    floor: u64,
}

impl PurgeIndex {
    /// What is known of purges now: to be taken before an origin is asked.
    #[must_use]
    pub fn stamp(&mut self, now: Timestamp) -> Stamp {
        Stamp { incarnation: 0, sequence: self.next(now) }
    }

    /// Records that everything stored for `url` is invalid: all variants, all identities.
    pub fn purge_url(&mut self, url: &CanonicalUrl, now: Timestamp) {
        let sequence = self.next(now);
        self.urls.insert(url_hash(url), sequence);
        self.keep_within_bounds();
    }

    /// Records that everything stored for an identity is stale: it did something, and what it sees may have changed.
    pub fn expire_identity(&mut self, identity: u64, now: Timestamp) {
        let sequence = self.next(now);
        self.identities.insert(identity, sequence);
        self.keep_within_bounds();
    }

    /// Records that everything stored for the group `group` at the origin of `url` is invalid.
    pub fn purge_group(&mut self, url: &CanonicalUrl, group: &str, now: Timestamp) {
        let sequence = self.next(now);
        self.groups.insert(group_hash(url, group), sequence);
        self.keep_within_bounds();
    }

    /// Whether an entry for `url` has been purged since it was asked for.
    #[must_use]
    pub fn purged(&self, url: &CanonicalUrl, head: &Head) -> Option<Purged> {
        let later = |sequence: Option<&u64>| sequence.is_some_and(|purged| *purged > head.stamp.sequence);
        let of_group = |group: &String| later(self.groups.get(&group_hash(url, group)));
        if self.purged_since(url, head.stamp) || (!self.groups.is_empty() && head.groups.iter().any(of_group)) {
            return Some(Purged::Hard);
        }
        head.identities.iter().any(|identity| later(self.identities.get(identity))).then_some(Purged::Soft)
    }

    /// Whether all that was known of `url` at `stamp` has been purged since.
    #[must_use]
    pub fn purged_since(&self, url: &CanonicalUrl, stamp: Stamp) -> bool {
        let later = |purged: &u64| *purged > stamp.sequence;
        stamp.sequence < self.floor || (!self.urls.is_empty() && self.urls.get(&url_hash(url)).is_some_and(later))
    }

    /// Numbers grow by at least one at each use, and follow the clock, so that isolates agree but for the differences between
    /// their clocks.
    fn next(&mut self, now: Timestamp) -> u64 {
        const PER_MILLISECOND: u64 = 1000;
        self.last = (self.last + 1).max(now.as_millis() * PER_MILLISECOND);
        self.last
    }

    fn keep_within_bounds(&mut self) {
        if self.urls.len() + self.identities.len() + self.groups.len() > MAX_RECORDS {
            self.raise_floor();
        }
    }

    fn raise_floor(&mut self) {
        let records = [&self.urls, &self.identities, &self.groups];
        let mut sequences: Vec<_> = records.iter().flat_map(|records| records.values()).copied().collect();
        let middle = sequences.len() / 2;
        let (_, median, _) = sequences.select_nth_unstable(middle);
        self.floor = *median;
        let floor = self.floor;
        for records in [&mut self.urls, &mut self.identities, &mut self.groups] {
            records.retain(|_, sequence| *sequence > floor);
        }
    }
}

/// Path and query of a URL, whatever the route makes of its parameters.
fn url_hash(url: &CanonicalUrl) -> u64 {
    Framed::new("url").part(url.scheme.as_str()).part(url.authority.as_str()).part(url.target()).finish_short()
}

/// A group belongs to one origin ([RFC 9875 §2.1](https://www.rfc-editor.org/rfc/rfc9875#section-2.1)).
fn group_hash(url: &CanonicalUrl, group: &str) -> u64 {
    Framed::new("group").part(url.scheme.as_str()).part(url.authority.as_str()).part(group).finish_short()
}
