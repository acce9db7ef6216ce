//! A city of isolates: data centres with their isolates, one KV, one Redis, one shield, one origin, and the weather over all of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use larder::engine::Isolate;

use super::chance::Chance;
use super::clockwork::{Clockwork, TaskId};
use super::deployments::{Deployment, Rules};
use super::origin::{Asker, Origin};
use super::ports::{Signal, Wires};
use super::sabotage::Sabotage;
use super::shield::Shield;
use super::stores::{Colo, Kv, Redis};
use super::watch::Watch;
use super::weather::{Fault, Weather};
use crate::support::NOW;
use crate::support::ledger::Ledger;

/// Everything.
pub struct City {
    pub clock: Clockwork,
    pub chance: Chance,
    pub weather: Weather,
    pub origin: Origin,
    pub colos: Vec<Colo>,
    pub kv: Kv,
    pub redis: Redis,
    pub shields: [Shield; 2],
    pub ledger: Ledger,
    /// When it was last asked while it was not well.
    pub ledger_trouble: Cell<u64>,
    pub homes: RefCell<Vec<Rc<Home>>>,
    pub deployments: Rc<Vec<Deployment>>,
    pub watch: Watch,
    /// What is deliberately wrong, so that the checks have something to find.
    pub sabotage: Sabotage,
    /// Records that were handed out, for those who change their places.
    pub pool: RefCell<Vec<bytes::Bytes>>,
    /// The largest difference between two clocks, in milliseconds.
    pub skew: u64,
    /// Whether all clocks agree, stores keep what they say, and nobody dies: what is in memory gets no older.
    pub is_calm: bool,
    /// Whether all isolates have the same configuration and the same time.
    pub is_even: bool,
    /// When something last happened that may leave a lease behind, or that those who wait for one may be wrong about.
    pub unsettled: Cell<u64>,
    /// Whether to tell what happens.
    pub tells: bool,
    homes_built: Cell<u64>,
}

/// One isolate.
pub struct Home {
    pub id: u64,
    pub colo: usize,
    pub deployment: usize,
    pub isolate: Rc<Isolate<Wires>>,
    /// What it heard of the ledger last.
    pub told: Cell<Option<Told>>,
    /// How many fetches in a row have failed.
    pub failures: Cell<u32>,
    /// How far its clock is ahead.
    pub ahead: u64,
}

/// What an isolate heard of the ledger: what it fetches later is numbered after all that was recorded until then.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// Which ledger it was.
    pub incarnation: u64,
    /// When, among all events.
    pub tick: u64,
}

/// What belongs to one request: when it ends, nothing that is still waited for in it ever comes.
pub struct Context {
    pub request: u64,
    pub ended: Rc<Cell<bool>>,
    /// When everything in it was over, one way or the other.
    pub over: Cell<Option<u64>>,
    pub tasks: RefCell<Vec<TaskId>>,
    pub signals: RefCell<Vec<Signal>>,
    /// How often the origin was asked in it.
    pub exchanges: Cell<u32>,
    /// Whether anything outside the isolate was asked in it that brings an answer.
    pub went_far: Cell<bool>,
    /// What its isolate had heard of the ledger when it came.
    pub told: Option<Told>,
    /// The pages that it purges.
    pub purges: RefCell<Vec<usize>>,
    /// When the ledger recorded what it purges, if it did.
    pub recorded: Cell<Option<u64>>,
    /// Whether it is a plain GET by somebody who is nobody.
    pub is_plain: bool,
}

impl Context {
    pub fn new(request: u64, home: &Home, is_plain: bool) -> Self {
        Self {
            request,
            ended: Rc::default(),
            over: Cell::default(),
            tasks: RefCell::default(),
            signals: RefCell::default(),
            exchanges: Cell::default(),
            went_far: Cell::default(),
            told: home.told.get(),
            purges: RefCell::default(),
            recorded: Cell::default(),
            is_plain,
        }
    }
}

impl City {
    pub fn new(seed: u64, origin: Origin, colos: usize, deployments: Rc<Vec<Deployment>>) -> Self {
        Self {
            clock: Clockwork::at(NOW.as_millis()),
            chance: Chance::new(seed),
            weather: Weather::default(),
            origin,
            colos: (0..colos).map(|_| Colo::default()).collect(),
            kv: Kv::new(colos),
            redis: Redis::default(),
            shields: Default::default(),
            ledger: Ledger::default(),
            ledger_trouble: Cell::new(0),
            homes: RefCell::default(),
            deployments,
            watch: Watch::default(),
            sabotage: Sabotage::Nothing,
            pool: RefCell::default(),
            skew: 0,
            is_calm: false,
            is_even: false,
            unsettled: Cell::new(0),
            tells: false,
            homes_built: Cell::new(0),
        }
    }

    /// A new isolate. Its clock is ahead by as much as chance will have it.
    pub fn build(&self, colo: usize, deployment: usize) -> Rc<Home> {
        self.homes_built.set(self.homes_built.get() + 1);
        Rc::new(Home {
            id: self.homes_built.get(),
            colo,
            deployment,
            isolate: Rc::default(),
            told: Cell::new(None),
            failures: Cell::default(),
            ahead: if self.skew > 0 { self.chance.below(self.skew) } else { 0 },
        })
    }

    pub fn rules(&self, home: &Home, prefix: &str) -> &Rules {
        self.deployments[home.deployment].rules(prefix)
    }

    /// Whether shield and ledger have been well for long enough that all isolates agree on who fetches. Who cannot read the ledger takes
    /// nothing from others (engine/collapse.rs).
    pub fn has_agreed(&self) -> bool {
        const A_WHILE: u64 = 45_000;
        let weather = &self.weather;
        let is_well = [weather.shield.get(), weather.ledger.get()] == [Fault::default(); 2];
        is_well
            && !weather.twins.get()
            && weather.neglect.get() == 0
            && self.unsettled.get() + A_WHILE < self.clock.now()
    }

    /// Milliseconds, by the clock of an isolate.
    pub fn reading(&self, home: &Home) -> u64 {
        let now = if self.sabotage == Sabotage::ClocksStandStill { NOW.as_millis() } else { self.clock.now() };
        now + home.ahead
    }

    pub fn asker(&self, home: &Home, context: &Context) -> Asker {
        let reading = self.reading(home);
        Asker { request: context.request, home: home.id, told: context.told, deployment: home.deployment, reading }
    }

    /// The ledger answers.
    pub fn inform(&self, home: &Home) -> Told {
        let told = Told { incarnation: self.ledger.incarnation.get(), tick: self.origin.tick() };
        home.told.set(Some(told));
        told
    }

    pub fn tell(&self, what: impl FnOnce() -> String) {
        if self.tells {
            let now = self.clock.now() - NOW.as_millis();
            println!("{:>6}.{:03}  {}", now / 1000, now % 1000, what());
        }
    }

    /// The world of a request ends: all its tasks at once, without a word.
    pub fn end(&self, context: &Context) {
        context.ended.set(true);
        self.unsettled.set(self.clock.now());
        context.over.set(Some(self.clock.now()));
        context.tasks.take().into_iter().for_each(|task| self.clock.lose(task));
        // Who waits for something of it learns that it never comes.
        context.signals.take().iter().for_each(|signal| signal.wake(&self.clock));
    }

    /// Nothing holds on to anything any more.
    pub fn close(&self) {
        self.watch.close();
        self.homes.borrow_mut().clear();
        self.clock.close();
    }
}
