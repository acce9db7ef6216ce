//! Who comes, what they ask for, and what becomes of it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, Method};
use larder::engine::ports::Body;
use larder::engine::{Arrival, Deferred, Engine, Response};
use larder::url::CanonicalUrl;

use super::chance::Chance;
use super::city::{City, Context, Home};
use super::invariants::{Seen, check};
use super::origin::url_key;
use super::ports::Wires;
use super::site::{Kind, Page};
use crate::support::headers;

/// Somebody.
pub struct Visitor {
    pub name: &'static str,
    pub cookies: &'static str,
    pub credentials: bool,
    /// Who that is for the site.
    pub sid: Option<&'static str>,
    /// Whose pages they may see, beside everybody's.
    pub identities: &'static [&'static str],
}

const fn visitor(
    name: &'static str,
    cookies: &'static str,
    sid: Option<&'static str>,
    identities: &'static [&'static str],
) -> Visitor {
    Visitor { name, cookies, credentials: false, sid, identities }
}

const NOBODY: usize = 0;

pub static VISITORS: [Visitor; 9] = [
    visitor("nobody", "", None, &[]),
    visitor("tracked", "_ga=GA1.2.3", None, &[]),
    visitor("alice", "sid=alice", Some("sid=alice"), &["sid=alice"]),
    visitor("bob", "_ga=GA1.1; sid=bob", Some("sid=bob"), &["sid=bob"]),
    visitor("stranger", "sid=mallory; theme=dark", Some("sid=mallory"), &[]),
    visitor("both", "sid=alice; sid=bob", None, &["sid=alice", "sid=bob"]),
    visitor("free", "plan=free", None, &["plan=free"]),
    visitor("pro", "plan=pro; sid=alice", Some("sid=alice"), &["plan=pro", "sid=alice"]),
    Visitor { name: "carol", cookies: "", credentials: true, sid: None, identities: &["credentials"] },
];

/// How often each of them comes.
const OFTEN: [(u64, usize); 9] = [(50, 0), (5, 1), (14, 2), (10, 3), (3, 4), (1, 5), (4, 6), (5, 7), (4, 8)];

/// What a visitor has of a page: its validators, and the bytes.
#[derive(Clone)]
pub struct Copy {
    etag: Option<String>,
    modified: Option<String>,
    pub body: Bytes,
}

/// What the visitors have.
#[derive(Default)]
pub struct Shelf(RefCell<BTreeMap<(usize, usize), Copy>>);

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
    pub copy: Option<Copy>,
    /// Seconds beyond its lifetime that are welcome.
    pub max_stale: u64,
    pub answered: Cell<Option<u64>>,
    pub work_left: Cell<u32>,
    /// Whether the body is read, and everything done.
    is_done: Cell<bool>,
}

/// How long a request may take: two lookups through all tiers and their variants, the wait for others in this isolate and in the next,
/// two questions to the origin, a body to complete a part with.
pub const LONGEST_WAIT: u64 = 45_000;

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

/// Somebody asks `home` for `page`.
pub fn draw_visit(city: &Rc<City>, shelf: &Rc<Shelf>, number: u64, home: Rc<Home>, page: usize) -> Rc<Visit> {
    let chance = &city.chance;
    let who = chance.weighted(&OFTEN);
    let visitor = &VISITORS[who];
    let of = &city.origin.pages[page];
    let method = chance.weighted(&[(90, Method::GET.as_str()), (4, "HEAD"), (6, "POST")]);
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let mut fields: Vec<(&str, String)> = Vec::new();
    if !visitor.cookies.is_empty() {
        fields.push(("cookie", visitor.cookies.to_owned()));
    }
    if visitor.credentials {
        fields.push(("authorization", "Basic Y2Fyb2w6c2VjcmV0".to_owned()));
    }
    if chance.percent(if of.kind == Kind::Lingual { 80 } else { 5 }) {
        fields.push(("accept-language", chance.pick(&["en", "de", "de, en;q=0.5", "fr"]).to_owned()));
    }
    let copy = shelf.0.borrow().get(&(who, page)).cloned().filter(|_| chance.percent(15));
    if let Some(copy) = &copy {
        let (tag, modified) = (copy.etag.clone(), copy.modified.clone());
        fields.extend(tag.map(|tag| (IF_NONE_MATCH.as_str(), tag)));
        fields.extend(modified.map(|modified| (IF_MODIFIED_SINCE.as_str(), modified)));
    }
    if of.kind == Kind::Large && method == Method::GET && chance.percent(50) {
        let ranges = ["bytes=0-99", "bytes=100-", "bytes=-50", "bytes=0-0", "bytes=100-299", "bytes=5000-"];
        let several = ["bytes=0-9,20-29", "bytes=0-400"];
        fields.push(("range", chance.pick(if chance.percent(85) { &ranges } else { &several }).to_owned()));
        let tag = shelf.0.borrow().get(&(who, page)).and_then(|copy| copy.etag.clone());
        fields.extend(tag.filter(|_| chance.percent(30)).map(|tag| ("if-range", tag)));
    }
    let wish = chance.weighted(&[
        (84, ""),
        (3, "no-cache"),
        (3, "max-age=0"),
        (3, "max-stale=30"),
        (2, "min-fresh=10"),
        (2, "no-store"),
        (2, "only-if-cached"),
        (1, "max-age=10"),
    ]);
    if !wish.is_empty() {
        fields.push((CACHE_CONTROL.as_str(), wish.to_owned()));
    }
    if chance.percent(2) {
        fields.push((chance.pick(&["x-new", "x-requested-with"]), "1".to_owned()));
    }
    let query = draw_query(of, chance);
    let is_plain = who == NOBODY && method == Method::GET && fields.is_empty();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let context = Context {
        request: number,
        ended: Rc::default(),
        over: Cell::new(None),
        tasks: RefCell::default(),
        signals: RefCell::default(),
        exchanges: Cell::new(0),
        is_plain,
    };
    Rc::new(Visit {
        visitor,
        url: url_key(of.host, &of.path, &query),
        home,
        page,
        method,
        headers: headers(&fields),
        query,
        start: city.clock.now(),
        tick: city.origin.tick(),
        context: Rc::new(context),
        copy,
        max_stale: if wish == "max-stale=30" { 30 } else { 0 },
        answered: Cell::new(None),
        work_left: Cell::new(0),
        is_done: Cell::new(false),
    })
}

/// The page's query as people write it: in another order where that does not matter, with what makes no difference.
fn draw_query(page: &Page, chance: &Chance) -> String {
    let mut pairs: Vec<_> = page.query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).collect();
    if page.route == "/q" {
        if chance.percent(30) {
            pairs.reverse();
        }
        if chance.percent(30) {
            pairs.push("utm_source=letter");
        }
    }
    if page.kind == Kind::Search {
        pairs.push(chance.pick(&["v=1", "v=2", "v=3"]));
    }
    pairs.join("&")
}

/// Sends it on its way.
pub fn begin(city: &Rc<City>, shelf: &Rc<Shelf>, visit: Rc<Visit>) {
    city.tell(|| visit.describe(&city.origin.pages[visit.page]));
    city.watch.count(|counts| counts.visits += 1);
    city.watch.opened(visit.clone());
    if !visit.is_plain() {
        city.watch.disturbs(visit.home.id, visit.page, visit.context.clone());
    }
    if visit.method == Method::HEAD {
        city.watch.unlearn(visit.home.id, visit.page);
    }
    let task = city.clock.spawn(run(city.clone(), shelf.clone(), visit.clone()));
    visit.context.tasks.borrow_mut().push(task);
}

async fn run(city: Rc<City>, shelf: Rc<Shelf>, visit: Rc<Visit>) {
    let page = &city.origin.pages[visit.page];
    let wires = Wires { city: city.clone(), home: visit.home.clone(), context: visit.context.clone() };
    let wires = Rc::new(wires);
    let settings = city.deployments[visit.home.deployment].settings.clone();
    let engine = Engine::new(wires.clone(), settings, visit.home.isolate.clone());
    let question = if visit.query.is_empty() { String::new() } else { format!("?{}", visit.query) };
    let url = CanonicalUrl::parse(&format!("https://{}{}{question}", page.host, page.path), Some(page.host));
    let arrival = Arrival { method: visit.method.clone(), url, headers: visit.headers.clone(), body: Body::Empty };
    let outcome = engine.handle(arrival).await;
    let now = city.clock.now();
    visit.answered.set(Some(now));
    city.watch.count(|counts| counts.longest = counts.longest.max(now - visit.start));
    let Response { status, headers, body, .. } = outcome.response;
    if let Some(exchange) = city.origin.exchange(&headers).filter(|_| !visit.method.is_safe()) {
        city.watch.acknowledge(&city, &visit, &exchange);
    }
    if visit.method != Method::GET {
        city.watch.unlearn(visit.home.id, visit.page);
    }
    // Nothing took any time, and nothing is left to do: it was in the isolate's own memory.
    let was_near = now == visit.start && outcome.deferred.is_empty();
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
            world.watch.unlearn(own.home.id, own.page);
        }
        finish(&world, &own);
    });
    visit.context.tasks.borrow_mut().push(task);
}

fn finish(city: &City, visit: &Visit) {
    if visit.is_done.get() && visit.work_left.get() == 0 {
        visit.context.over.set(Some(city.clock.now()));
    }
}

/// The visitor keeps what they got, to ask with a condition the next time.
fn remember(shelf: &Shelf, visit: &Visit, seen: &Seen) {
    let Some(body) = seen.body.clone().filter(|_| seen.status == 200 && visit.method == Method::GET) else { return };
    let field = |name| seen.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let copy = Copy { etag: field(ETAG), modified: field(LAST_MODIFIED), body };
    let who = VISITORS.iter().position(|visitor| visitor.name == visit.visitor.name).unwrap_or_default();
    shelf.0.borrow_mut().insert((who, visit.page), copy);
}
