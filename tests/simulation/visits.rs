//! One request of somebody's: its way through the engine, and what is left of it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use http::header::{ETAG, LAST_MODIFIED};
use http::{HeaderMap, Method};
use larder::engine::ports::Body;
use larder::engine::{Arrival, Deferred, Engine, Response};
use larder::url::CanonicalUrl;

use super::city::{City, Context, Home};
use super::invariants::{Seen, check, learn_stored};
use super::origin::Exchange;
use super::ports::Wires;
use super::sabotage::Sabotage;
use super::site::Page;
use super::wishes::{VISITORS, Visitor};

/// What a visitor has of a page: its validators, and the bytes.
#[derive(Clone)]
pub struct Kept {
    pub etag: Option<String>,
    pub modified: Option<String>,
    pub body: Bytes,
}

/// What the visitors have.
#[derive(Default)]
pub struct Shelf(RefCell<BTreeMap<(usize, usize), Kept>>);

impl Shelf {
    /// What somebody has of a page.
    pub fn find(&self, who: usize, page: usize) -> Option<Kept> {
        self.0.borrow().get(&(who, page)).cloned()
    }
}

/// One request of somebody's.
pub struct Visit {
    pub visitor: &'static Visitor,
    pub home: Rc<Home>,
    pub page: usize,
    pub method: Method,
    pub headers: HeaderMap,
    pub query: String,
    /// The URL, as the purges name it.
    pub url: String,
    pub start: u64,
    pub tick: u64,
    pub context: Rc<Context>,
    /// What the visitor had when they asked with a condition.
    pub copy: Option<Kept>,
    /// Seconds beyond its lifetime that are welcome.
    pub max_stale: u64,
    pub answered: Cell<Option<u64>>,
    pub work_left: Cell<u32>,
    /// The exchange whose answer its work stores.
    pub brings: RefCell<Option<Rc<Exchange>>>,
    /// Whether the body is read, and everything done.
    pub is_done: Cell<bool>,
}

/// How long a request may take, with three seconds for the origin to answer: two lookups through all tiers and their variants, the wait
/// for others in this isolate and for those in the next, who may be gone, two questions to the origin, a body to complete a part with.
/// Where the configuration is broken the origin has half a minute, and nothing else takes any time.
pub const LONGEST_WAIT: u64 = 32_000;

/// How long work may take after that: the runtime grants half a minute.
pub const LONGEST_WORK: u64 = 32_000;

impl Visit {
    pub fn is_over(&self) -> bool {
        self.context.over.get().is_some()
    }

    pub fn is_plain(&self) -> bool {
        self.context.is_plain
    }

    /// What is late, if anything is.
    pub fn lateness(&self, now: u64) -> Option<String> {
        if self.is_over() {
            return None;
        }
        let request = self.context.request;
        match self.answered.get() {
            None => (now > self.start + LONGEST_WAIT)
                .then(|| format!("request {request} is not answered after {} ms", now - self.start)),
            Some(at) => (self.work_left.get() > 0 && now > at + LONGEST_WORK)
                .then(|| format!("work of request {request} is not done {} ms after the answer", now - at)),
        }
    }

    fn describe(&self, page: &Page) -> String {
        let fields = self.headers.iter().map(|(name, value)| format!(" {name}: {}", value.to_str().unwrap_or("?")));
        format!(
            "[{}] {} at isolate {}: {} {}{}{}{}",
            self.context.request,
            self.visitor.name,
            self.home.id,
            self.method,
            page.host,
            page.path,
            if self.query.is_empty() { String::new() } else { format!("?{}", self.query) },
            fields.collect::<String>()
        )
    }
}

/// Sends it on its way.
pub fn begin(city: &Rc<City>, shelf: &Rc<Shelf>, visit: Rc<Visit>) {
    city.tell(|| visit.describe(&city.origin.pages[visit.page]));
    city.watch.count(|counts| counts.visits += 1);
    city.watch.opened(visit.clone());
    if !visit.is_plain() {
        city.watch.load.disturb(&visit.home, visit.page, &visit.context);
    }
    if visit.method == Method::HEAD {
        city.watch.unlearn(&visit, city.origin.tick());
    }
    let task = city.clock.spawn(run(city.clone(), shelf.clone(), visit.clone()));
    visit.context.tasks.borrow_mut().push(task);
}

async fn run(city: Rc<City>, shelf: Rc<Shelf>, visit: Rc<Visit>) {
    let page = &city.origin.pages[visit.page];
    let wires = Wires { city: city.clone(), home: visit.home.clone(), context: visit.context.clone() };
    let wires = Rc::new(wires);
    let settings = city.deployments[visit.home.deployment].settings.clone();
    let is_alone = city.sabotage == Sabotage::EveryoneIsAlone;
    let isolate = if is_alone { Rc::default() } else { visit.home.isolate.clone() };
    let engine = Engine::new(wires.clone(), settings, isolate);
    let question = if visit.query.is_empty() { String::new() } else { format!("?{}", visit.query) };
    let url = CanonicalUrl::parse(&format!("https://{}{}{question}", page.host, page.path), Some(page.host));
    let arrival =
        Arrival { method: visit.method.clone(), url, headers: visit.headers.clone(), body: Body::Empty, again: false };
    let outcome = engine.handle(arrival).await;
    let now = city.clock.now();
    visit.answered.set(Some(now));
    city.watch.count(|counts| counts.longest = counts.longest.max(now - visit.start));
    let Response { status, headers, body, .. } = outcome.response;
    if let Some(exchange) = city.origin.exchange(&headers).filter(|_| !visit.method.is_safe()) {
        let acknowledged = city.watch.purges.acknowledge(&city, &visit, &exchange);
        city.watch.count(|counts| counts.acknowledged += u64::from(acknowledged));
    }
    if visit.method != Method::GET {
        city.watch.unlearn(&visit, city.origin.tick());
    }
    // Nobody was asked or waited for: it was in the isolate's own memory.
    let was_near = !visit.context.went_far.get() && !outcome.report.collapsed;
    visit.brings.replace(city.origin.exchange(&headers).filter(|_| outcome.report.stored));
    for deferred in outcome.deferred {
        take_up(&city, &visit, engine.clone(), deferred);
    }
    let body = wires.read_body(body).await;
    let seen = Seen { status: status.as_u16(), headers, body, was_near };
    city.tell(|| seen.describe(&visit));
    check(&city, &visit, &seen);
    remember(&shelf, &visit, &seen);
    visit.is_done.set(true);
    finish(&city, &visit);
}

/// Work that is left: usually it is done.
fn take_up(city: &Rc<City>, visit: &Rc<Visit>, engine: Engine<Wires>, deferred: Deferred<Wires>) {
    if city.chance.percent(city.weather.neglect.get()) {
        city.tell(|| format!("    [{}] work is left undone", visit.context.request));
        visit.brings.take();
        return;
    }
    visit.work_left.set(visit.work_left.get() + 1);
    let (world, own) = (city.clone(), visit.clone());
    let task = city.clock.spawn(async move {
        engine.run(deferred).await;
        own.work_left.set(own.work_left.get() - 1);
        let took = world.clock.now() - own.answered.get().unwrap_or_default();
        world.watch.count(|counts| counts.longest_work = counts.longest_work.max(took));
        if own.method != Method::GET {
            world.watch.unlearn(&own, world.origin.tick());
        }
        finish(&world, &own);
    });
    visit.context.tasks.borrow_mut().push(task);
}

fn finish(city: &City, visit: &Visit) {
    if visit.is_done.get() && visit.work_left.get() == 0 {
        visit.context.over.set(Some(city.clock.now()));
        if let Some(exchange) = visit.brings.take() {
            learn_stored(city, visit, &exchange);
        }
    }
}

/// The visitor keeps what they got, to ask with a condition the next time.
fn remember(shelf: &Shelf, visit: &Visit, seen: &Seen) {
    let Some(body) = seen.body.clone().filter(|_| seen.status == 200 && visit.method == Method::GET) else { return };
    let field = |name| seen.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let copy = Kept { etag: field(ETAG), modified: field(LAST_MODIFIED), body };
    let who = VISITORS.iter().position(|visitor| visitor.name == visit.visitor.name).unwrap_or_default();
    shelf.0.borrow_mut().insert((who, visit.page), copy);
}
