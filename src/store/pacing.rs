//! One write a second per key: what Workers KV and R2 take.

use std::collections::HashMap;
use std::time::Duration;

use crate::fields::Timestamp;
use crate::key::CacheKey;
use crate::policy::Tier;

/// They take one write of a key in this time, and refuse more.
const INTERVAL: Duration = Duration::from_secs(1);

/// Keys that are remembered at once.
const MAX_KEYS: usize = 4096;

/// When keys were written last, and who wants to write them next.
#[derive(Debug, Default)]
pub struct Pacing(HashMap<Slot, Turn>);

/// A key in a tier.
type Slot = (Tier, CacheKey);

#[derive(Debug, Clone, Copy)]
struct Turn {
    next: Timestamp,
    ticket: u64,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// This one's.
    Now,
    /// After a wait, unless somebody with something newer comes meanwhile: then the ticket is no longer the last one.
    Later {
        /// How long.
        wait: Duration,
        /// To ask again with.
        ticket: u64,
    },
}

impl Pacing {
    /// Asks for a turn to write `slot`.
    pub fn ask(&mut self, slot: Slot, now: Timestamp) -> Pace {
        if self.0.len() >= MAX_KEYS {
            self.0.retain(|_, turn| turn.next > now);
        }
        let turn = self.0.entry(slot).or_insert(Turn { next: now, ticket: 0 });
        turn.ticket += 1;
        if turn.next <= now {
            turn.next = after(now);
            return Pace::Now;
        }
        let wait = Duration::from_millis(turn.next.as_millis() - now.as_millis());
        Pace::Later { wait, ticket: turn.ticket }
    }

    /// Whether it is the turn of `ticket`, after the wait.
    pub fn is_next(&mut self, slot: Slot, ticket: u64, now: Timestamp) -> bool {
        let Some(turn) = self.0.get_mut(&slot).filter(|turn| turn.ticket == ticket) else { return false };
        turn.next = after(now);
        true
    }
}

fn after(now: Timestamp) -> Timestamp {
    Timestamp::from_millis(now.as_millis() + INTERVAL.as_millis() as u64)
}
