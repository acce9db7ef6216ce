//! Circuit breakers: what failed again and again is left alone for a while, and then tried by one request.

use std::collections::VecDeque;

use crate::fields::{Seconds, Timestamp};

/// So many failures
const FAILURES: usize = 5;

/// within this time open a breaker.
const WITHIN: Seconds = Seconds::new(10);

/// How long it stays open, and up to how much longer, so that isolates do not try again all at once.
const OPEN_MILLIS: u64 = 5000;
const JITTER_MILLIS: f64 = 1000.0;

/// A trial that says nothing for so long was cut off.
const TRIAL: Seconds = Seconds::new(10);

/// What is known of one thing that may fail.
#[derive(Debug, Default)]
pub struct Breaker {
    failures: VecDeque<Timestamp>,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    until: Timestamp,
    trial: Option<Timestamp>,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// All requests go through.
    Closed,
    /// None does.
    Open,
    /// One may, and decides.
    HalfOpen,
}

impl BreakerState {
    /// For the health page.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

impl Breaker {
    /// How it stands.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> BreakerState {
        match self.open {
            None => BreakerState::Closed,
            Some(open) if now < open.until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Whether a request may go through. In a half-open one the first that asks is the trial.
    #[must_use]
    pub fn admits(&mut self, now: Timestamp) -> bool {
        let Some(open) = &mut self.open else { return true };
        let under_way = open.trial.is_some_and(|since| now.since(since) < TRIAL);
        let admitted = now >= open.until && !under_way;
        if admitted {
            open.trial = Some(now);
        }
        admitted
    }

    /// It worked.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// It failed. `draw` is drawn anew from 0..=1.
    pub fn failed(&mut self, now: Timestamp, draw: f64) {
        self.failures.push_back(now);
        self.failures.retain(|failure| now.since(*failure) < WITHIN);
        let was_trial = self.open.is_some_and(|open| open.trial.is_some());
        if was_trial || self.failures.len() >= FAILURES {
            let millis = OPEN_MILLIS + (JITTER_MILLIS * draw.clamp(0.0, 1.0)) as u64;
            self.open = Some(Open { until: Timestamp::from_millis(now.as_millis() + millis), trial: None });
            self.failures.clear();
        }
    }
}
