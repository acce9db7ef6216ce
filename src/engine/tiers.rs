//! One store out of several tiers: each with its deadline, and with a breaker in front of what may fail.

use std::borrow::Cow;
use std::cell::Cell;
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
use crate::store::{Pace, backend};

/// How long `alias` waits for `tier`.
fn timeout(alias: &Alias, tier: Tier) -> Duration {
    alias.timeout.map_or(backend(tier).timeout, |timeout| Duration::from_secs(u64::from(timeout.get())))
}

/// A write is not waited for by a visitor: it may take longer than a read.
const PATIENCE_OF_A_WRITE: u32 = 10;

/// What a breaker is in front of.
pub(in crate::engine) fn breaker_name(alias: &Alias, tier: Tier) -> Cow<'static, str> {
    match tier {
        Tier::Redis => format!("redis:{}", alias.redis).into(),
        tier => tier.as_str().into(),
    }
}

impl<P: Ports> Engine<P> {
    /// The policy's alias, and its tiers, nearest first, as far as they are there.
    #[expect(
        clippy::indexing_slicing,
        reason = "a configuration whose routes name an alias that is none is refused when it is read"
    )]
    pub(super) fn tiers<'c>(&self, config: &'c Config, policy: &Policy) -> (&'c Alias, Vec<Tier>) {
        let alias = &config.caches[&policy.store];
        let in_use = |tier: &Tier| *tier != Tier::Dummy && self.has(*tier);
        (alias, alias.tiers.iter().copied().filter(in_use).collect())
    }

    /// Whether a tier is there: where it takes a binding, whether there is one.
    pub(in crate::engine) fn has(&self, tier: Tier) -> bool {
        matches!(tier, Tier::Memory | Tier::Redis | Tier::Memcached | Tier::Dummy) || self.ports.has(tier)
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
                Tier::Memcached => self.memcached_read(key).await,
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
        if !entry.is_intact() {
            return Err(unreadable("the checksum of the body does not match"));
        }
        Ok(Some(Rc::new(entry)))
    }

    /// Writes an entry to `tiers`, each within its deadline. What fails is logged; nothing depends on it.
    pub(super) async fn write_tiers(&self, alias: &Alias, tiers: &[Tier], entry: &Rc<Entry<P::Blob>>, policy: &Policy) {
        if tiers.contains(&Tier::Memory) {
            self.isolate.memory.borrow_mut().insert(entry.clone());
        }
        let life = Duration::from_secs(u64::from(entry.head.physical_life(policy).get()));
        let takes = |tier: &Tier| *tier != Tier::Memory && life >= backend(*tier).least_life;
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
        let backend = backend(tier);
        let fits = record.len() <= backend.max_record;
        if !fits || (backend.paced && !self.its_turn(tier, key).await) || !self.spend_write(tier).await {
            return;
        }
        let writing = async {
            match tier {
                Tier::Redis => self.redis_write(alias, key, record, life).await,
                Tier::Memcached => self.memcached_write(key, record, life).await,
                tier => self.ports.write(tier, key, record, life).await,
            }
        };
        let limit = timeout(alias, tier) * PATIENCE_OF_A_WRITE;
        // Whoever cares finds it in the log and on the health page.
        let _ = self.guarded(&breaker_name(alias, tier), limit, writing).await;
    }

    /// Whether this write of a key is made: at most one a second, the newest of several that wait.
    async fn its_turn(&self, tier: Tier, key: CacheKey) -> bool {
        let slot = (tier, key);
        let pace = self.isolate.pacing.borrow_mut().ask(slot, self.ports.now());
        match pace {
            Pace::Now => true,
            Pace::Later { wait, ticket } => {
                self.ports.sleep(wait).await;
                self.isolate.pacing.borrow_mut().is_next(slot, ticket, self.ports.now())
            }
        }
    }

    /// Removes slots from all of `tiers`: how many of them Redis held, or that one of the tiers failed.
    pub(in crate::engine) async fn remove_slots(
        &self,
        alias: &Alias,
        tiers: &[Tier],
        keys: &[CacheKey],
    ) -> Result<u64, StoreError> {
        for key in keys {
            self.isolate.memory.borrow_mut().remove(key);
        }
        let far = tiers.iter().copied().filter(|tier| *tier != Tier::Memory);
        let (held, failed) = (Cell::new(0), Cell::new(false));
        let removals = far.map(async |tier| {
            let removing = async {
                match tier {
                    Tier::Redis => held.set(self.redis_remove(alias, keys).await?),
                    Tier::Memcached => self.memcached_remove(keys).await?,
                    tier => {
                        let removals = keys.iter().map(|key| self.ports.remove(tier, *key));
                        futures_util::future::try_join_all(removals).await?;
                    }
                }
                Ok(())
            };
            let limit = timeout(alias, tier) * PATIENCE_OF_A_WRITE;
            if self.guarded(&breaker_name(alias, tier), limit, removing).await.is_err() {
                failed.set(true);
            }
        });
        futures_util::future::join_all(removals).await;
        if failed.get() { Err(StoreError) } else { Ok(held.get()) }
    }
}
