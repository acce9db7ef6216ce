//! Low-level values: which store takes a step, how long a lease is waited for, and how far one page of a sweep goes.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;

use super::Engine;
use super::ports::{Ports, StoreError};
use super::within::all;
use crate::cells::{Name, OBJECTS, PAGE, Reply, Step, Sweep, Swept, Verb, decode, divide, join, number};
use crate::fields::Timestamp;
use crate::policy::{Alias, Tier};

/// The name of the objects' breaker, and what theirs begin with, and those of Redis.
pub(in crate::engine) const CELLS: &str = "cells";

/// Longest wait for a step, unless the alias says otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

/// After so many milliseconds a lease that somebody has is asked for again; each time half as long again.
const LOOK_AGAIN: u64 = 25;

/// And the longest pause between two times, or a twentieth of the wait if that is more.
const LONGEST_PAUSE: u64 = 250;

/// A page is handed out after so long, however short it is.
const PAGE_MILLIS: u64 = 25;

/// After a step that found anything, those who read get their turn: so many times as long as it took. Redis is done when it answers.
const TURNS_BESIDE_REDIS: u64 = 4;

/// What an object removed is still being written down, and those who read from it wait for that too.
const TURNS_BESIDE_OBJECTS: u64 = 5;

/// So many steps a page may take: fewer than the calls that the free plan allows.
const MAX_STEPS: usize = 24;

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

/// Instead of the number of an object.
const IN_REDIS: usize = OBJECTS;

/// Replies, and where each came from.
type Replies = Vec<(usize, Reply)>;

/// Boxed, since every call would else be code of its own, and nothing here is in a visitor's way.
type Boxed<'s, T> = Pin<Box<dyn Future<Output = T> + 's>>;

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
    pub(super) async fn take(&self, cells: Cells<'_>, step: &Step) -> Result<Reply, Failure> {
        if cells.is_nowhere() {
            return Ok(step.done_nowhere());
        }
        let parts = if cells.in_redis() { vec![(IN_REDIS, step.clone())] } else { divide(step.clone()) };
        Ok(join(step, &self.take_all(cells, parts).await?))
    }

    /// Takes several steps at once, each in one object, or in Redis.
    fn take_all<'s>(&'s self, cells: Cells<'s>, steps: Vec<(usize, Step)>) -> Boxed<'s, Result<Replies, Failure>> {
        Box::pin(async move {
            let (mut taking, mut places) = (Vec::new(), Vec::new());
            for (place, step) in steps {
                places.push(place);
                taking.push(self.take_one(cells, place, step));
            }
            let mut replies = Vec::new();
            for (place, reply) in places.into_iter().zip(all(taking).await) {
                replies.push((place, reply?));
            }
            Ok(replies)
        })
    }

    fn take_one<'s>(&'s self, cells: Cells<'s>, place: usize, step: Step) -> Boxed<'s, Result<Reply, Failure>> {
        Box::pin(async move {
            let limit = cells.alias.timeout.map_or(PATIENCE, |timeout| Duration::from_millis(timeout.as_millis()));
            // Not that of the tier: a gateway that allows no scripts may serve pages all the same.
            let breaker = if cells.in_redis() { format!("{CELLS}:{}", cells.alias.redis) } else { CELLS.to_owned() };
            let taking = async {
                let taken = match place {
                    IN_REDIS => self.redis_run(cells.alias, &step).await,
                    object => self.ask_object(cells, object, &step).await,
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

    /// The value, or a lease of `length` seconds on it, after at most `wait` seconds.
    pub(super) async fn lease(&self, cells: Cells<'_>, name: Name, length: i64, wait: i64) -> Result<Reply, Failure> {
        let draw = || (self.ports.draw() * 2f64.powi(53)) as u64;
        let token = Bytes::from(format!("{:014x}{:014x}", draw(), draw()));
        let mut step = Step::new(Verb::Lease, vec![name], vec![token, number(length * 1000), Bytes::new()]);
        let until = self.ports.now().as_millis() + wait.unsigned_abs() * 1000;
        let longest = LONGEST_PAUSE.max(wait.unsigned_abs() * 1000 / 20);
        let mut pause = LOOK_AGAIN;
        loop {
            let left = until.saturating_sub(self.ports.now().as_millis());
            if let Some(is_last) = step.arguments.last_mut() {
                *is_last = Bytes::from_static(if left == 0 { b"1" } else { b"0" });
            }
            let reply = self.take(cells, &step).await?;
            if reply.word() != "wait" {
                return Ok(reply);
            }
            self.ports.sleep(Duration::from_millis(pause.min(left))).await;
            pause = (pause * 3 / 2).min(longest);
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
        let turns = if cells.in_redis() { TURNS_BESIDE_REDIS } else { TURNS_BESIDE_OBJECTS };
        let began = self.ports.now();
        let mut page = Swept { next: cursor, ..Swept::default() };
        for _ in 0..MAX_STEPS {
            let room = PAGE - page.count;
            let began_step = self.ports.now();
            let step = self.sweep_on(cells, verb, sweep, page.next.as_deref(), room).await?;
            let found = step.count;
            page.count += found;
            page.names.extend(step.names);
            page.next = step.next;
            let millis_since = |moment: Timestamp| self.ports.now().as_millis().saturating_sub(moment.as_millis());
            let left = PAGE_MILLIS.saturating_sub(millis_since(began));
            if found > 0 {
                let pause = (millis_since(began_step) * turns).min(left);
                self.ports.sleep(Duration::from_millis(pause)).await;
            }
            if page.next.is_none() || page.count > PAGE * 9 / 10 || millis_since(began) >= PAGE_MILLIS {
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
        if cells.is_nowhere() {
            return Ok(Swept::default());
        }
        if cells.in_redis() {
            let step = sweep.redis_step(verb, cursor, room).map_err(Failure::Bad)?;
            let reply = self.take_one(cells, IN_REDIS, step).await?;
            return Ok(Sweep::redis_swept(verb, cursor, &reply));
        }
        let (object, after) = Sweep::object(cursor).map_err(Failure::Bad)?;
        let step = sweep.object_step(verb, after, room);
        let reply = self.take_one(cells, object, step).await?;
        Ok(Swept::of_object(verb, object, &reply))
    }
}
