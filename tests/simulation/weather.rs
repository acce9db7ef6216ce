//! What the adversary has switched on at the moment.

use std::cell::Cell;

use larder::policy::Tier;

/// How something far away behaves. Chances are in percent, times in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fault {
    /// It refuses.
    pub fails: u64,
    /// It says nothing any more.
    pub hangs: u64,
    /// It takes up to so long.
    pub slow: u64,
    /// What is read is not what was written.
    pub corrupts: u64,
    /// It says that it did, and did not.
    pub drops: u64,
    /// It says that it did, and does so up to this much later.
    pub late: u64,
}

/// How the origin behaves, in percent of its answers; `slow` in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mood {
    /// 500 and its kind.
    pub errors: u64,
    /// No connection.
    pub refuses: u64,
    /// No answer.
    pub silent: u64,
    /// A body that breaks off, or stalls.
    pub breaks_off: u64,
    /// A `Date` that is years away, a 304 that nobody asked for, a status that is none.
    pub nonsense: u64,
    pub slow: u64,
}

#[derive(Default)]
pub struct Weather {
    colo: Cell<Fault>,
    kv: Cell<Fault>,
    redis: Cell<Fault>,
    pub shield: Cell<Fault>,
    pub ledger: Cell<Fault>,
    /// Whether two objects answer for one.
    pub twins: Cell<bool>,
    pub origin: Cell<Mood>,
    /// How often work is left undone when a request is answered.
    pub neglect: Cell<u64>,
}

/// The tiers beyond an isolate's memory.
pub const FAR: [Tier; 3] = [Tier::Colo, Tier::Kv, Tier::Redis];

impl Weather {
    pub fn tier(&self, tier: Tier) -> &Cell<Fault> {
        match tier {
            Tier::Colo => &self.colo,
            Tier::Kv => &self.kv,
            _ => &self.redis,
        }
    }

    /// As if nothing ever failed.
    pub fn clear(&self) {
        FAR.iter().for_each(|tier| self.tier(*tier).set(Fault::default()));
        self.shield.set(Fault::default());
        self.ledger.set(Fault::default());
        self.twins.set(false);
        self.origin.set(Mood::default());
        self.neglect.set(0);
    }
}
