//! The stores: the Cache API of each data centre, Workers KV with its lag, one Redis.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use bytes::Bytes;
use larder::key::CacheKey;

use super::chance::Chance;
use super::weather::Fault;

/// A value, and until when.
type Kept = (Bytes, u64);

/// A key, and what it is to have; nothing, if it is to go.
type Write = (CacheKey, Option<Kept>);

/// The Cache API of one data centre.
#[derive(Default)]
pub struct Colo(RefCell<BTreeMap<CacheKey, Kept>>);

impl Colo {
    pub fn read(&self, key: &CacheKey, now: u64) -> Option<Bytes> {
        self.0.borrow().get(key).filter(|(_, until)| *until > now).map(|(value, _)| value.clone())
    }

    pub fn write(&self, key: CacheKey, value: Bytes, until: u64) {
        self.0.borrow_mut().insert(key, (value, until));
    }

    pub fn remove(&self, key: &CacheKey) {
        self.0.borrow_mut().remove(key);
    }

    /// It may forget whatever it likes.
    pub fn forget_some(&self, chance: &Chance) {
        self.0.borrow_mut().retain(|_, _| chance.percent(50));
    }
}

/// Workers KV: one truth, which each data centre sees as it was up to two minutes ago, what was absent too.
pub struct Kv {
    truth: RefCell<BTreeMap<CacheKey, Kept>>,
    written: RefCell<BTreeMap<CacheKey, u64>>,
    /// What is on its way, by when it arrives.
    late: RefCell<BTreeMap<(u64, u64), Write>>,
    number: Cell<u64>,
    seen: Vec<RefCell<BTreeMap<CacheKey, Seen>>>,
}

struct Seen {
    value: Option<Kept>,
    until: u64,
}

/// KV refuses a second write of a key within this time.
const BETWEEN_WRITES: u64 = 1000;

/// The write was refused.
#[derive(Debug)]
pub struct TooMany;

impl Kv {
    pub fn new(colos: usize) -> Self {
        Self {
            truth: RefCell::default(),
            written: RefCell::default(),
            late: RefCell::default(),
            number: Cell::new(0),
            seen: (0..colos).map(|_| RefCell::default()).collect(),
        }
    }

    pub fn read(&self, colo: usize, key: CacheKey, now: u64, chance: &Chance) -> Option<Bytes> {
        self.let_arrive(now);
        let mut seen = self.seen[colo].borrow_mut();
        let known = seen.get(&key).filter(|seen| now < seen.until).map(|seen| &seen.value);
        let value = match known {
            // A copy in the data centre may outlive its expiry.
            Some(value) => value.clone(),
            None => {
                let value = self.truth.borrow().get(&key).filter(|(_, until)| *until > now).cloned();
                let until = now + chance.between(30_000, 120_000);
                seen.insert(key, Seen { value: value.clone(), until });
                value
            }
        };
        value.map(|(value, _)| value)
    }

    /// Writes or removes.
    pub fn write(
        &self,
        colo: usize,
        key: CacheKey,
        value: Option<Kept>,
        now: u64,
        fault: Fault,
        chance: &Chance,
    ) -> Result<(), TooMany> {
        self.let_arrive(now);
        let last = self.written.borrow().get(&key).copied();
        if last.is_some_and(|last| now < last + BETWEEN_WRITES) {
            return Err(TooMany);
        }
        self.written.borrow_mut().insert(key, now);
        if chance.percent(fault.drops) {
            return Ok(());
        }
        // Whoever wrote it usually sees it at once.
        if chance.percent(70) {
            let until = now + chance.between(30_000, 120_000);
            self.seen[colo].borrow_mut().insert(key, Seen { value: value.clone(), until });
        }
        let at = now + if fault.late > 0 { chance.below(fault.late) } else { 0 };
        self.number.set(self.number.get() + 1);
        self.late.borrow_mut().insert((at, self.number.get()), (key, value));
        Ok(())
    }

    fn let_arrive(&self, now: u64) {
        let mut late = self.late.borrow_mut();
        while let Some(first) = late.first_entry().filter(|first| first.key().0 <= now) {
            match first.remove() {
                (key, Some(value)) => self.truth.borrow_mut().insert(key, value),
                (key, None) => self.truth.borrow_mut().remove(&key),
            };
        }
    }
}

/// One Redis, behind Webdis.
#[derive(Default)]
pub struct Redis {
    values: RefCell<BTreeMap<String, Kept>>,
    backup: RefCell<Option<BTreeMap<String, Kept>>>,
}

/// What a gateway answers: a status and a body.
pub type Answer = (u16, Bytes);

impl Redis {
    /// GET, SETEX and DEL.
    pub fn answer(&self, path: &str, body: Bytes, now: u64, fault: Fault, chance: &Chance) -> Answer {
        let mut values = self.values.borrow_mut();
        let mut pieces = path.split(['/', '?']);
        match (pieces.next(), pieces.next(), pieces.next()) {
            (Some("GET"), Some(key), _) => match values.get(key).filter(|(_, until)| *until > now) {
                Some((value, _)) => (200, value.clone()),
                None => (404, Bytes::new()),
            },
            (Some("SETEX"), Some(key), Some(seconds)) => {
                let seconds: u64 = seconds.parse().expect("a number of seconds");
                if !chance.percent(fault.drops) {
                    values.insert(key.to_owned(), (body, now + seconds * 1000));
                    (200, Bytes::from_static(b"{\"SETEX\":[true,\"OK\"]}"))
                } else if chance.percent(50) {
                    (200, Bytes::from_static(b"{\"SETEX\":[true,\"OK\"]}"))
                } else {
                    (200, Bytes::from_static(b"{\"SETEX\":[false,\"READONLY You can't write\"]}"))
                }
            }
            (Some("DEL"), Some(_), _) => {
                path.split('/').skip(1).for_each(|key| drop(values.remove(key)));
                (200, Bytes::from_static(b"{\"DEL\":1}"))
            }
            _ => (403, Bytes::new()),
        }
    }

    pub fn flush(&self) {
        self.values.borrow_mut().clear();
    }

    pub fn back_up(&self) {
        *self.backup.borrow_mut() = Some(self.values.borrow().clone());
    }

    /// Back to what it was at the last backup.
    pub fn restore(&self) {
        if let Some(backup) = &*self.backup.borrow() {
            self.values.borrow_mut().clone_from(backup);
        }
    }
}

/// What a damaged disk, or a wire, makes of a value.
pub fn damaged(value: &Bytes, chance: &Chance) -> Bytes {
    let mut bytes = value.to_vec();
    match chance.below(4) {
        0 => bytes.truncate(chance.below(bytes.len().max(1) as u64) as usize),
        1 => bytes.clear(),
        2 => bytes.extend_from_within(..bytes.len() / 2),
        _ if bytes.is_empty() => {}
        _ => {
            let at = chance.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << chance.below(8);
        }
    }
    bytes.into()
}
