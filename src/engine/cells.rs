//! Low-level values: which store takes a step, how long a lease is waited for, and how far one page of a sweep goes.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;

use super::Engine;
use super::ports::{Ports, StoreError};
use super::tiers::breaker_name;
use crate::cells::{Name, OBJECTS, PAGE, Part, Reply, Step, Sweep, Swept, Verb, decode, divide, join, merge};
use crate::fields::Seconds;
use crate::policy::{Alias, Tier};

/// The name of the objects' breaker, and the beginning of theirs.
pub(in crate::engine) const CELLS: &str = "cells";

/// Longest wait for a step, unless the alias says otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

/// How soon a lease that somebody has is asked for again; each time half as long again.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// And the longest pause between two times, or a twentieth of the wait if that is more.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// A page is handed out after so long, however short it is.
const PAGE_MILLIS: u64 = 40;

/// What a page may cost: calls of a gateway, and rounds of all the objects.
const MAX_SCANS: usize = 20;
const MAX_ROUNDS: usize = 2;

/// Why a store did not take a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// There is none.
    NoStore,
    /// It did not answer, or refused.
    Unavailable,
    /// Redis keeps something else by that name: a list, a set, …
    NotAValue,
    /// It is more than the gateway takes.
    TooLarge,
    /// The request is wrong after all.
    Bad(String),
}

/// One alias, by its name.
#[derive(Clone, Copy)]
pub(super) struct Cells<'c> {
    pub(super) name: &'c str,
    pub(super) alias: &'c Alias,
}

/// Where a step is taken.
#[derive(Clone, Copy)]
enum Place {
    Redis,
    Object(usize),
}

/// A step being taken. Boxed, since every call of this path would else be code of its own.
type Taking<'s> = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + 's>>;

impl Cells<'_> {
    fn in_redis(self) -> bool {
        self.alias.tiers.contains(&Tier::Redis)
    }

    fn is_nowhere(self) -> bool {
        self.alias.tiers == [Tier::Dummy]
    }
}

impl<P: Ports> Engine<P> {
    /// Takes a step.
    pub(super) async fn take(&self, cells: Cells<'_>, step: Step) -> Result<Reply, Failure> {
        if cells.in_redis() {
            return self.take_at(cells, Place::Redis, step).await;
        }
        if cells.is_nowhere() {
            return Ok(step.done_nowhere());
        }
        let verb = step.verb;
        let (at, steps): (Vec<_>, Vec<_>) =
            divide(step).into_iter().map(|Part { object, at, step }| (at, (object, step))).unzip();
        let replies = self.ask_objects(cells, steps).await?;
        Ok(join(verb, at.into_iter().zip(replies).collect()))
    }

    /// Asks several objects at once.
    async fn ask_objects(&self, cells: Cells<'_>, steps: Vec<(usize, Step)>) -> Result<Vec<Reply>, Failure> {
        let asking = steps.into_iter().map(|(object, step)| self.take_at(cells, Place::Object(object), step));
        join_all(asking).await.into_iter().collect()
    }

    fn take_at<'s>(&'s self, cells: Cells<'s>, place: Place, step: Step) -> Taking<'s> {
        Box::pin(async move {
            let limit = cells.alias.timeout.map_or(PATIENCE, |timeout| Duration::from_millis(timeout.as_millis()));
            let breaker = match place {
                Place::Redis => breaker_name(cells.alias, Tier::Redis),
                Place::Object(_) => CELLS.into(),
            };
            let taking = async {
                let taken = match place {
                    Place::Redis => self.redis_run(cells.alias, &step).await,
                    Place::Object(object) => self.ask_object(cells, object, &step).await,
                };
                // That the step itself is refused says nothing about the store.
                if taken == Err(Failure::Unavailable) { Err(StoreError) } else { Ok(taken) }
            };
            self.guarded(&breaker, limit, taking).await.unwrap_or(Err(Failure::Unavailable))
        })
    }

    async fn ask_object(&self, cells: Cells<'_>, object: usize, step: &Step) -> Result<Reply, Failure> {
        if !self.ports.has_cells() {
            return Err(Failure::NoStore);
        }
        let object = format!("{CELLS}-{}-{object}", cells.name);
        let answer = self.ports.ask_cells(&object, &step.target(), step.body()).await;
        answer.ok().and_then(decode).map(Reply::new).ok_or(Failure::Unavailable)
    }

    /// The value, or a lease on it, after at most so long a wait.
    pub(super) async fn lease(
        &self,
        cells: Cells<'_>,
        name: &Name,
        length: Seconds,
        wait: Seconds,
    ) -> Result<Reply, Failure> {
        let draw = || (self.ports.draw() * 2f64.powi(53)) as u64;
        let token = Bytes::from(format!("{:014x}{:014x}", draw(), draw()));
        let length = Bytes::from(length.as_millis().to_string());
        let wait = Duration::from_millis(wait.as_millis());
        let began = self.ports.now();
        let mut pause = LOOK_AGAIN;
        loop {
            let waited = Duration::from_millis(self.ports.now().as_millis().saturating_sub(began.as_millis()));
            let left = wait.saturating_sub(waited);
            let is_last = Bytes::from_static(if left.is_zero() { b"1" } else { b"0" });
            let step = Step::new(Verb::Lease, vec![name.clone()], vec![token.clone(), length.clone(), is_last]);
            let reply = self.take(cells, step).await?;
            if reply.word() != "wait" {
                return Ok(reply);
            }
            self.ports.sleep(pause.min(left)).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE.max(wait / 20));
        }
    }

    /// One page of a sweep. It may be short, or empty, and there may be more all the same.
    pub(super) async fn sweep(
        &self,
        cells: Cells<'_>,
        verb: Verb,
        sweep: &Sweep,
        cursor: Option<String>,
    ) -> Result<Swept, Failure> {
        let began = self.ports.now();
        let mut page = Swept { next: cursor, ..Swept::default() };
        for _ in 0..if cells.in_redis() { MAX_SCANS } else { MAX_ROUNDS } {
            let room = PAGE - page.count;
            let step = self.sweep_on(cells, verb, sweep, page.next.as_deref(), room).await?;
            page.count += step.count;
            page.names.extend(step.names);
            page.next = step.next;
            let took = self.ports.now().as_millis().saturating_sub(began.as_millis());
            if page.next.is_none() || page.count > PAGE * 9 / 10 || took >= PAGE_MILLIS {
                break;
            }
        }
        Ok(page)
    }

    async fn sweep_on(
        &self,
        cells: Cells<'_>,
        verb: Verb,
        sweep: &Sweep,
        cursor: Option<&str>,
        room: usize,
    ) -> Result<Swept, Failure> {
        if cells.in_redis() {
            let step = sweep.redis_step(verb, cursor, room).map_err(Failure::Bad)?;
            let reply = self.take_at(cells, Place::Redis, step).await?;
            return Ok(Sweep::redis_swept(verb, cursor, &reply));
        }
        if cells.is_nowhere() {
            return Ok(Swept::default());
        }
        let step = sweep.object_step(verb, cursor, room / OBJECTS);
        let steps = (0..OBJECTS).map(|object| (object, step.clone())).collect();
        let replies = self.ask_objects(cells, steps).await?;
        Ok(merge(verb, replies.iter().map(|reply| Swept::read(verb, reply)).collect()))
    }
}
