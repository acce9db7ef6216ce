//! What a day may cost: writes to the tiers that charge for them, counted for all isolates together by an object that leases them in
//! portions.

use super::Engine;
use super::ports::{Ports, StoreError};
use super::settings::Configured;
use super::shielded::SHIELD;
use crate::policy::Tier;
use crate::shield::{Ask, budget_object};

/// Isolates come and go, and what they leased goes with them: a portion is a small part of the whole.
const PORTIONS: u32 = 50;

/// Milliseconds of a day.
const DAY: u64 = 86_400_000;

/// What is left of the portion of this isolate.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Portion {
    day: u64,
    left: u32,
    /// Whether there is no more today.
    spent: bool,
}

impl<P: Ports> Engine<P> {
    /// Whether one more write to `tier` is within the budget.
    pub(super) async fn spend_write(&self, tier: Tier) -> bool {
        let Configured::Ready(config) = &self.settings.state else { return false };
        let Some(limit) = config.budget.writes_per_day(tier) else { return true };
        let day = self.ports.now().as_millis() / DAY;
        if let Some(answer) = self.isolate.portion(tier, day).take() {
            return answer;
        }
        let (object, wanted) = (budget_object(tier), (limit / PORTIONS).max(1));
        let leasing = self.guarded(SHIELD, super::shielded::DECISION, async {
            let (text, _) = self.ports.ask_shield(object, Ask::Spend { day, limit, wanted }, None).await?;
            text.parse::<u32>().map_err(|_| StoreError)
        });
        // Nobody knows what is left: then nothing is.
        let Ok(granted) = leasing.await else { return false };
        self.isolate.portion(tier, day).add(granted, granted < wanted);
        self.isolate.portion(tier, day).take().unwrap_or(false)
    }
}

impl Portion {
    /// The portion for `day`; a new day begins with none.
    pub(super) fn on(&mut self, day: u64) -> &mut Self {
        if self.day != day {
            *self = Self { day, ..Self::default() };
        }
        self
    }

    /// Takes one. `None` if more have to be leased first.
    pub(super) fn take(&mut self) -> Option<bool> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Some(true)
            }
            None => self.spent.then_some(false),
        }
    }

    fn add(&mut self, granted: u32, spent: bool) {
        self.left += granted;
        self.spent = spent;
    }
}
