//! What is watched while things happen: what was found, what an isolate surely has, who is not answered yet.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;

use super::city::{City, Context, Home};
use super::counts::Counts;
use super::load::Load;
use super::origin::Exchange;
use super::purges::Purges;
use super::visits::{LONGEST_WORK, Visit};

/// The nine of `fault-cases.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invariant {
    Isolation,
    Identity,
    Freshness,
    PurgeBound,
    Integrity,
    Availability,
    OriginLoad,
    NoResurrection,
    Liveness,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "I{} {self:?}", *self as u8 + 1)
    }
}

/// One of them did not hold.
#[derive(Debug, Clone)]
pub struct Violation {
    pub invariant: Invariant,
    pub what: String,
}

/// A failure may reach those who waited for it so much later: by way of the shield, told after the answer.
pub const FELT_FOR: u64 = 10_000;

/// Of two answers that came within this time either may be the last to be stored: bodies take their time.
const A_RACE: u64 = 1000;

/// Something that an isolate surely has in its memory, and since when.
struct Known {
    exchange: Rc<Exchange>,
    since: u64,
}

/// An answer out of an isolate's memory: when the origin gave it, and when and to whom it was served.
struct Served {
    answered: u64,
    tick: u64,
    request: u64,
}

/// The slot of an isolate's memory that something is in: URL, whose it is, language.
pub type Slot = (u64, String, &'static str, &'static str);

#[derive(Default)]
pub struct Watch {
    violation: RefCell<Option<Violation>>,
    counts: Cell<Counts>,
    pub purges: Purges,
    pub load: Load,
    known: RefCell<BTreeMap<(u64, usize), Known>>,
    /// When something last happened that may have emptied an isolate's slot of a page.
    emptied: RefCell<BTreeMap<(u64, usize), u64>>,
    served: RefCell<BTreeMap<Slot, Vec<Served>>>,
    open: RefCell<VecDeque<Rc<Visit>>>,
}

impl Watch {
    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.get();
        change(&mut counts);
        self.counts.set(counts);
    }

    pub fn counts(&self) -> Counts {
        self.counts.get()
    }

    /// The first one counts.
    pub fn violated(&self, invariant: Invariant, what: impl FnOnce() -> String) {
        self.violation.borrow_mut().get_or_insert_with(|| Violation { invariant, what: what() });
    }

    pub fn violation(&self) -> Option<Violation> {
        self.violation.borrow().clone()
    }

    /// The origin is being asked.
    pub fn asked(&self, city: &City, home: &Home, context: &Rc<Context>, exchange: &Exchange, fails: bool) {
        self.count(|counts| counts.exchanges += 1);
        if fails {
            // It may take as long as a request waits for an answer, and a little longer.
            let until = city.clock.now() + 4000;
            for trouble in [&city.origin.pages[exchange.page].trouble, &city.origin.trouble] {
                trouble.set(trouble.get().max(until));
            }
        }
        if let Err(what) = self.load.begin(city, home, context, exchange) {
            self.violated(Invariant::OriginLoad, || what);
        }
    }

    /// It answered, or will not any more.
    pub fn told(&self, city: &City, home: &Home, context: &Rc<Context>, exchange: &Exchange) {
        exchange.answered.set(city.clock.now());
        exchange.answered_tick.set(city.origin.tick());
        self.load.end(home, context, exchange.page);
    }

    /// An answer came out of the memory of an isolate; the request that had got a younger one from there.
    pub fn serve(&self, slot: Slot, visit: &Visit, exchange: &Exchange, tick: u64) -> Option<u64> {
        let mut served = self.served.borrow_mut();
        let served = served.entry(slot).or_default();
        let answered = exchange.answered.get();
        let younger = served.iter().find(|before| before.answered > answered + A_RACE && before.tick < visit.tick);
        let found = younger.map(|younger| younger.request);
        served.retain(|before| before.answered > answered);
        served.push(Served { answered, tick, request: visit.context.request });
        found
    }

    /// What was in the memory of the isolate before `visit` came.
    pub fn knows(&self, visit: &Visit) -> Option<Rc<Exchange>> {
        let known = self.known.borrow();
        let known = known.get(&(visit.home.id, visit.page)).filter(|known| known.since < visit.tick);
        known.map(|known| known.exchange.clone())
    }

    pub fn learn(&self, visit: &Visit, exchange: &Rc<Exchange>, tick: u64) {
        let mut known = self.known.borrow_mut();
        let place = (visit.home.id, visit.page);
        let same = known.get(&place).filter(|known| Rc::ptr_eq(&known.exchange, exchange));
        let since = same.map_or(tick, |known| known.since);
        known.insert(place, Known { exchange: exchange.clone(), since });
    }

    /// Something happens that may empty the slot.
    pub fn unlearn(&self, visit: &Visit, tick: u64) {
        let place = (visit.home.id, visit.page);
        self.known.borrow_mut().remove(&place);
        self.emptied.borrow_mut().insert(place, tick);
    }

    /// Whether nothing like that happened since the exchange.
    pub fn is_undisturbed(&self, visit: &Visit, exchange: &Exchange) -> bool {
        let emptied = self.emptied.borrow();
        emptied.get(&(visit.home.id, visit.page)).is_none_or(|tick| *tick < exchange.tick)
    }

    pub fn opened(&self, visit: Rc<Visit>) {
        self.open.borrow_mut().push_back(visit);
    }

    /// Requests that are not over, work included.
    pub fn open(&self) -> Vec<Rc<Visit>> {
        self.open.borrow().iter().filter(|visit| !visit.is_over()).cloned().collect()
    }

    /// Whether everybody has been answered in time, and what was left to do is done.
    pub fn look_at_clock(&self, now: u64) {
        let mut open = self.open.borrow_mut();
        while open.front().is_some_and(|visit| visit.is_over()) {
            open.pop_front();
        }
        for visit in open.iter().take_while(|visit| visit.start + LONGEST_WORK < now) {
            if let Some(late) = visit.lateness(now) {
                self.violated(Invariant::Liveness, || late);
            }
        }
    }

    /// Nothing holds on to anything any more.
    pub fn close(&self) {
        self.open.borrow_mut().clear();
        self.known.borrow_mut().clear();
        self.load.close();
    }
}
