//! The shield's objects: leases that are shared by all data centres, and that two objects may give at once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use larder::key::CacheKey;
use larder::shield::{Ask, Role, Word};

use super::clockwork::{Clockwork, TaskId};

/// What one object knows. Of twins, neither knows what the other does.
#[derive(Default)]
pub struct Shield {
    leases: RefCell<BTreeMap<CacheKey, Lease>>,
    spent: RefCell<BTreeMap<u64, u32>>,
}

struct Lease {
    token: u64,
    until: u64,
    landed: Option<(Word, Bytes)>,
    waiting: Vec<TaskId>,
}

/// How long what has landed is kept for those who wait.
const KEPT: u64 = 5000;

impl Shield {
    pub async fn answer(&self, clock: &Clockwork, ask: Ask, body: Option<Bytes>) -> (String, Bytes) {
        let text = match ask {
            Ask::Lead { key, lease, .. } => self.lead(key, lease, clock.now()).to_string(),
            Ask::Wait { key, token, patience } => return self.wait(clock, key, token, patience).await,
            Ask::Land { key, token, word } => {
                self.land(clock, key, token, word, body.unwrap_or_default());
                "landed".to_owned()
            }
            Ask::Spend { day, limit, wanted } => {
                let mut spent = self.spent.borrow_mut();
                let spent = spent.entry(day).or_default();
                let granted = wanted.min(limit.saturating_sub(*spent));
                *spent += granted;
                granted.to_string()
            }
        };
        (text, Bytes::new())
    }

    fn lead(&self, key: CacheKey, lease: Duration, now: u64) -> Role {
        let mut leases = self.leases.borrow_mut();
        if let Some(held) = leases.get(&key).filter(|held| held.until > now && held.landed.is_none()) {
            return Role::Wait(held.token);
        }
        // Tokens follow the clock, so that none is given twice, even by an object that forgot everything.
        let token = leases.get(&key).map_or(0, |lease| lease.token + 1).max(now);
        let until = now + lease.as_millis() as u64;
        leases.insert(key, Lease { token, until, landed: None, waiting: Vec::new() });
        Role::Lead(token)
    }

    fn land(&self, clock: &Clockwork, key: CacheKey, token: u64, word: Word, record: Bytes) {
        let mut leases = self.leases.borrow_mut();
        if let Some(lease) = leases.get_mut(&key).filter(|lease| lease.token == token) {
            lease.landed = Some((word, record));
            lease.until = clock.now() + KEPT;
            lease.waiting.drain(..).for_each(|task| clock.wake(task));
        }
    }

    async fn wait(&self, clock: &Clockwork, key: CacheKey, token: u64, patience: Duration) -> (String, Bytes) {
        let until = clock.now() + patience.as_millis() as u64;
        let lease = self.leases.borrow().get(&key).map_or(0, |lease| lease.until);
        let mut too_late = pin!(clock.until(until.min(lease)));
        poll_fn(|context| {
            let mut leases = self.leases.borrow_mut();
            let gone = || Poll::Ready((Word::Gone.to_string(), Bytes::new()));
            let Some(lease) = leases.get_mut(&key).filter(|lease| lease.token == token) else { return gone() };
            if let Some((word, record)) = &lease.landed {
                return Poll::Ready((word.to_string(), record.clone()));
            }
            if too_late.as_mut().poll(context).is_ready() {
                return gone();
            }
            lease.waiting.push(clock.current());
            Poll::Pending
        })
        .await
    }

    /// The object begins anew, and its storage with it.
    pub fn forget(&self, clock: &Clockwork) {
        for lease in self.leases.take().into_values() {
            lease.waiting.into_iter().for_each(|task| clock.wake(task));
        }
    }
}
