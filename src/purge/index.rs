//! The index of purges that an isolate holds in memory: one comparison per hit, no matter how many there are.
//!
//! What the isolate itself has seen counts at once, by numbers of its own. What the ledger says counts everywhere, by the ledger's.

use super::records::{Purge, Records};
use super::snapshot::Snapshot;
use crate::cache::reuse::Purged;
use crate::cache::{Head, Stamp};
use crate::fields::Timestamp;
use crate::name::Name;
use crate::url::CanonicalUrl;

/// When the isolate has seen more, the older half gives way to a floor: entries from before it count as purged.
const MAX_OWN: usize = 20_000;

/// Purges by what they name. A record with a number above an entry's purges it.
#[derive(Debug, Default)]
pub struct PurgeIndex {
    counter: u64,
    own: Records,
    ledger: Option<Ledger>,
}

/// What the ledger said last.
#[derive(Debug)]
struct Ledger {
    incarnation: u64,
    records: Records,
    /// All up to this number is in the records; later ones may be, if this isolate brought them about.
    known: u64,
    /// When it said so; not later than it did.
    as_of: Timestamp,
}

impl Ledger {
    fn unread(incarnation: u64) -> Self {
        Self { incarnation, records: Records::default(), known: 0, as_of: Timestamp::from_millis(0) }
    }
}

impl PurgeIndex {
    /// What is known of purges now: to be taken before an origin is asked.
    #[must_use]
    pub fn stamp(&mut self, now: Timestamp) -> Stamp {
        let own = self.next(now);
        match &self.ledger {
            Some(ledger) => Stamp { own, incarnation: ledger.incarnation, sequence: ledger.records.last },
            None => Stamp { own, ..Stamp::default() },
        }
    }

    /// Records a purge that this isolate has seen.
    pub fn purge(&mut self, purge: &Purge, now: Timestamp) {
        let sequence = self.next(now);
        self.own.insert(purge, sequence);
        if self.own.len() > MAX_OWN {
            self.own.forget_half();
        }
    }

    /// Whether an entry for `url` has been purged since it was asked for. One that was numbered by another ledger is lost: that one may
    /// have known of a purge.
    #[must_use]
    pub fn purged(&self, url: &CanonicalUrl, head: &Head) -> Option<Purged> {
        let own = self.own.purged(url, head, head.stamp.own);
        let Some(ledger) = self.ledger.as_ref().filter(|_| own != Some(Purged::Hard)) else { return own };
        if ledger.incarnation != head.stamp.incarnation {
            return Some(Purged::Hard);
        }
        ledger.records.purged(url, head, head.stamp.sequence).or(own)
    }

    /// Whether all of `url` has been purged since `stamp`.
    #[must_use]
    pub fn has_purged(&self, url: &CanonicalUrl, stamp: Stamp) -> bool {
        let by_ledger = |ledger: &Ledger| ledger.records.has_named(Name::url(url), stamp.sequence);
        self.own.has_named(Name::url(url), stamp.own) || self.ledger.as_ref().is_some_and(by_ledger)
    }

    /// Whether an entry for `url` that was asked for at `stamp` has been purged since, by anything but the name of its URL.
    #[must_use]
    pub fn purged_otherwise(&self, url: &CanonicalUrl, head: &Head, stamp: Stamp) -> bool {
        let by_ledger = |ledger: &Ledger| {
            ledger.incarnation != stamp.incarnation || ledger.records.purged_otherwise(url, head, stamp.sequence)
        };
        self.own.purged_otherwise(url, head, stamp.own) || self.ledger.as_ref().is_some_and(by_ledger)
    }

    /// How old what the ledger said is; `None` if it has not said anything yet.
    #[must_use]
    pub fn age_millis(&self, now: Timestamp) -> Option<u64> {
        self.ledger.as_ref().map(|ledger| now.as_millis().saturating_sub(ledger.as_of.as_millis()))
    }

    /// Takes in that the ledger has recorded a purge of this isolate's under this number. Of one that was not known before, nothing else
    /// is known, and that is as old as can be.
    pub fn learn(&mut self, purge: &Purge, incarnation: u64, sequence: u64) {
        let known = self.ledger.take().filter(|ledger| ledger.incarnation == incarnation);
        let ledger = self.ledger.insert(known.unwrap_or_else(|| Ledger::unread(incarnation)));
        ledger.records.insert(purge, sequence);
    }

    /// Which ledger, and the number up to which all is known here.
    #[must_use]
    pub fn known(&self) -> (u64, u64) {
        self.ledger.as_ref().map_or((0, 0), |ledger| (ledger.incarnation, ledger.known))
    }

    /// Takes in what the ledger says, as of a moment. `false` if it does not fit what is known: then all of it is needed.
    pub fn update(&mut self, snapshot: Snapshot, as_of: Timestamp) -> bool {
        if snapshot.since == 0 {
            let (incarnation, records) = snapshot.into_records();
            // A copy that is older than what is known would bring back what was purged.
            let newer = self
                .ledger
                .as_ref()
                .is_none_or(|known| known.incarnation != incarnation || known.records.last <= records.last);
            if newer {
                self.ledger = Some(Ledger { incarnation, known: records.last, records, as_of });
            }
            return newer;
        }
        let Some(ledger) = self.ledger.as_mut() else { return false };
        if ledger.incarnation != snapshot.incarnation || ledger.known < snapshot.since {
            return false;
        }
        ledger.known = ledger.known.max(snapshot.last);
        snapshot.add_to(&mut ledger.records);
        ledger.as_of = as_of.max(ledger.as_of);
        true
    }

    /// Numbers grow by at least one at each use, and follow the clock, so that isolates agree but for the differences between
    /// their clocks.
    fn next(&mut self, now: Timestamp) -> u64 {
        const PER_MILLISECOND: u64 = 1000;
        self.counter = (self.counter + 1).max(now.as_millis() * PER_MILLISECOND);
        self.counter
    }
}
