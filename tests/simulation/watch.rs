//! What is watched while things happen: purges that were acknowledged, fetches under way, requests that are not answered yet.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;

use super::city::{City, Context, Home};
use super::origin::Exchange;
use super::site::Kind;
use super::visits::Visit;

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

/// When an acknowledged purge has reached every isolate: after `PURGE_BOUND`, and while the ledger cannot be read, after the time that
/// the last index holds. The one that acknowledged it knows at once.
const BOUND: u64 = 10_000 + 60_000;

/// An acknowledged purge of one URL.
pub struct Mark {
    pub request: u64,
    pub home: u64,
    pub tick: u64,
    pub at: u64,
    /// What the page has been since.
    pub version: u32,
}

impl Mark {
    /// Whether it was acknowledged to `visit` in time; `in_doubt`, if by its own isolate.
    fn reaches(&self, visit: &Visit, in_doubt: bool) -> bool {
        let is_own = self.home == visit.home.id;
        let bound = if is_own { 0 } else { BOUND };
        self.tick < visit.tick && visit.start >= self.at + bound && (is_own || !in_doubt)
    }

    /// Whether `exchange` is from before it.
    fn is_after(&self, exchange: &Exchange) -> bool {
        self.request != exchange.asker.request && exchange.tick < self.tick
    }
}

/// An answer that an isolate surely has in its memory.
pub struct Known {
    pub exchange: Rc<Exchange>,
}

/// How often each check had something to check: a simulation in which nothing is ever stored finds nothing either.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub operations: u64,
    pub visits: u64,
    pub answers: u64,
    /// Of them, those that another request had brought.
    pub stored: u64,
    /// Of those, for one visitor alone.
    pub owned: u64,
    /// Of those, past their lifetime.
    pub stale: u64,
    /// Parts and 304s.
    pub partial: u64,
    pub not_modified: u64,
    /// Answers for a URL that had been purged here.
    pub purged: u64,
    /// Errors of our own, each while the origin failed.
    pub errors: u64,
    /// Answers that had to be good, because something servable was in memory.
    pub servable: u64,
    /// Of them, while the origin failed.
    pub rescued: u64,
    /// Fetches that others at the same time had to wait for.
    pub collapsible: u64,
    pub exchanges: u64,
    pub unsafe_done: u64,
    pub killed: u64,
    pub deploys: u64,
    /// The longest that a request took, and work after it, in milliseconds.
    pub longest: u64,
    pub longest_work: u64,
}

impl Counts {
    pub fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.operations, other.operations),
            (&mut self.visits, other.visits),
            (&mut self.answers, other.answers),
            (&mut self.stored, other.stored),
            (&mut self.owned, other.owned),
            (&mut self.stale, other.stale),
            (&mut self.partial, other.partial),
            (&mut self.not_modified, other.not_modified),
            (&mut self.purged, other.purged),
            (&mut self.errors, other.errors),
            (&mut self.servable, other.servable),
            (&mut self.rescued, other.rescued),
            (&mut self.collapsible, other.collapsible),
            (&mut self.exchanges, other.exchanges),
            (&mut self.unsafe_done, other.unsafe_done),
            (&mut self.killed, other.killed),
            (&mut self.deploys, other.deploys),
        ];
        sums.into_iter().for_each(|(sum, more)| *sum += more);
        self.longest = self.longest.max(other.longest);
        self.longest_work = self.longest_work.max(other.longest_work);
    }
}

#[derive(Default)]
pub struct Watch {
    violation: RefCell<Option<Violation>>,
    pub counts: Cell<Counts>,
    /// URLs that were purged.
    marks: RefCell<BTreeMap<String, Vec<Mark>>>,
    /// Visitors who did something.
    acted: RefCell<BTreeMap<(u64, &'static str), Mark>>,
    /// Plain fetches under way, by isolate and page.
    under_way: RefCell<BTreeMap<(u64, usize), Vec<Rc<Context>>>>,
    /// Requests for which, and for those who waited for them, more fetches are in order.
    disturbing: RefCell<BTreeMap<(u64, usize), Vec<Rc<Context>>>>,
    known: RefCell<BTreeMap<(u64, usize), Known>>,
    open: RefCell<VecDeque<Rc<Visit>>>,
    /// The youngest exchange that was served, and when.
    youngest: RefCell<BTreeMap<(u64, String, &'static str, &'static str), Vec<(u64, u64, u64)>>>,
}

/// What one request may ask the origin: a validation, a second try without, the whole; and the same to refresh it.
const MOST_EXCHANGES: u32 = 5;

/// A failure may reach those who waited for it so much later: by way of the shield, told after the answer.
pub const FELT_FOR: u64 = 10_000;

impl Watch {
    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.get();
        change(&mut counts);
        self.counts.set(counts);
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
        context.exchanges.set(context.exchanges.get() + 1);
        if context.exchanges.get() > MOST_EXCHANGES {
            let (request, times) = (context.request, context.exchanges.get());
            self.violated(Invariant::OriginLoad, || format!("request {request} asked the origin {times} times"));
        }
        let page = &city.origin.pages[exchange.page];
        let now = city.clock.now();
        if fails {
            page.trouble.set(page.trouble.get().max(now + 4000));
            city.origin.trouble.set(city.origin.trouble.get().max(now + 4000));
        }
        let rules = city.rules(home, page.route);
        let counts =
            page.kind == Kind::Steady && rules.collapses && !rules.passes && !rules.keys_sid && rules.has_memory;
        if !context.is_plain || !counts {
            return;
        }
        let place = (home.id, exchange.page);
        let mut under_way = self.under_way.borrow_mut();
        let others = under_way.entry(place).or_default();
        others.retain(|other| !other.ended.get());
        others.push(context.clone());
        if others.len() > 1 && page.trouble.get() + FELT_FOR < now && !self.is_disturbed(place, now) {
            let requests: Vec<_> = others.iter().map(|context| context.request).collect();
            let what =
                || format!("requests {requests:?} fetch {} at the same time in isolate {}", exchange.url, home.id);
            self.violated(Invariant::OriginLoad, what);
        }
    }

    /// It answered.
    pub fn told(&self, city: &City, home: &Home, context: &Rc<Context>, exchange: &Exchange, failed: bool) {
        let page = &city.origin.pages[exchange.page];
        exchange.answered.set(city.clock.now());
        if failed {
            page.trouble.set(page.trouble.get().max(city.clock.now()));
        }
        if let Some(others) = self.under_way.borrow_mut().get_mut(&(home.id, exchange.page))
            && let Some(at) = others.iter().position(|other| Rc::ptr_eq(other, context))
        {
            others.swap_remove(at);
        }
    }

    pub fn disturbs(&self, home: u64, page: usize, context: Rc<Context>) {
        self.disturbing.borrow_mut().entry((home, page)).or_default().push(context);
    }

    /// Whether one of them is under way, or those who waited for it are.
    fn is_disturbed(&self, place: (u64, usize), now: u64) -> bool {
        let mut disturbing = self.disturbing.borrow_mut();
        let Some(contexts) = disturbing.get_mut(&place) else { return false };
        contexts.retain(|context| context.over.get().is_none_or(|over| now < over + FELT_FOR));
        !contexts.is_empty()
    }

    /// An unsafe request was answered: what it changed is purged from now on.
    pub fn acknowledge(&self, city: &City, visit: &Visit, exchange: &Exchange) {
        if !(200..400).contains(&exchange.status) {
            return;
        }
        self.count(|counts| counts.unsafe_done += 1);
        let mark = |version| Mark {
            request: visit.context.request,
            home: visit.home.id,
            tick: city.origin.tick(),
            at: city.clock.now(),
            version,
        };
        for (number, (page, version)) in exchange.changed.borrow().iter().enumerate() {
            let page = &city.origin.pages[*page];
            // Where nothing is stored, nothing is purged: an overlap of two deployments may differ on that.
            if city.rules(&visit.home, page.route).passes {
                continue;
            }
            let url = match number {
                0 => exchange.url.clone(),
                _ => super::origin::url_key(page.host, &page.path, page.query.unwrap_or_default()),
            };
            self.marks.borrow_mut().entry(url).or_default().push(mark(*version));
        }
        if let Some(sid) = visit.visitor.sid {
            self.acted.borrow_mut().insert((visit.home.id, sid), mark(0));
        }
    }

    /// The purge of one of these URLs that reaches `visit` and that `exchange` is older than; and whether one reaches it at all.
    pub fn purge_between(
        &self,
        urls: [&str; 2],
        exchange: &Exchange,
        visit: &Visit,
        in_doubt: bool,
    ) -> (bool, Option<(u64, u32)>) {
        let marks = self.marks.borrow();
        if marks.is_empty() {
            return (false, None);
        }
        let mut reached = false;
        for mark in urls.iter().filter_map(|url| marks.get(*url)).flatten().filter(|mark| mark.reaches(visit, in_doubt))
        {
            reached = true;
            if mark.is_after(exchange) {
                return (true, Some((mark.request, mark.version)));
            }
        }
        (reached, None)
    }

    /// The least version that a purge known to `visit` lets through, where its numbers tell `exchange` from older ones.
    pub fn least_version(&self, urls: [&str; 2], visit: &Visit, in_doubt: bool) -> Option<u32> {
        let marks = self.marks.borrow();
        let known = urls.iter().filter_map(|url| marks.get(*url)).flatten();
        known.filter(|mark| mark.reaches(visit, in_doubt)).map(|mark| mark.version).max()
    }

    /// Whether `sid` did something since `exchange`, and `visit` should know.
    pub fn acted_since(&self, sid: &'static str, exchange: &Exchange, visit: &Visit) -> bool {
        let acted = self.acted.borrow();
        acted.get(&(visit.home.id, sid)).is_some_and(|mark| mark.reaches(visit, false) && mark.is_after(exchange))
    }

    pub fn served(&self, visit: &Visit, exchange: &Exchange, whose: &'static str, tick: u64) -> Option<u64> {
        let mut youngest = self.youngest.borrow_mut();
        let place = (visit.home.id, exchange.url.clone(), whose, exchange.shown.language);
        let served = youngest.entry(place).or_default();
        let found = served
            .iter()
            .find(|(asked, done, _)| *asked > exchange.answered.get() + 1000 && *done < visit.tick)
            .map(|(.., r)| *r);
        served.retain(|(asked, ..)| *asked > exchange.answered.get());
        served.push((exchange.answered.get(), tick, visit.context.request));
        found
    }

    pub fn knows(&self, home: u64, page: usize) -> Option<Rc<Exchange>> {
        self.known.borrow().get(&(home, page)).map(|known| known.exchange.clone())
    }

    pub fn learn(&self, home: u64, page: usize, exchange: Rc<Exchange>) {
        self.known.borrow_mut().insert((home, page), Known { exchange });
    }

    pub fn unlearn(&self, home: u64, page: usize) {
        self.known.borrow_mut().remove(&(home, page));
    }

    pub fn opened(&self, visit: Rc<Visit>) {
        self.open.borrow_mut().push_back(visit);
    }

    /// Requests that are not over, work included.
    pub fn open(&self) -> Vec<Rc<Visit>> {
        self.open.borrow().iter().filter(|visit| !visit.is_over()).cloned().collect()
    }

    /// Whether everybody who came before so long has been answered, and what was left to do is done.
    pub fn look_at_clock(&self, now: u64) {
        let mut open = self.open.borrow_mut();
        while open.front().is_some_and(|visit| visit.is_over()) {
            open.pop_front();
        }
        for visit in open.iter().take_while(|visit| visit.start + super::visits::LONGEST_WORK < now) {
            if let Some(late) = visit.lateness(now) {
                self.violated(Invariant::Liveness, || late);
            }
        }
    }

    pub fn close(&self) {
        self.open.borrow_mut().clear();
        self.under_way.borrow_mut().clear();
        self.known.borrow_mut().clear();
    }
}
