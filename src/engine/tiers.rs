//! One store out of several tiers: each with its deadline, and with a breaker in front of what may fail.

use std::borrow::Cow;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use super::Engine;
use super::ports::{Ports, StoreError};
use super::within::within;
use crate::blob::Blob as _;
use crate::cache::{Entry, record};
use crate::key::CacheKey;
use crate::policy::{Alias, Config, Policy, Tier};
use crate::reason::Reason;
use crate::store::Pace;

/// A lookup that takes longer than this is a miss, unless the alias says otherwise.
fn default_timeout(tier: Tier) -> Duration {
    Duration::from_millis(match tier {
        Tier::Memory | Tier::Dummy => 0,
        Tier::Colo => 100,
        Tier::Kv | Tier::Redis | Tier::D1 | Tier::R2 | Tier::Memcached => 500,
    })
}

/// How long `alias` waits for `tier`.
fn timeout(alias: &Alias, tier: Tier) -> Duration {
    alias.timeout.map_or(default_timeout(tier), |timeout| Duration::from_secs(u64::from(timeout.get())))
}

/// A write is not waited for by a visitor: it may take longer than a read.
const PATIENCE_OF_A_WRITE: u32 = 10;

/// KV keeps nothing for less than a minute.
const LEAST_LIFE_IN_KV: Duration = Duration::from_secs(60);

/// What KV takes at most.
const MAX_IN_KV: usize = 25 << 20;

/// What a breaker is in front of.
pub(in crate::engine) fn breaker_name(alias: &Alias, tier: Tier) -> Cow<'static, str> {
    match tier {
        Tier::Redis => format!("redis:{}", alias.redis).into(),
        tier => tier.as_str().into(),
    }
}

impl<P: Ports> Engine<P> {
    /// The policy's alias, and its tiers, nearest first, as far as they are there.
    pub(super) fn tiers<'c>(&self, config: &'c Config, policy: &Policy) -> (&'c Alias, Vec<Tier>) {
        let alias = &config.caches[&policy.store];
        let there = |tier: &Tier| matches!(tier, Tier::Memory | Tier::Redis) || self.ports.has(*tier);
        (alias, alias.tiers.iter().copied().filter(there).collect())
    }

    /// Does `work` within `limit`, unless it failed too often lately: then it costs nothing.
    pub(super) async fn guarded<T>(
        &self,
        name: &str,
        limit: Duration,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        if !self.isolate.admits(name, self.ports.now()) {
            return Err(StoreError);
        }
        self.spend();
        let result = within(self.ports.sleep(limit), work).await.unwrap_or_else(|| {
            self.ports.log(&format!("larder: {name} did not answer within {} ms", limit.as_millis()));
            Err(StoreError)
        });
        match &result {
            Ok(_) => self.isolate.succeeded(name),
            Err(StoreError) => self.isolate.failed(name, self.ports.now(), self.ports.draw()),
        }
        result
    }

    /// Reads a slot from one tier. What cannot be read in time, or is not what it should be, is not there.
    pub(super) async fn read_tier(
        &self,
        alias: &Alias,
        tier: Tier,
        key: CacheKey,
    ) -> Result<Option<Rc<Entry<P::Blob>>>, Reason> {
        if tier == Tier::Memory {
            return Ok(self.isolate.memory.borrow().get(&key));
        }
        let reading = async {
            match tier {
                Tier::Redis => self.redis_read(alias, key).await,
                tier => self.ports.read(tier, key).await,
            }
        };
        let read = self.guarded(&breaker_name(alias, tier), timeout(alias, tier), reading).await;
        let Some(record) = read.map_err(|StoreError| Reason::StoreFailed)? else { return Ok(None) };
        let unreadable = |why: &str| {
            self.ports.log(&format!("{} holds no usable record under {key}: {why}", tier.as_str()));
            Reason::RecordUnreadable
        };
        let entry = record::decode(&record).map_err(|error| unreadable(&error.to_string()))?;
        if entry.head.key != key {
            return Err(unreadable("it belongs to another key"));
        }
        if self.ports.digest(&entry.body).await != entry.head.body.digest {
            return Err(unreadable("the digest of the body does not match"));
        }
        Ok(Some(Rc::new(entry)))
    }

    /// Writes an entry to `tiers`, each within its deadline. What fails is logged; nothing depends on it.
    pub(super) async fn write_tiers(&self, alias: &Alias, tiers: &[Tier], entry: &Rc<Entry<P::Blob>>, policy: &Policy) {
        if tiers.contains(&Tier::Memory) {
            self.isolate.memory.borrow_mut().insert(entry.clone());
        }
        let life = Duration::from_secs(u64::from(entry.head.physical_life(policy).get()));
        let takes = |tier: &Tier| match tier {
            Tier::Memory | Tier::Dummy => false,
            Tier::Kv => life >= LEAST_LIFE_IN_KV,
            _ => !life.is_zero(),
        };
        let far: Vec<_> = tiers.iter().copied().filter(takes).collect();
        if far.is_empty() {
            return;
        }
        let Some(record) = record::encode(entry) else {
            self.ports.log(&format!("{}: {}", Reason::Unrepresentable.code(), entry.head.key));
            return;
        };
        let key = entry.head.key;
        let writes = far.into_iter().map(|tier| self.write_tier(alias, tier, key, &record, life));
        futures_util::future::join_all(writes).await;
    }

    async fn write_tier(&self, alias: &Alias, tier: Tier, key: CacheKey, record: &P::Blob, life: Duration) {
        let too_large = tier == Tier::Kv && record.len() > MAX_IN_KV;
        if too_large || (tier == Tier::Kv && !self.may_write_kv(key).await) {
            return;
        }
        let writing = async {
            match tier {
                Tier::Redis => self.redis_write(alias, key, record, life).await,
                tier => self.ports.write(tier, key, record, life).await,
            }
        };
        let limit = timeout(alias, tier) * PATIENCE_OF_A_WRITE;
        // Whoever cares finds it in the log and on the health page.
        let _ = self.guarded(&breaker_name(alias, tier), limit, writing).await;
    }

    /// Whether this write of a key goes to KV: at most one a second, the newest of several that wait, and within the budget.
    async fn may_write_kv(&self, key: CacheKey) -> bool {
        let pace = self.isolate.pacing.borrow_mut().ask(key, self.ports.now());
        let its_turn = match pace {
            Pace::Now => true,
            Pace::Later { wait, ticket } => {
                self.ports.sleep(wait).await;
                self.isolate.pacing.borrow_mut().is_next(key, ticket, self.ports.now())
            }
        };
        its_turn && self.spend_kv_write().await
    }

    /// Removes slots from all tiers.
    pub(super) async fn remove_slots(&self, alias: &Alias, tiers: &[Tier], keys: &[CacheKey]) {
        for key in keys {
            self.isolate.memory.borrow_mut().remove(key);
        }
        let far = tiers.iter().copied().filter(|tier| *tier != Tier::Memory);
        let removals = far.map(|tier| async move {
            let removing = async {
                match tier {
                    Tier::Redis => self.redis_remove(alias, keys).await,
                    tier => {
                        let removals = keys.iter().map(|key| self.ports.remove(tier, *key));
                        futures_util::future::try_join_all(removals).await.map(drop)
                    }
                }
            };
            let limit = timeout(alias, tier) * PATIENCE_OF_A_WRITE;
            let _ = self.guarded(&breaker_name(alias, tier), limit, removing).await;
        });
        futures_util::future::join_all(removals).await;
    }
}
