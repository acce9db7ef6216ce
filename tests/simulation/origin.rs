//! The origin: what it answers, how it fails, and what it remembers of each exchange so that answers can be checked.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;
use http::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_LANGUAGE, COOKIE, ETAG, HeaderMap, HeaderName, HeaderValue,
    LAST_MODIFIED, LOCATION, SET_COOKIE, VARY,
};
use http::{Method, StatusCode};
use larder::engine::ports::FetchError;
use larder::fields::Timestamp;
use larder::message::ResponseHead;

use super::chance::Chance;
use super::city::Told;
use super::site::{Kind, PUBLIC, Page, Representation, Terms};
use super::sketch::Sketch;
use super::weather::Mood;

/// Names the exchange that the fields of a response are from.
pub const EXCHANGE: HeaderName = HeaderName::from_static("x-exchange");

/// Who asks, under which configuration, by which clock.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    pub request: u64,
    /// The isolate.
    pub home: u64,
    /// What it had heard of the ledger.
    pub told: Option<Told>,
    pub deployment: usize,
    /// What its clock shows.
    pub reading: u64,
}

/// What the origin was asked, and said.
pub struct Exchange {
    pub asker: Asker,
    pub method: Method,
    /// Which page.
    pub page: usize,
    /// The URL, as [`url_key`] writes it.
    pub url: String,
    pub at: u64,
    /// Its place among all events.
    pub tick: u64,
    pub status: u16,
    pub shown: Rc<Representation>,
    pub terms: Terms,
    /// Who the origin saw to be signed in.
    pub saw_sid: Option<&'static str>,
    pub saw_credentials: bool,
    /// Whether something went wrong.
    pub failed: bool,
    /// When its answer began.
    pub answered: Cell<u64>,
    /// The same, among all events.
    pub answered_tick: Cell<u64>,
    /// What an unsafe request changed: pages, and the versions they have since.
    pub changed: RefCell<Vec<(usize, u32)>>,
}

/// The end of a body under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Whole,
    BreaksOff,
    Stalls,
}

/// What comes back, and after how long.
pub struct Reply {
    pub delay: u64,
    pub result: Result<ResponseHead, FetchError>,
    pub body: Bytes,
    pub end: End,
    pub exchange: Rc<Exchange>,
    pub changes: Vec<usize>,
}

#[derive(Default)]
pub struct Origin {
    pub pages: Vec<Page>,
    exchanges: RefCell<Vec<Rc<Exchange>>>,
    ticks: Cell<u64>,
    /// Whether it shows what pages were before they changed.
    pub lags: Cell<bool>,
    /// Until when an exchange that went wrong may be felt, whatever it was about.
    pub trouble: Cell<u64>,
}

/// What there is of a request for the origin to see.
pub struct Question<'q> {
    pub method: &'q Method,
    pub path: &'q str,
    pub headers: &'q HeaderMap,
    pub asker: Asker,
}

impl Origin {
    pub fn new(pages: Vec<Page>) -> Self {
        Self { pages, ..Self::default() }
    }

    /// Orders events that happen in the same millisecond.
    pub fn tick(&self) -> u64 {
        self.ticks.set(self.ticks.get() + 1);
        self.ticks.get()
    }

    pub fn exchange(&self, headers: &HeaderMap) -> Option<Rc<Exchange>> {
        let number: usize = headers.get(EXCHANGE)?.to_str().ok()?.parse().ok()?;
        self.exchanges.borrow().get(number).cloned()
    }

    /// The page that a target names. Parameters that make no difference do not count.
    fn page_at(&self, host: &str, path: &str, query: &str) -> Option<usize> {
        let query = significant(query);
        self.pages.iter().position(|page| {
            page.host == host && page.path == path && significant(page.query.unwrap_or_default()) == query
        })
    }

    pub fn answer(&self, question: &Question, mood: Mood, now: u64, chance: &Chance) -> Reply {
        let Question { method, path: target, headers, asker } = question;
        let host = text(headers, "x-forwarded-host").unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let page = self.page_at(host, path, query).unwrap_or_else(|| panic!("there is no {host}{target}"));
        let delay = if chance.percent(40) { 0 } else { chance.between(1, 300) };
        let delay = delay + if chance.percent(60) && mood.slow > 0 { chance.below(mood.slow) } else { 0 };
        let refused = chance.percent(mood.refuses);
        let silent = chance.percent(mood.silent);
        let fails = chance.percent(mood.errors);
        let posted = (**method == Method::POST).then(|| chance.weighted(&[(45, 204), (25, 303), (20, 200), (10, 403)]));
        // An answer that shows what the page is now is made after the change, the others before or after it.
        let at_once = (posted == Some(200) && !refused && !fails).then(|| self.pages[page].change(now, chance));
        let mut sketch = self.sketch(page, query, question);
        match posted {
            _ if fails => sketch.fail(&self.pages[page], query, self.ticks.get(), chance),
            Some(200) => sketch.show_change(target),
            Some(status) => sketch.post(self, page, status, chance),
            None => sketch.get(headers, &self.pages[page]),
        }
        let mut failed = refused || silent || sketch.failed;
        let mut end = End::Whole;
        if chance.percent(mood.breaks_off) && !sketch.body.is_empty() {
            end = chance.pick(&[End::BreaksOff, End::Stalls]);
            failed = true;
        }
        if chance.percent(mood.nonsense) && self.pages[page].kind != Kind::Steady {
            failed |= sketch.garble(&self.pages[page], now, chance);
        }
        let number = self.exchanges.borrow().len();
        sketch.headers.insert(EXCHANGE, HeaderValue::from(number));
        let exchange = Rc::new(Exchange {
            asker: *asker,
            method: (*method).clone(),
            page,
            url: url_key(host, path, query),
            at: now,
            tick: self.tick(),
            status: sketch.status,
            terms: sketch.terms,
            saw_sid: sketch.saw_sid,
            saw_credentials: headers.contains_key(AUTHORIZATION),
            failed,
            answered: Cell::new(now),
            answered_tick: Cell::default(),
            changed: RefCell::new(at_once.into_iter().map(|version| (page, version)).collect()),
            shown: sketch.shown,
        });
        self.exchanges.borrow_mut().push(exchange.clone());
        let result = if refused {
            Err(FetchError::Unreachable)
        } else {
            let status = StatusCode::from_u16(sketch.status).expect("a status");
            Ok(ResponseHead { status, headers: sketch.headers })
        };
        let delay = if silent { u64::MAX } else { delay };
        let changes = if refused { Vec::new() } else { sketch.changes };
        Reply { delay, result, body: sketch.body, end, exchange, changes }
    }

    fn sketch(&self, page: usize, query: &str, question: &Question) -> Sketch {
        let of = &self.pages[page];
        let cookies = text(question.headers, COOKIE).unwrap_or_default();
        let (owner, saw_sid) = owner(of.kind, cookies, text(question.headers, AUTHORIZATION));
        let wanted = text(question.headers, ACCEPT_LANGUAGE);
        let language = if of.kind == Kind::Lingual { choose(wanted) } else { "en" };
        let version = if self.lags.get() { of.version_before() } else { of.version() };
        let shown = of.represent(&version, owner, language, query);
        let mut headers = HeaderMap::with_capacity(12);
        let mut say = |name: HeaderName, value: &str| {
            headers.insert(name, HeaderValue::from_str(value).expect("a field value"));
        };
        let control = version.terms.cache_control();
        if !control.is_empty() {
            say(CACHE_CONTROL, &control);
        }
        say(HeaderName::from_static("cache-tag"), &of.tag());
        if let Some(tag) = shown.etag(of.kind) {
            say(ETAG, &tag);
        }
        if of.kind == Kind::Modified {
            say(LAST_MODIFIED, &Timestamp::from_millis(version.modified).to_http_date());
        }
        if of.kind == Kind::Lingual {
            say(CONTENT_LANGUAGE, language);
            say(VARY, "Accept-Language");
        }
        if version.terms.varies_by_cookie {
            say(VARY, "Cookie");
        }
        if of.kind == Kind::Search {
            say(HeaderName::from_static("no-vary-search"), "params=(\"v\")");
        }
        if version.terms.sets_cookie {
            say(SET_COOKIE, "sid=renewed; Path=/");
        }
        if version.status == 301 {
            say(LOCATION, "/elsewhere");
        }
        Sketch {
            status: version.status,
            headers,
            body: Bytes::new(),
            terms: version.terms.clone(),
            shown,
            saw_sid,
            failed: false,
            changes: Vec::new(),
        }
    }

    /// An unsafe request takes effect.
    pub fn apply(&self, changes: &[usize], exchange: &Exchange, now: u64, chance: &Chance) {
        for &page in changes {
            let version = self.pages[page].change(now, chance);
            exchange.changed.borrow_mut().push((page, version));
        }
    }
}

/// Who a page is for, as the origin sees it, and whether it saw who is signed in.
fn owner(kind: Kind, cookies: &str, credentials: Option<&str>) -> (&'static str, Option<&'static str>) {
    let has = |pair: &str| cookies.split("; ").any(|cookie| cookie == pair);
    let sid = ["sid=alice", "sid=bob", "sid=mallory"].into_iter().find(|sid| has(sid));
    // Nobody is signed in as mallory.
    let known = sid.filter(|sid| *sid != "sid=mallory");
    let owner = match kind {
        Kind::Personal => known.or(credentials.map(|_| "credentials")),
        Kind::Classed if has("plan=pro") => Some("plan=pro"),
        Kind::Classed if has("plan=free") => Some("plan=free"),
        _ => None,
    };
    (owner.unwrap_or(PUBLIC), sid)
}

/// The language to answer in.
pub fn choose(wanted: Option<&str>) -> &'static str {
    let languages = wanted.unwrap_or_default().split([',', ';']).map(str::trim);
    languages
        .filter_map(|language| match language {
            "de" => Some("de"),
            "en" => Some("en"),
            _ => None,
        })
        .next()
        .unwrap_or("en")
}

/// Names a URL; parameters that no route shows the origin do not count.
pub fn url_key(host: &str, path: &str, query: &str) -> String {
    let mut pairs: Vec<_> = query.split('&').filter(|pair| !pair.starts_with("utm_")).collect();
    pairs.sort_unstable();
    format!("{host}{path}?{}", pairs.join("&"))
}

/// A query without the parameters that make no difference, in order.
pub fn significant(query: &str) -> Vec<&str> {
    let matters = |pair: &&str| !pair.is_empty() && !pair.starts_with("utm_") && !pair.starts_with("v=");
    let mut pairs: Vec<_> = query.split('&').filter(matters).collect();
    pairs.sort_unstable();
    pairs
}

pub fn text(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
