//! Data centres, and what they share: Workers KV, a Redis, the shield, the ledger, an origin. Nothing fails, and every call is counted.

use std::cell::RefCell;
use std::collections::HashMap;

use bytes::Bytes;
use larder::key::CacheKey;

use super::chance::Chance;
use super::clockwork::Clockwork;
use super::counts::{Call, Counts};
use super::shield::Shield;
use crate::support::NOW;
use crate::support::ledger::Ledger;

/// How long a data centre goes on with what it last read from KV, absence too: the default `cacheTtl`.
const KV_SEEN: u64 = 60_000;

/// Milliseconds there and back.
pub const COLO: u64 = 2;
pub const KV: u64 = 15;
pub const REDIS: u64 = 60;
pub const OBJECT: u64 = 40;
pub const ORIGIN: u64 = 120;

/// A record, and until when it is kept.
type Kept = (Bytes, u64);

/// What a data centre read from KV, and until when it goes on with it.
type Seen = (Option<Bytes>, u64);

pub struct City {
    pub clock: Clockwork,
    pub chance: Chance,
    pub counts: Counts,
    pub shield: Shield,
    pub ledger: Ledger,
    colos: RefCell<HashMap<(usize, CacheKey), Kept>>,
    kv: RefCell<HashMap<CacheKey, Kept>>,
    seen: RefCell<HashMap<(usize, CacheKey), Seen>>,
    redis: RefCell<HashMap<String, Kept>>,
}

impl City {
    pub fn new(seed: u64) -> Self {
        Self {
            clock: Clockwork::at(NOW.as_millis()),
            chance: Chance::new(seed),
            counts: Counts::default(),
            shield: Shield::default(),
            ledger: Ledger::default(),
            colos: RefCell::default(),
            kv: RefCell::default(),
            seen: RefCell::default(),
            redis: RefCell::default(),
        }
    }

    pub async fn read_colo(&self, colo: usize, key: CacheKey) -> Option<Bytes> {
        self.counts.add(Call::CacheApi);
        self.clock.pause(COLO).await;
        lasting(&self.colos, &(colo, key), self.clock.now())
    }

    pub async fn write_colo(&self, colo: usize, key: CacheKey, record: Bytes, until: u64) {
        self.counts.add(Call::CacheApi);
        self.clock.pause(COLO).await;
        self.colos.borrow_mut().insert((colo, key), (record, until));
    }

    pub async fn read_kv(&self, colo: usize, key: CacheKey) -> Option<Bytes> {
        self.counts.add(Call::KvRead);
        self.clock.pause(KV).await;
        let now = self.clock.now();
        if let Some((seen, _)) = self.seen.borrow().get(&(colo, key)).filter(|(_, until)| now < *until) {
            return seen.clone();
        }
        let found = lasting(&self.kv, &key, now);
        self.seen.borrow_mut().insert((colo, key), (found.clone(), now + KV_SEEN));
        found
    }

    pub async fn write_kv(&self, colo: usize, key: CacheKey, record: Bytes, until: u64) {
        self.counts.add(Call::KvWrite);
        self.clock.pause(KV).await;
        self.seen.borrow_mut().insert((colo, key), (Some(record.clone()), self.clock.now() + KV_SEEN));
        self.kv.borrow_mut().insert(key, (record, until));
    }

    /// `GET/key` and `SETEX/key/seconds`, as webdis takes them.
    pub async fn ask_redis(&self, path: &str, body: Bytes) -> Option<Bytes> {
        self.counts.add(Call::Redis);
        self.clock.pause(REDIS).await;
        let now = self.clock.now();
        match path.split(['/', '?']).collect::<Vec<_>>()[..] {
            ["GET", key, ..] => lasting(&self.redis, &key.to_owned(), now),
            ["SETEX", key, seconds, ..] => {
                let seconds: u64 = seconds.parse().expect("a number of seconds");
                self.redis.borrow_mut().insert(key.to_owned(), (body, now + seconds * 1000));
                Some(Bytes::from_static(b"{\"SETEX\":[true,\"OK\"]}"))
            }
            _ => panic!("Redis is asked for {path}"),
        }
    }

    /// Drops everything that holds on to it.
    pub fn close(&self) {
        self.clock.close();
    }
}

fn lasting<K: std::hash::Hash + Eq>(store: &RefCell<HashMap<K, Kept>>, key: &K, now: u64) -> Option<Bytes> {
    store.borrow().get(key).filter(|(_, until)| *until > now).map(|(record, _)| record.clone())
}
