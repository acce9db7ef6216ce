//! The origin: what it answers, how it fails, and what it remembers of each exchange so that answers can be checked.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use bytes::Bytes;
use http::header::{
    ACCEPT_LANGUAGE, ACCEPT_RANGES, AUTHORIZATION, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION,
    CONTENT_RANGE, COOKIE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    LAST_MODIFIED, LOCATION, RANGE, RETRY_AFTER, SET_COOKIE, VARY,
};
use http::{Method, StatusCode};
use larder::engine::ports::FetchError;
use larder::fields::Timestamp;
use larder::message::ResponseHead;

use super::chance::Chance;
use super::site::{Kind, PUBLIC, Page, Representation, Terms};
use super::weather::Mood;

/// Names the exchange that the fields of a response are from.
pub const EXCHANGE: HeaderName = HeaderName::from_static("x-exchange");

/// Who asks, under which configuration, by which clock.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    pub request: u64,
    /// Whether its isolate knew of the ledger: what it stored before that is lost when it does.
    pub is_informed: bool,
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
        let version = of.version();
        let shown = of.represent(owner, language, query);
        let mut headers = HeaderMap::with_capacity(12);
        let mut say = |name: HeaderName, value: &str| {
            headers.insert(name, HeaderValue::from_str(value).expect("a field value"));
        };
        let control = version.terms.cache_control();
        if !control.is_empty() {
            say(CACHE_CONTROL, &control);
        }
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

/// An answer in the making.
struct Sketch {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    terms: Terms,
    shown: Rc<Representation>,
    saw_sid: Option<&'static str>,
    failed: bool,
    changes: Vec<usize>,
}

impl Sketch {
    fn get(&mut self, headers: &HeaderMap, page: &Page) {
        let length = self.shown.body.len() as u64;
        let tag = self.headers.get(ETAG).cloned();
        let matches = |name| text(headers, name).zip(tag.as_ref()).is_some_and(|(text, tag)| text == tag);
        let since = text(headers, IF_MODIFIED_SINCE).and_then(|text| Timestamp::parse(text, Timestamp::default()));
        let unmodified = page.kind == Kind::Modified
            && !headers.contains_key(IF_NONE_MATCH)
            && since.is_some_and(|since| self.shown.modified / 1000 * 1000 <= since.as_millis());
        if self.status == 200 && (matches(IF_NONE_MATCH) || unmodified) {
            self.status = 304;
            self.headers.remove(CONTENT_LANGUAGE);
            return;
        }
        self.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        self.body = self.shown.body.clone();
        if page.kind != Kind::Large || self.status != 200 {
            return;
        }
        self.headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let applies = !headers.contains_key(IF_RANGE) || matches(IF_RANGE);
        let Some(range) = text(headers, RANGE).filter(|_| applies).and_then(|range| single(range, length)) else {
            return;
        };
        let content_range = if range.is_empty() {
            (self.status, self.body) = (416, Bytes::new());
            format!("bytes */{length}")
        } else {
            self.status = 206;
            self.body = self.body.slice(range.start as usize..range.end as usize);
            format!("bytes {}-{}/{length}", range.start, range.end - 1)
        };
        self.headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        self.headers.insert(CONTENT_RANGE, HeaderValue::from_str(&content_range).expect("a field value"));
    }

    /// A form was sent, and the answer is the page as it is now.
    fn show_change(&mut self, target: &str) {
        self.body = self.shown.body.clone();
        self.headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        self.headers.insert(CONTENT_LOCATION, HeaderValue::from_str(target).expect("a field value"));
    }

    /// A form was sent.
    fn post(&mut self, origin: &Origin, page: usize, status: u16, chance: &Chance) {
        self.status = status;
        self.headers = HeaderMap::new();
        self.terms = Terms::default();
        if status == 403 {
            return;
        }
        self.changes = vec![page];
        if status == 303 {
            // To a page that shows what was entered.
            let next = chance.below(origin.pages.len() as u64) as usize;
            let shows = &origin.pages[next];
            let query = shows.query.map_or(String::new(), |query| format!("?{query}"));
            let is_near = shows.host == origin.pages[page].host;
            let host = if is_near { String::new() } else { format!("https://{}", shows.host) };
            let location = format!("{host}{}{query}", shows.path);
            self.headers.insert(LOCATION, HeaderValue::from_str(&location).expect("a field value"));
            if is_near && next != page {
                self.changes.push(next);
            }
        }
    }

    fn fail(&mut self, page: &Page, query: &str, serial: u64, chance: &Chance) {
        let status = chance.pick(&[500, 502, 503]);
        self.shown = page.fail(query, status, serial);
        (self.status, self.body, self.failed) = (status, self.shown.body.clone(), true);
        self.terms = Terms::default();
        self.headers = HeaderMap::new();
        if chance.percent(20) {
            self.headers.insert(RETRY_AFTER, HeaderValue::from(chance.below(30)));
        }
        if chance.percent(20) {
            self.terms.max_age = Some(5);
            self.headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=5"));
        }
        self.headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
    }

    /// Says something that cannot be; whether that is a failure.
    fn garble(&mut self, page: &Page, now: u64, chance: &Chance) -> bool {
        const TEN_YEARS: u64 = 315_360_000_000;
        match chance.below(4) {
            0 => {
                let date = Timestamp::from_millis(now + TEN_YEARS).to_http_date();
                self.headers.insert(DATE, HeaderValue::from_str(&date).expect("a date"));
                false
            }
            1 => {
                let date = Timestamp::from_millis(now - TEN_YEARS).to_http_date();
                self.headers.insert(DATE, HeaderValue::from_str(&date).expect("a date"));
                false
            }
            // It names what it means, so that nobody takes it for what they have.
            2 if self.headers.contains_key(ETAG) && page.kind != Kind::Modified => {
                (self.status, self.body) = (304, Bytes::new());
                true
            }
            _ if self.status == 200 => {
                self.status = chance.pick(&[101, 600, 999]);
                true
            }
            _ => false,
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

/// `bytes=a-b`, `bytes=a-`, `bytes=-n`; an empty range if there is no such part.
fn single(range: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-').filter(|_| !range.contains(','))?;
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) => first..(last + 1).min(length),
        (Ok(first), Err(_)) => first..length,
        (Err(_), Ok(suffix)) => length.saturating_sub(suffix)..length,
        (Err(_), Err(_)) => return None,
    };
    Some(if range.start < length { range } else { 0..0 })
}

fn text(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
