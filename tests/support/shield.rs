//! A simulated shield: what its objects keep, and how they answer.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use larder::engine::ports::StoreError;
use larder::key::CacheKey;
use larder::shield::{Ask, Role, Word};

use super::executor::Executor;
use super::world::Fault;

#[derive(Default)]
pub struct Shield {
    pub is_there: Cell<bool>,
    pub fault: Cell<Fault>,
    leases: RefCell<HashMap<CacheKey, Lease>>,
    spent: RefCell<HashMap<(String, u64), u32>>,
}

struct Lease {
    token: u64,
    until: u64,
    landed: Option<(Word, Bytes)>,
}

impl Shield {
    pub async fn ask(
        &self,
        executor: &Executor,
        object: &str,
        ask: Ask,
        body: Option<Bytes>,
    ) -> Result<(String, Bytes), StoreError> {
        let fault = self.fault.get();
        executor.sleep(fault.delay).await;
        if fault.fails {
            return Err(StoreError);
        }
        let nothing = Bytes::new();
        match ask {
            Ask::Lead { key, lease, .. } => Ok((self.lead(key, lease, executor.now()).to_string(), nothing)),
            Ask::Wait { key, token, patience } => Ok(self.wait(executor, key, token, patience).await),
            Ask::Land { key, token, word } => {
                let mut leases = self.leases.borrow_mut();
                if let Some(lease) = leases.get_mut(&key).filter(|lease| lease.token == token) {
                    lease.landed = Some((word, body.unwrap_or_default()));
                }
                Ok(("landed".to_owned(), nothing))
            }
            Ask::Spend { day, limit, wanted } => {
                let mut spent = self.spent.borrow_mut();
                let spent = spent.entry((object.to_owned(), day)).or_default();
                let granted = wanted.min(limit - *spent);
                *spent += granted;
                Ok((granted.to_string(), nothing))
            }
        }
    }

    fn lead(&self, key: CacheKey, lease: Duration, now: u64) -> Role {
        let mut leases = self.leases.borrow_mut();
        let last = leases.get(&key).map_or(0, |lease| lease.token);
        if let Some(held) = leases.get(&key).filter(|held| held.until > now && held.landed.is_none()) {
            return Role::Wait(held.token);
        }
        leases.insert(key, Lease { token: last + 1, until: now + lease.as_millis() as u64, landed: None });
        Role::Lead(last + 1)
    }

    async fn wait(&self, executor: &Executor, key: CacheKey, token: u64, patience: Duration) -> (String, Bytes) {
        let gone = || (Word::Gone.to_string(), Bytes::new());
        let until = executor.now() + patience.as_millis() as u64;
        loop {
            match self.leases.borrow().get(&key).filter(|lease| lease.token == token) {
                None => return gone(),
                Some(Lease { landed: Some((word, record)), .. }) => return (word.to_string(), record.clone()),
                Some(lease) if lease.until <= executor.now().min(until) => return gone(),
                Some(_) => {}
            }
            executor.sleep(Duration::from_millis(10)).await;
        }
    }
}
