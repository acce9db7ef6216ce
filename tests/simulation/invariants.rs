//! What holds for every answer, whatever happened: told from the marks that the origin left in fields and body.

use bytes::Bytes;
use http::Method;
use http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, RANGE, SET_COOKIE,
};

use super::city::City;
use super::deployments::Rules;
use super::origin::{Exchange, choose, significant};
use super::site::{Kind, MAGIC, Marker, PUBLIC, Page};
use super::visits::Visit;
use super::watch::{FELT_FOR, Invariant};

/// What a visitor saw.
pub struct Seen {
    pub status: u16,
    pub headers: HeaderMap,
    /// `None` if the body visibly broke off.
    pub body: Option<Bytes>,
    /// Whether it took no time and left no work.
    pub was_near: bool,
}

/// Ages are whole seconds, rounded down twice on the way.
const ROUNDING: u64 = 3000;

impl Seen {
    fn text(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn length(&self) -> Option<usize> {
        self.text(CONTENT_LENGTH).and_then(|text| text.parse().ok())
    }

    pub fn describe(&self, visit: &Visit) -> String {
        let field = |name: &'static str| self.text(HeaderName::from_static(name)).unwrap_or("-");
        let whole = self.body.as_deref().map(|body| String::from_utf8_lossy(&body[..body.len().min(70)]));
        format!(
            "    [{}] {} {} from exchange {} ({:?})",
            visit.context.request,
            self.status,
            field("cache-status"),
            field("x-exchange"),
            whole.unwrap_or("broken off".into()),
        )
    }
}

/// One invariant that does not hold, and why.
type Finding = Result<(), (Invariant, String)>;

fn holds(condition: bool, invariant: Invariant, what: impl FnOnce() -> String) -> Finding {
    if condition { Ok(()) } else { Err((invariant, what())) }
}

/// Checks an answer.
pub fn check(city: &City, visit: &Visit, seen: &Seen) {
    city.watch.count(|counts| counts.answers += 1);
    let result = match city.origin.exchange(&seen.headers) {
        None => check_own(city, visit, seen),
        Some(exchange) => Answer { city, visit, seen, exchange: &exchange, page: &city.origin.pages[visit.page] }
            .check()
            .map(|()| learn(city, visit, seen, &exchange)),
    };
    if let Err((invariant, what)) = result {
        city.watch.violated(invariant, || format!("request {}: {what}", visit.context.request));
    }
}

/// An answer that no origin gave: only while one failed, and never with anything servable at hand.
fn check_own(city: &City, visit: &Visit, seen: &Seen) -> Finding {
    use Invariant::{Availability, Integrity};
    let page = &city.origin.pages[visit.page];
    let body = seen.body.as_deref().unwrap_or_default();
    let has_mark = body.windows(MAGIC.len()).any(|window| window == MAGIC.as_bytes());
    holds(!has_mark, Integrity, || "a page under fields that are not its own".into())?;
    if demands(visit).contains("only-if-cached") {
        return Ok(());
    }
    holds(seen.status >= 500, Availability, || format!("we answer {} ourselves", seen.status))?;
    let failed = page.trouble.get() + FELT_FOR >= visit.start;
    holds(failed, Availability, || format!("{} of ours, although the origin is well", seen.status))?;
    city.watch.count(|counts| counts.errors += 1);
    holds(!had_servable(city, visit), Availability, || format!("{} of ours, with something servable", seen.status))
}

fn demands(visit: &Visit) -> &str {
    visit.headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether the isolate surely had something in its memory that may be served for as long as this when the origin fails.
fn had_servable(city: &City, visit: &Visit) -> bool {
    let Some(known) = city.watch.knows(visit.home.id, visit.page).filter(|_| visit.is_plain()) else { return false };
    // A clock that is ahead makes everything look older, on arrival and later.
    let age = visit.start.saturating_sub(known.at) + 2 * city.skew + ROUNDING;
    let window = u64::from(known.terms.if_error.unwrap_or_default()) * 1000;
    let purged = city.watch.purge_between([&visit.url, &known.url], &known, visit, false).1.is_some();
    known.at <= visit.start && age < window && !purged
}

/// What was served from memory to somebody who is nobody stays there.
fn learn(city: &City, visit: &Visit, seen: &Seen, exchange: &std::rc::Rc<Exchange>) {
    let page = &city.origin.pages[visit.page];
    let rules = city.rules(&visit.home, page.route);
    if had_servable(city, visit) {
        let fails = page.trouble.get() >= visit.start;
        city.watch.count(|counts| {
            (counts.servable, counts.rescued) = (counts.servable + 1, counts.rescued + u64::from(fails))
        });
    }
    let lasts = page.kind == Kind::Steady && rules.has_memory && !rules.passes && !rules.keys_sid;
    let is_own = exchange.asker.request == visit.context.request;
    if lasts && visit.is_plain() && seen.was_near && !is_own && exchange.status == 200 && exchange.asker.is_informed {
        city.watch.learn(visit.home.id, visit.page, exchange.clone());
    }
}

/// Who may see the answer of an exchange beside who asked.
#[derive(PartialEq, Eq)]
enum Audience {
    Anyone,
    SameSid,
    Asker,
}

fn audience(exchange: &Exchange, rules: &Rules) -> Audience {
    let terms = &exchange.terms;
    let is_page = exchange.status == exchange.shown.status || matches!(exchange.status, 206 | 304);
    let declared = terms.public || terms.must_revalidate;
    let keyed = rules.keys_sid && exchange.saw_sid.is_some();
    match exchange.method {
        _ if rules.passes || !is_page || terms.no_store || terms.sets_cookie => Audience::Asker,
        _ if exchange.saw_credentials && !declared => Audience::Asker,
        _ if terms.private && !(keyed && rules.stores_private) => Audience::Asker,
        _ if keyed => Audience::SameSid,
        _ if exchange.saw_sid.is_some() && !terms.public => Audience::Asker,
        _ => Audience::Anyone,
    }
}

/// Lifetime and the longer of the stale windows, in milliseconds.
fn lifetime(exchange: &Exchange, rules: &Rules) -> (u64, u64) {
    let terms = &exchange.terms;
    if terms.no_cache || rules.passes {
        return (0, 0);
    }
    let given = rules.ttl.filter(|_| rules.forces && exchange.shown.status == 200);
    let stated = terms.max_age.or(given).unwrap_or_default();
    let lifetime = stated.min(rules.max_ttl.unwrap_or(u32::MAX));
    let routes = if terms.max_age == Some(0) { 0 } else { rules.while_revalidate };
    let windows = terms.while_revalidate.unwrap_or(routes).max(terms.if_error.unwrap_or(rules.if_error));
    let windows = if terms.must_revalidate { 0 } else { windows };
    (u64::from(lifetime) * 1000, u64::from(windows) * 1000)
}

/// An answer that some exchange with the origin brought.
struct Answer<'a> {
    city: &'a City,
    visit: &'a Visit,
    seen: &'a Seen,
    exchange: &'a Exchange,
    page: &'a Page,
}

impl Answer<'_> {
    fn check(&self) -> Finding {
        self.check_identity()?;
        self.check_isolation()?;
        match self.seen.status {
            304 => self.check_not_modified()?,
            206 => self.check_part()?,
            416 => self.check_unsatisfiable()?,
            _ => self.check_whole()?,
        }
        if self.is_own() {
            return Ok(());
        }
        self.city.watch.count(|counts| counts.stored += 1);
        self.check_freshness()?;
        self.check_purges()?;
        self.check_order()
    }

    /// Of two answers that an isolate has, the younger one wins.
    fn check_order(&self) -> Finding {
        let rules = self.city.rules(&self.visit.home, self.page.route);
        if !self.city.is_calm
            || !self.seen.was_near
            || !rules.has_memory
            || self.exchange.shown.status != 200
            || self.page.route == "/c"
            || matches!(self.page.kind, Kind::Large | Kind::Lingual)
        {
            return Ok(());
        }
        let whose = self.visit.visitor.sid.filter(|_| rules.keys_sid).unwrap_or_default();
        let younger = self.city.watch.served(self.visit, self.exchange, whose, self.city.origin.tick());
        holds(younger.is_none(), Invariant::NoResurrection, || {
            format!("isolate {} served {:?} before", self.visit.home.id, younger)
        })
    }

    /// Whether this very request brought it.
    fn is_own(&self) -> bool {
        self.exchange.asker.request == self.visit.context.request
    }

    fn check_identity(&self) -> Finding {
        use Invariant::Identity;
        let Exchange { page, shown, .. } = self.exchange;
        holds(*page == self.visit.page, Identity, || format!("the fields are those of {}", self.exchange.url))?;
        if self.page.kind == Kind::Lingual && shown.status == 200 && !self.is_own() {
            let wanted = self.visit.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
            let keys = self.city.rules(&self.visit.home, self.page.route).keys_language;
            let expected = choose(wanted.filter(|_| keys));
            holds(shown.language == expected, Identity, || format!("{} for {wanted:?}", shown.language))?;
        }
        let Some(marker) = self.whole_body().and_then(|body| Marker::read(body)) else { return Ok(()) };
        let is_same = (marker.host, marker.path) == (self.page.host, &self.page.path)
            && significant(marker.query) == significant(&self.visit.query);
        holds(is_same, Identity, || format!("the body is of {}{}?{}", marker.host, marker.path, marker.query))
    }

    fn check_isolation(&self) -> Finding {
        use Invariant::Isolation;
        let (exchange, visitor) = (self.exchange, self.visit.visitor);
        let may_see = |owner: &str| owner == PUBLIC || visitor.identities.contains(&owner);
        holds(may_see(exchange.shown.owner), Isolation, || {
            format!("{} gets the fields for {}", visitor.name, exchange.shown.owner)
        })?;
        if let Some(marker) = self.whole_body().and_then(|body| Marker::read(body)) {
            holds(may_see(marker.owner), Isolation, || format!("{} gets the page of {}", visitor.name, marker.owner))?;
        }
        if self.is_own() {
            return Ok(());
        }
        let sets = self.seen.headers.contains_key(SET_COOKIE);
        holds(!sets, Isolation, || format!("{} gets a cookie that was set for another", visitor.name))?;
        let asked_under = self.city.deployments[exchange.asker.deployment].rules(self.page.route);
        let fits = match audience(exchange, asked_under) {
            Audience::Anyone => true,
            Audience::SameSid => visitor.sid == exchange.saw_sid,
            Audience::Asker => false,
        };
        holds(fits, Isolation, || {
            let (asker, terms) = (exchange.asker.request, exchange.terms.cache_control());
            format!("{} gets what was for request {asker} alone ({terms})", visitor.name)
        })?;
        self.city.watch.count(|counts| counts.owned += u64::from(exchange.shown.owner != PUBLIC));
        Ok(())
    }

    /// The body, where it should be all of a page.
    fn whole_body(&self) -> Option<&Bytes> {
        let is_part = matches!(self.seen.status, 206 | 304 | 416);
        self.seen.body.as_ref().filter(|body| !is_part && !body.is_empty())
    }

    fn check_whole(&self) -> Finding {
        use Invariant::Integrity;
        let Exchange { status, shown, failed, method, .. } = self.exchange;
        let Some(body) = &self.seen.body else { return Ok(()) };
        if let Some(tag) = shown.etag(self.page.kind).filter(|_| self.seen.text(ETAG).is_some()) {
            holds(self.seen.text(ETAG) == Some(&tag), Integrity, || {
                format!("the tag {:?} of another body than {tag}, failed: {failed}", self.seen.text(ETAG))
            })?;
        }
        if self.visit.method == Method::HEAD {
            let length = self.seen.length().is_none_or(|length| length == shown.body.len() || *failed);
            return holds(length && body.is_empty(), Integrity, || "a HEAD with another length".into());
        }
        let length = self.seen.length().is_none_or(|length| length == body.len() || *failed);
        holds(length, Integrity, || format!("{} bytes, said to be {:?}", body.len(), self.seen.length()))?;
        let is_empty = (*failed && body.is_empty()) || (*method == Method::POST && self.exchange.status != 200);
        holds(is_empty || *body == shown.body, Integrity, || {
            let is = Marker::read(body).map_or("something else".to_owned(), |marker| format!("{marker:?}"));
            format!("the body of exchange with version {} is {is} of {} bytes", shown.version, body.len())
        })?;
        let fits = self.seen.status == shown.status || *method == Method::POST || *failed;
        holds(fits, Integrity, || format!("{} for an exchange with {status}", self.seen.status))
    }

    fn check_not_modified(&self) -> Finding {
        let headers = &self.visit.headers;
        let conditional = headers.contains_key(IF_NONE_MATCH) || headers.contains_key(IF_MODIFIED_SINCE);
        holds(conditional || self.exchange.failed, Invariant::Integrity, || "a 304 that nobody asked for".into())?;
        self.city.watch.count(|counts| counts.not_modified += 1);
        let shown = &self.exchange.shown;
        // By its time alone, what is newer than what is stored here has not been modified either.
        let is_newer = |body: &[u8]| Marker::read(body).is_some_and(|marker| marker.version > shown.version);
        let by_time = !headers.contains_key(IF_NONE_MATCH);
        let has_it = |body: &Bytes| *body == shown.body || (by_time && is_newer(body));
        let has_it = self.visit.copy.as_ref().is_some_and(|copy| has_it(&copy.body));
        holds(has_it || self.exchange.failed, Invariant::Integrity, || {
            "a 304 for what the visitor does not have".into()
        })
    }

    fn check_unsatisfiable(&self) -> Finding {
        let expected = format!("bytes */{}", self.exchange.shown.body.len());
        let said = self.seen.text(CONTENT_RANGE);
        holds(said == Some(&expected), Invariant::Integrity, || format!("{said:?} instead of {expected}"))
    }

    fn check_part(&self) -> Finding {
        use Invariant::Integrity;
        let whole = &self.exchange.shown.body;
        holds(self.visit.headers.contains_key(RANGE), Integrity, || "a part that nobody asked for".into())?;
        let Some(body) = &self.seen.body else { return Ok(()) };
        self.city.watch.count(|counts| counts.partial += 1);
        let media_type = self.seen.text(CONTENT_TYPE).unwrap_or_default();
        let Some((_, boundary)) = media_type.split_once("boundary=") else {
            let said = self.seen.text(CONTENT_RANGE).unwrap_or_default();
            return holds(cut(whole, said).as_ref() == Some(body), Integrity, || format!("{said} is cut wrongly"));
        };
        let text = String::from_utf8_lossy(body);
        let separator = format!("\r\n--{boundary}");
        let parts = text.split(&separator).skip(1).filter(|part| *part != "--\r\n");
        for part in parts {
            let (head, bytes) = part.split_once("\r\n\r\n").unwrap_or_default();
            let said = head.split("Content-Range: ").nth(1).unwrap_or_default();
            let expected = cut(whole, said);
            holds(expected.is_some_and(|expected| expected == bytes), Integrity, || format!("{said} is cut wrongly"))?;
        }
        Ok(())
    }

    /// A version is served no longer than its lifetime and its stale windows after the origin last vouched for it. Clocks only lengthen
    /// that by as much as the one that took it in is ahead of the one that serves it.
    fn check_freshness(&self) -> Finding {
        let (visit, exchange) = (self.visit, self.exchange);
        let rules = self.city.rules(&visit.home, self.page.route);
        let (lifetime, windows) = lifetime(exchange, rules);
        let ahead = exchange.asker.reading.saturating_sub(exchange.at).saturating_sub(visit.home.ahead);
        let age = visit.start.saturating_sub(exchange.at);
        self.city.watch.count(|counts| counts.stale += u64::from(age > lifetime + ahead + ROUNDING));
        let limit = lifetime + windows + visit.max_stale * 1000 + ahead + ROUNDING;
        holds(age <= limit, Invariant::Freshness, || {
            format!("exchange {:?} served after {age} ms, at most {limit} ms", exchange.terms.cache_control())
        })
    }

    /// Whether it was served as stale while the ledger could not be read: what may have been purged elsewhere is stale then, not gone.
    fn is_in_doubt(&self) -> bool {
        let said = self.seen.text(HeaderName::from_static("cache-status")).unwrap_or_default();
        let is_stale = said.contains("stale-if-error") || said.contains("stale-while-revalidate");
        is_stale && self.city.ledger_trouble.get() + FELT_FOR >= self.visit.start
    }

    fn check_purges(&self) -> Finding {
        let (city, visit, exchange) = (self.city, self.visit, self.exchange);
        let urls = [visit.url.as_str(), exchange.url.as_str()];
        let (reached, between) = city.watch.purge_between(urls, exchange, visit, self.is_in_doubt());
        city.watch.count(|counts| counts.purged += u64::from(reached));
        holds(between.is_none(), Invariant::PurgeBound, || {
            let by = between.map(|(request, _)| request).unwrap_or_default();
            format!("what was asked for before request {by} purged it in isolate {}", visit.home.id)
        })?;
        let version =
            self.whole_body().and_then(|body| Marker::read(body)).map_or(exchange.shown.version, |m| m.version);
        let least = city.watch.least_version(urls, visit, self.is_in_doubt()).unwrap_or_default();
        holds(version >= least, Invariant::NoResurrection, || {
            format!("version {version} in isolate {}, which knows of version {least}", visit.home.id)
        })?;
        let rules = city.rules(&visit.home, self.page.route);
        let acted = visit.visitor.sid.filter(|_| rules.keys_sid);
        let acted = acted.is_some_and(|sid| city.watch.acted_since(sid, exchange, visit));
        // What an identity did only makes its pages stale: they may still stand in for an origin that fails.
        let failed = city.origin.trouble.get() + FELT_FOR * 10 >= visit.start;
        holds(!acted || failed, Invariant::PurgeBound, || "what a visitor did is not seen on their own page".into())
    }
}

/// The part of `whole` that a `Content-Range` names.
fn cut(whole: &Bytes, content_range: &str) -> Option<Bytes> {
    let (range, length) = content_range.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    (length.parse() == Ok(whole.len()) && first <= last && last < whole.len()).then(|| whole.slice(first..=last))
}
