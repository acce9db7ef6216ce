//! What is counted, and what of it has a price.

use std::cell::Cell;

/// A call that leaves the isolate, or a request that comes to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Request,
    Hit,
    Origin,
    CacheApi,
    KvRead,
    KvWrite,
    Shield,
    Ledger,
    Redis,
}

const KINDS: usize = 9;

/// How often each was made.
#[derive(Default)]
pub struct Counts([Cell<u64>; KINDS]);

impl Counts {
    pub fn add(&self, call: Call) {
        let count = &self.0[call as usize];
        count.set(count.get() + 1);
    }

    pub fn reset(&self) {
        self.0.iter().for_each(|count| count.set(0));
    }

    pub fn of(&self, call: Call) -> u64 {
        self.0[call as usize].get()
    }

    /// For a million requests.
    pub fn a_million(&self, call: Call) -> f64 {
        self.of(call) as f64 / self.of(Call::Request) as f64 * 1e6
    }

    pub fn hit_ratio(&self) -> f64 {
        self.of(Call::Hit) as f64 / self.of(Call::Request) as f64
    }
}

/// Dollars for a million, beyond what a plan includes, as published on 21 November 2026.
pub const PRICES: [(Call, f64); 6] = [
    (Call::Request, 0.30),
    (Call::KvRead, 0.50),
    (Call::KvWrite, 5.00),
    (Call::Shield, 0.15),
    (Call::Ledger, 0.15),
    (Call::Redis, 2.00),
];
