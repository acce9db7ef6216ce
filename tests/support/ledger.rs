//! A simulated ledger of purges.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use bytes::Bytes;
use larder::engine::ports::StoreError;
use larder::name::Name;
use larder::purge::ledger::{APPEND, Appended, Wire, parse_index_target};
use larder::purge::zone::QUEUE;
use larder::purge::{Area, AreaRecord, Snapshot};

use super::executor::Executor;
use super::world::Fault;

/// A name or an area, and whether it is a hard purge.
type Key = (Option<Name>, Option<Area>, bool);

pub struct Ledger {
    pub is_there: Cell<bool>,
    pub fault: Cell<Fault>,
    /// Another one knows nothing of what this one knew.
    pub incarnation: Cell<u64>,
    records: RefCell<BTreeMap<Key, u64>>,
    last: Cell<u64>,
    /// What the zone is to be told; `None`: it takes nothing more.
    pub queued: RefCell<Option<String>>,
    /// How often it was read.
    pub reads: Cell<usize>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            is_there: Cell::new(false),
            fault: Cell::default(),
            incarnation: Cell::new(7),
            records: RefCell::default(),
            last: Cell::new(1),
            queued: RefCell::new(Some(String::new())),
            reads: Cell::new(0),
        }
    }
}

impl Ledger {
    pub async fn ask(&self, executor: &Executor, target: &str, body: Option<Bytes>) -> Result<Bytes, StoreError> {
        let fault = self.fault.get();
        executor.sleep(fault.delay).await;
        if fault.fails { Err(StoreError) } else { self.answer(target, body) }
    }

    /// Its answer, at once.
    pub fn answer(&self, target: &str, body: Option<Bytes>) -> Result<Bytes, StoreError> {
        if target == APPEND {
            let wires: Vec<Wire> = serde_json::from_slice(&body.unwrap_or_default()).map_err(|_| StoreError)?;
            return Ok(serde_json::to_vec(&self.append(&wires)).expect("it can be written").into());
        }
        if target == QUEUE {
            let lines = String::from_utf8(body.unwrap_or_default().to_vec()).map_err(|_| StoreError)?;
            self.queued.borrow_mut().as_mut().ok_or(StoreError)?.push_str(&lines);
            return Ok(Bytes::from_static(b"200"));
        }
        let (incarnation, since) = parse_index_target(target).ok_or(StoreError)?;
        self.reads.set(self.reads.get() + 1);
        Ok(self.snapshot(if incarnation == self.incarnation.get() { since } else { 0 }).encode().into())
    }

    fn append(&self, wires: &[Wire]) -> Appended {
        let mut appended = Appended { incarnation: self.incarnation.get(), sequences: Vec::new(), before: Vec::new() };
        for wire in wires {
            self.last.set(self.last.get() + 1);
            let key = (wire.parsed_name(), wire.area.clone(), wire.hard);
            appended.before.push(self.records.borrow_mut().insert(key, self.last.get()).unwrap_or_default());
            appended.sequences.push(self.last.get());
        }
        appended
    }

    fn snapshot(&self, since: u64) -> Snapshot {
        let records = self.records.borrow();
        let later = || records.iter().filter(|(_, sequence)| **sequence > since);
        let named = |wanted: bool| {
            later()
                .filter(|((_, _, hard), _)| *hard == wanted)
                .filter_map(|((name, ..), sequence)| Some(((*name)?, *sequence)))
                .collect()
        };
        let area = |((_, area, hard), sequence): (&Key, &u64)| {
            Some(AreaRecord { area: area.clone()?, sequence: *sequence, hard: *hard })
        };
        Snapshot {
            incarnation: self.incarnation.get(),
            since,
            last: self.last.get(),
            floor: 0,
            hard: named(true),
            soft: named(false),
            areas: later().filter_map(area).collect(),
        }
    }

    /// It is lost, and begins anew.
    pub fn lose(&self) {
        self.incarnation.set(self.incarnation.get() + 1);
        self.records.borrow_mut().clear();
        self.last.set(1);
    }
}
