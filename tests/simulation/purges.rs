//! Purges that were acknowledged, and what must not be served after them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::city::{City, Context, Home};
use super::orders::Order;
use super::origin::{Exchange, url_key};
use super::visits::Visit;

/// `PURGE_BOUND`: how old what an isolate knows of the ledger may be, in milliseconds.
const BOUND: u64 = 10_000;

/// How much longer that holds while the ledger cannot be reached (architecture.md, "The ledger").
const GRACE: u64 = 60_000;

/// For how long an isolate leaves a ledger alone that failed, a trial of it that was cut off included (store/breaker.rs).
pub const LEFT_ALONE: u64 = 16_000;

/// Clocks that are compared in whole seconds somewhere on the way.
const A_SECOND: u64 = 1000;

/// An acknowledged purge of one URL, of all of a page, or of what is one visitor's.
#[derive(Clone, Copy)]
struct Mark {
    request: u64,
    home: u64,
    deployment: usize,
    tick: u64,
    at: u64,
    /// When the ledger recorded it, if it did: otherwise it is known in its own isolate alone.
    recorded: Option<u64>,
    /// What the clock of the isolate showed when it knew: when the origin had answered.
    reading: u64,
    /// When that was, among all events.
    answered: u64,
    /// What the page has been since.
    version: u32,
    /// Whether it names what has a tag, which the origin's errors have not.
    by_tag: bool,
    /// Whether it is to be validated, rather than gone.
    is_soft: bool,
}

/// How an answer was come by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// Under a route that asks the ledger each time.
    pub is_strict: bool,
    /// As stale, because the origin failed, while the ledger could not be read: what may have been purged elsewhere is then stale, and not
    /// gone (architecture.md, "The ledger").
    pub in_doubt: bool,
}

impl Mark {
    /// What `context` did is acknowledged.
    fn now(city: &City, home: &Home, context: &Context) -> Self {
        let tick = city.origin.tick();
        Self {
            request: context.request,
            home: home.id,
            deployment: home.deployment,
            tick,
            at: city.clock.now(),
            recorded: context.recorded.get(),
            reading: city.reading(home),
            answered: tick,
            version: 0,
            by_tag: false,
            is_soft: false,
        }
    }

    /// Whether `visit` has to know of it: in its own isolate at once, elsewhere when the ledger has to have been read since.
    fn reaches(&self, city: &City, visit: &Visit, manner: Manner) -> bool {
        if self.tick >= visit.tick || self.home == visit.home.id {
            return self.tick < visit.tick;
        }
        let was_well = city.ledger_trouble.get() + LEFT_ALONE < self.at;
        let bound = if was_well { BOUND } else { BOUND + GRACE };
        let is_known = manner.is_strict || (visit.start > self.at + bound && !manner.in_doubt);
        self.recorded.is_some() && is_known
    }

    /// Whether `exchange` is from before it, as far as its numbers tell.
    fn covers(&self, exchange: &Exchange) -> bool {
        if self.request == exchange.asker.request || (self.by_tag && exchange.failed) {
            return false;
        }
        match self.recorded {
            Some(tick) => exchange.tick < tick,
            None if exchange.asker.home == self.home => exchange.tick < self.answered,
            None => {
                // Isolates number by their clocks what no ledger numbers. The answer to a POST that is kept for a GET is numbered when it
                // comes, after what it purged itself.
                let took = if exchange.method.is_safe() { 0 } else { exchange.answered.get() - exchange.at };
                exchange.asker.reading + took + A_SECOND < self.reading
            }
        }
    }

    /// Whether `exchange` is from before it, and its numbers say the opposite.
    fn is_blind(&self, exchange: &Exchange) -> bool {
        exchange.tick < self.tick && !self.covers(exchange)
    }
}

/// What the purges of a URL say of an answer.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Whether the visitor's isolate had to know of one.
    pub reached: bool,
    /// Whether one that it had to know of was another isolate's.
    pub from_afar: bool,
    /// The request whose purge the answer is older than.
    pub purged_by: Option<u64>,
    /// The same, of a soft purge.
    pub softly_purged_by: Option<u64>,
    /// The least version of the page that may be shown.
    pub least_version: u32,
}

#[derive(Default)]
pub struct Purges {
    urls: RefCell<BTreeMap<String, Vec<Mark>>>,
    /// Of pages, under whatever URL.
    pages: RefCell<BTreeMap<usize, Vec<Mark>>>,
    /// What those did who are signed in.
    acted: RefCell<BTreeMap<&'static str, Vec<Mark>>>,
    /// When pages were last purged anywhere, acknowledged or not.
    touched: RefCell<BTreeMap<usize, u64>>,
}

impl Purges {
    /// These pages may be purged from now on.
    pub fn touch(&self, city: &City, pages: &[usize]) {
        let tick = city.origin.tick();
        self.touched.borrow_mut().extend(pages.iter().map(|page| (*page, tick)));
    }

    /// Whether nobody purged the page since.
    pub fn is_untouched(&self, page: usize, since: u64) -> bool {
        self.touched.borrow().get(&page).is_none_or(|tick| *tick < since)
    }

    /// An unsafe request was answered: what it changed is purged from now on. `false` if it changed nothing.
    pub fn acknowledge(&self, city: &City, visit: &Visit, exchange: &Exchange) -> bool {
        if !(200..400).contains(&exchange.status) {
            return false;
        }
        let now = Mark::now(city, &visit.home, &visit.context);
        let reading = now.reading - (now.at - exchange.answered.get());
        let mark = Mark { reading, answered: exchange.answered_tick.get(), ..now };
        // The first is what was asked for, under the URL that it was asked for by.
        for (number, (page, version)) in exchange.changed.borrow().iter().enumerate() {
            let page = &city.origin.pages[*page];
            let rules = city.rules(&visit.home, page.route);
            // Where nothing is stored nothing is purged. Two deployments that overlap may differ on that.
            let is_named = !rules.passes || city.deployments[visit.home.deployment].is_broken();
            if !is_named || !is_purged_by_name(city, &visit.home, page.route) {
                continue;
            }
            let named = || url_key(page.host, &page.path, page.query.unwrap_or_default());
            let url = if number == 0 { exchange.url.clone() } else { named() };
            self.urls.borrow_mut().entry(url).or_default().push(Mark { version: *version, ..mark });
        }
        if let Some(sid) = visit.visitor.sid {
            self.acted.borrow_mut().entry(sid).or_default().push(mark);
        }
        true
    }

    /// What was ordered was acknowledged: it is purged from now on.
    pub fn carry_out(&self, city: &City, home: &Home, context: &Context, order: &Order) {
        let mark = Mark { by_tag: order.by_tag, is_soft: order.is_soft, ..Mark::now(city, home, context) };
        for &page in &order.pages {
            match &order.url {
                Some(_) if !is_purged_by_name(city, home, city.origin.pages[page].route) => {}
                Some(url) => self.urls.borrow_mut().entry(url.clone()).or_default().push(mark),
                None => self.pages.borrow_mut().entry(page).or_default().push(mark),
            }
        }
    }

    /// What the purges of these URLs say of `exchange` as an answer to `visit`.
    pub fn judge(&self, city: &City, urls: [&str; 2], exchange: &Exchange, visit: &Visit, manner: Manner) -> Verdict {
        let (by_url, by_page) = (self.urls.borrow(), self.pages.borrow());
        let mut verdict = Verdict::default();
        let of_urls = urls.iter().filter_map(|url| by_url.get(*url));
        let known = of_urls.chain(by_page.get(&exchange.page)).flatten();
        for mark in known.filter(|mark| mark.reaches(city, visit, manner)) {
            verdict.reached = true;
            verdict.from_afar |= mark.home != visit.home.id;
            if mark.covers(exchange) {
                let by = if mark.is_soft { &mut verdict.softly_purged_by } else { &mut verdict.purged_by };
                *by = Some(mark.request);
            }
            if !mark.is_blind(exchange) {
                verdict.least_version = verdict.least_version.max(mark.version);
            }
        }
        verdict
    }

    /// Whether `sid` did something since `exchange`, and `visit` should know. Another deployment may know the visitor by another key.
    pub fn acted_since(
        &self,
        city: &City,
        sid: &'static str,
        exchange: &Exchange,
        visit: &Visit,
        manner: Manner,
    ) -> bool {
        let acted = self.acted.borrow();
        let mut own = acted.get(sid).into_iter().flatten().filter(|mark| mark.deployment == visit.home.deployment);
        own.any(|mark| mark.reaches(city, visit, manner) && mark.covers(exchange))
    }
}

/// Whether the purge names what is stored. A broken configuration does not know which parameters make no difference.
fn is_purged_by_name(city: &City, home: &Home, route: &str) -> bool {
    !city.deployments[home.deployment].is_broken() || route != "/q"
}
