//! What the requests of one isolate share: plain data, nothing that belongs to one of them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::budget::Portion;
use super::flights::Flights;
use super::ports::Ports;
use crate::cache::Searches;
use crate::fields::{Seconds, Timestamp};
use crate::key::CacheKey;
use crate::policy::Tier;
use crate::purge::PurgeIndex;
use crate::reason::Reason;
use crate::store::{Backoff, Breaker, BreakerState, Memory, Pacing};

/// What the bodies under way may take together.
const BODY_BUDGET: u64 = 16 << 20;

/// How long a key counts as unshareable.
const UNSHAREABLE_FOR: Seconds = Seconds::new(60);

/// How many keys are remembered for one thing or another.
const MAX_REMEMBERED: usize = 4096;

/// Different answers that are kept for one URL beside identities: more is not negotiation but noise.
const MAX_VARIANTS: usize = 16;

/// So many purges are recorded at once, and one more in each interval.
const PURGES_AT_ONCE: u64 = 200;
const PURGE_INTERVAL_MILLIS: u64 = 50;

/// The memory of an isolate.
pub struct Isolate<P: Ports> {
    pub(super) memory: RefCell<Memory<P::Blob>>,
    pub(super) flights: Rc<Flights<P>>,
    pub(super) purges: RefCell<PurgeIndex>,
    /// What those wait for who want to know what is new in the ledger.
    pub(super) index_refresh: RefCell<Option<Rc<P::Signal>>>,
    refresh_began: Cell<Option<Timestamp>>,
    /// Until when those purges that were recorded would have taken, one after the other.
    purging_until: Cell<u64>,
    pub(super) searches: RefCell<Searches>,
    pub(super) pacing: RefCell<Pacing>,
    pub(super) backoff: RefCell<Backoff>,
    portions: RefCell<Vec<(Tier, Portion)>>,
    /// Entries that the tiers which charge for writes were offered, by when they were fetched.
    offered: RefCell<HashMap<CacheKey, Timestamp>>,
    breakers: RefCell<BTreeMap<String, Breaker>>,
    unshareable: RefCell<HashMap<CacheKey, (Reason, Timestamp)>>,
    variants: RefCell<HashMap<CacheKey, Vec<CacheKey>>>,
    under_way: Rc<Cell<u64>>,
}

impl<P: Ports> Default for Isolate<P> {
    fn default() -> Self {
        Self {
            memory: RefCell::default(),
            flights: Rc::default(),
            purges: RefCell::default(),
            index_refresh: RefCell::default(),
            refresh_began: Cell::default(),
            purging_until: Cell::default(),
            searches: RefCell::default(),
            pacing: RefCell::default(),
            backoff: RefCell::default(),
            portions: RefCell::default(),
            offered: RefCell::default(),
            breakers: RefCell::default(),
            unshareable: RefCell::default(),
            variants: RefCell::default(),
            under_way: Rc::default(),
        }
    }
}

impl<P: Ports> Isolate<P> {
    /// Why `key` proved unshareable a moment ago.
    pub(super) fn unshareable(&self, key: &CacheKey, now: Timestamp) -> Option<Reason> {
        let remembered = self.unshareable.borrow();
        remembered.get(key).filter(|(_, since)| now.since(*since) < UNSHAREABLE_FOR).map(|(reason, _)| *reason)
    }

    /// Remembers that an answer for `key` could not be shared, if that is true for everyone: nobody waits for the next one.
    pub(super) fn remember_unshareable(&self, key: CacheKey, reason: Reason, now: Timestamp) {
        if !reason.holds_for_everyone() {
            return;
        }
        let mut remembered = self.unshareable.borrow_mut();
        if remembered.len() >= MAX_REMEMBERED {
            remembered.retain(|_, (_, since)| now.since(*since) < UNSHAREABLE_FOR);
        }
        if remembered.len() < MAX_REMEMBERED {
            remembered.insert(key, (reason, now));
        }
    }

    /// An answer for `key` was shared after all.
    pub(super) fn forget_unshareable(&self, key: &CacheKey) {
        self.unshareable.borrow_mut().remove(key);
    }

    /// Whether one more variant of `primary` may be kept.
    pub(super) fn admits_variant(&self, primary: CacheKey, variant: CacheKey) -> bool {
        let mut counted = self.variants.borrow_mut();
        if counted.len() >= MAX_REMEMBERED {
            counted.clear();
        }
        let variants = counted.entry(primary).or_default();
        if variants.contains(&variant) {
            return true;
        }
        let admitted = variants.len() < MAX_VARIANTS;
        if admitted {
            variants.push(variant);
        }
        admitted
    }

    /// What is left of this isolate's portion of writes to `tier`.
    #[expect(clippy::indexing_slicing, reason = "if it was not there, it was just put there")]
    pub(super) fn portion(&self, tier: Tier, day: u64) -> std::cell::RefMut<'_, Portion> {
        std::cell::RefMut::map(self.portions.borrow_mut(), |portions| {
            let at = portions.iter().position(|(of, _)| *of == tier).unwrap_or_else(|| {
                portions.push((tier, Portion::default()));
                portions.len() - 1
            });
            portions[at].1.on(day)
        })
    }

    /// Whether the caller is the one to refresh the index: one at a time, and no more often than each second.
    pub(super) fn begins_refresh(&self, now: Timestamp) -> bool {
        let begins = self.refresh_began.get().is_none_or(|began| now.since(began) >= Seconds::new(1));
        if begins {
            self.refresh_began.set(Some(now));
        }
        begins
    }

    /// Whether one more purge request may be recorded now: the ledger is one object, and all isolates read it.
    pub(super) fn admits_purge(&self, now: Timestamp) -> bool {
        let until = self.purging_until.get().max(now.as_millis());
        let admits = until - now.as_millis() < PURGES_AT_ONCE * PURGE_INTERVAL_MILLIS;
        if admits {
            self.purging_until.set(until + PURGE_INTERVAL_MILLIS);
        }
        admits
    }

    /// Whether an entry is offered to the tiers that charge for writes for the first time here.
    pub(super) fn is_first_offer(&self, key: CacheKey, fetched: Timestamp) -> bool {
        let mut offered = self.offered.borrow_mut();
        if offered.len() >= MAX_REMEMBERED {
            offered.clear();
        }
        offered.insert(key, fetched) != Some(fetched)
    }

    /// Whether `name` may be tried. What never failed has no breaker.
    pub(super) fn admits(&self, name: &str, now: Timestamp) -> bool {
        self.breakers.borrow_mut().get_mut(name).is_none_or(|breaker| breaker.admits(now))
    }

    /// `name` worked.
    pub(super) fn succeeded(&self, name: &str) {
        if !self.breakers.borrow().is_empty() {
            self.breakers.borrow_mut().remove(name);
        }
    }

    /// `name` failed.
    pub(super) fn failed(&self, name: &str, now: Timestamp, draw: f64) {
        let mut breakers = self.breakers.borrow_mut();
        if breakers.len() < MAX_REMEMBERED || breakers.contains_key(name) {
            breakers.entry(name.to_owned()).or_default().failed(now, draw);
        }
    }

    /// How the breaker in front of `name` stands.
    pub(super) fn breaker(&self, name: &str, now: Timestamp) -> BreakerState {
        self.breakers.borrow().get(name).map_or(BreakerState::Closed, |breaker| breaker.state(now))
    }

    /// Room for one body of at most `limit` bytes.
    pub(super) fn room(&self, limit: u64) -> Room {
        Room { under_way: self.under_way.clone(), limit, taken: 0 }
    }
}

/// Room for a body that is being collected: within its own limit, and within what all of them may take together. Given back when
/// dropped.
#[derive(Debug)]
pub struct Room {
    under_way: Rc<Cell<u64>>,
    limit: u64,
    taken: u64,
}

impl Room {
    /// Whether there is room for `bytes` more.
    #[must_use]
    pub fn has(&self, bytes: u64) -> bool {
        self.taken + bytes <= self.limit && self.under_way.get() + bytes <= BODY_BUDGET
    }

    /// Takes room for `bytes` more. `false` if there is none: the body is too large to be stored.
    #[must_use]
    pub fn take(&mut self, bytes: u64) -> bool {
        let fits = self.has(bytes);
        if fits {
            self.taken += bytes;
            self.under_way.set(self.under_way.get() + bytes);
        }
        fits
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.under_way.set(self.under_way.get().saturating_sub(self.taken));
    }
}
