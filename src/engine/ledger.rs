//! Purges everywhere: the ledger, and how old what this isolate knows of it may be.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

use super::Engine;
use super::ports::{Abandoned, Ports, StoreError};
use super::settings::Configured;
use super::within::within;
use crate::fields::Timestamp;
use crate::purge::ledger::{APPEND, Appended, Wire, index_target};
use crate::purge::{Purge, Snapshot};

/// The name of its breaker.
pub(in crate::engine) const LEDGER: &str = "ledger";

/// Longest wait for what it knows.
const READING: Duration = Duration::from_millis(500);

/// Longest wait for a purge to be recorded.
pub(in crate::engine) const RECORDING: Duration = Duration::from_secs(3);

/// How much longer than its bound an index holds while the ledger cannot be reached.
const GRACE_MILLIS: u64 = 60_000;

/// Whether what is known of purges may be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// It is young enough.
    Sure,
    /// It is too old, and cannot be had anew: what is stored has to be validated.
    Doubt,
}

/// Purges that count from now on.
pub(super) struct Recorded {
    /// This isolate's number for the last of them.
    pub own: u64,
    /// What the ledger says; `None` without one.
    pub appended: Option<Appended>,
}

impl<P: Ports> Engine<P> {
    /// Makes sure that the index is no older than its bound before anything is reused or filled. `strictly`: as new as can be.
    pub(super) async fn trust_index(&self, strictly: bool) -> Trust {
        if !self.ports.has_ledger() {
            return Trust::Sure;
        }
        let bound = self.purge_bound();
        let age = || self.isolate.purges.borrow().age_millis(self.ports.now());
        let is_young = |age: Option<u64>| age.is_some_and(|age| age <= bound);
        if !strictly && is_young(age()) {
            return Trust::Sure;
        }
        let is_read = self.refresh_index_together(strictly).await.is_ok();
        // Who only waited does not know whether it was read: its age tells.
        let holds = if strictly { is_read } else { age().is_some_and(|age| age <= bound + GRACE_MILLIS) };
        if holds { Trust::Sure } else { Trust::Doubt }
    }

    /// Whether it is time to look what is new, so that no request has to wait for it later.
    pub(super) fn index_ages(&self, now: Timestamp) -> bool {
        let half = self.purge_bound() / 2;
        self.ports.has_ledger()
            && self.isolate.purges.borrow().age_millis(now).is_some_and(|age| age > half)
            && self.isolate.begins_refresh(now)
    }

    /// Records purges: here at once, and in the ledger for everyone. `by_anyone`: an unsafe request brought them about.
    pub(super) async fn record(&self, purges: &[Purge], by_anyone: bool) -> Result<Recorded, StoreError> {
        let now = self.ports.now();
        for purge in purges {
            self.isolate.purges.borrow_mut().purge(purge, now);
        }
        let own = self.stamp(now).own;
        if purges.is_empty() || !self.ports.has_ledger() {
            return Ok(Recorded { own, appended: None });
        }
        let wires: Vec<_> = purges.iter().map(|purge| Wire::new(purge, by_anyone)).collect();
        let body = Bytes::from(serde_json::to_vec(&wires).unwrap_or_default());
        // Not behind the breaker: a purge is always tried.
        let asking = within(self.ports.sleep(RECORDING), self.ports.ask_ledger(APPEND, Some(body)));
        let answer = asking.await.ok_or(StoreError)??;
        let appended: Appended = serde_json::from_slice(&answer).map_err(|_| StoreError)?;
        if appended.sequences.len() != purges.len() {
            return Err(StoreError);
        }
        for (purge, sequence) in purges.iter().zip(&appended.sequences) {
            self.isolate.purges.borrow_mut().learn(purge, appended.incarnation, *sequence);
        }
        Ok(Recorded { own, appended: Some(appended) })
    }

    /// One request looks what is new, the others wait for it.
    async fn refresh_index_together(&self, strictly: bool) -> Result<(), StoreError> {
        let under_way = || self.isolate.index_refresh.borrow().clone().filter(|_| !strictly);
        while let Some(signal) = under_way() {
            match within(self.ports.sleep(READING), self.ports.wait((*signal).clone())).await {
                Some(Ok(())) => return Ok(()),
                // The request that looked is gone without a word: another one looks.
                Some(Err(Abandoned)) => self.end_index_refresh(&signal),
                None => {
                    self.end_index_refresh(&signal);
                    return Err(StoreError);
                }
            }
        }
        let signal = Rc::new(self.ports.signal());
        self.isolate.index_refresh.replace(Some(signal.clone()));
        let result = self.refresh_index().await;
        self.end_index_refresh(&signal);
        self.ports.raise(&signal);
        result
    }

    /// Nobody is to wait for this one any more.
    fn end_index_refresh(&self, signal: &Rc<P::Signal>) {
        let mut under_way = self.isolate.index_refresh.borrow_mut();
        under_way.take_if(|current| Rc::ptr_eq(current, signal));
    }

    /// Looks what is new.
    ///
    /// Each isolate asks for itself. A copy that is handed on has an age that no clock of the one who reads it can tell.
    pub(super) async fn refresh_index(&self) -> Result<(), StoreError> {
        let (incarnation, last) = self.isolate.purges.borrow().known();
        if self.read_ledger(incarnation, last).await? {
            return Ok(());
        }
        // It does not continue what is known here.
        if self.read_ledger(0, 0).await? { Ok(()) } else { Err(StoreError) }
    }

    async fn read_ledger(&self, incarnation: u64, since: u64) -> Result<bool, StoreError> {
        let asked = self.ports.now();
        let target = index_target(incarnation, since);
        let bytes = self.guarded(LEDGER, READING, self.ports.ask_ledger(&target, None)).await?;
        let snapshot = Snapshot::decode(&bytes).ok_or(StoreError)?;
        Ok(self.isolate.purges.borrow_mut().update(snapshot, asked))
    }

    /// Milliseconds.
    pub(super) fn purge_bound(&self) -> u64 {
        match &self.settings.state {
            Configured::Ready(config) => config.purge_bound.as_millis(),
            Configured::Broken { .. } => 0,
        }
    }
}
