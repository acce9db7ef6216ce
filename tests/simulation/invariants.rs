//! What holds for every answer, whatever happened: told from the marks that the origin left in fields and body.

use std::rc::Rc;

use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, AGE, CACHE_CONTROL, CONTENT_LENGTH, HeaderMap, HeaderName, SET_COOKIE};

use super::city::City;
use super::deployments::Rules;
use super::origin::{Exchange, choose, significant};
use super::purges::{LEFT_ALONE, Manner};
use super::site::{Kind, MAGIC, Marker, PUBLIC, Page};
use super::visits::Visit;
use super::watch::{FELT_FOR, Invariant};

/// After so many failures in a row an isolate leaves the origin alone, but for one request at a time.
const OPENS_BREAKER: u32 = 5;

/// What a visitor saw.
pub struct Seen {
    pub status: u16,
    pub headers: HeaderMap,
    /// `None` if the body visibly broke off.
    pub body: Option<Bytes>,
    /// Whether it came out of the isolate's own memory.
    pub was_near: bool,
}

/// Ages are whole seconds, rounded down twice on the way.
const ROUNDING: u64 = 3000;

impl Seen {
    pub fn text(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn length(&self) -> Option<usize> {
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
pub type Finding = Result<(), (Invariant, String)>;

pub fn holds(condition: bool, invariant: Invariant, what: impl FnOnce() -> String) -> Finding {
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
    let Some(known) = city.watch.knows(visit).filter(|_| visit.is_plain()) else { return false };
    // A clock that is ahead makes everything look older, on arrival and later.
    let age = visit.start.saturating_sub(known.at) + 2 * city.skew + ROUNDING;
    let window = u64::from(known.terms.if_error.unwrap_or_default()) * 1000;
    // What another ledger numbered is lost as soon as the isolate hears of this one.
    let numbered = known.asker.told.filter(|told| told.incarnation == city.ledger.incarnation.get());
    age < window && numbered.is_some_and(|told| city.watch.purges.is_untouched(known.page, told.tick))
}

/// What was served from memory to somebody who is nobody stays there.
fn learn(city: &City, visit: &Visit, seen: &Seen, exchange: &Rc<Exchange>) {
    let page = &city.origin.pages[visit.page];
    if had_servable(city, visit) {
        let fails = page.trouble.get() >= visit.start;
        city.watch.count(|counts| {
            (counts.servable, counts.rescued) = (counts.servable + 1, counts.rescued + u64::from(fails))
        });
    }
    if lasts(city, visit) && seen.was_near && exchange.status == 200 {
        city.watch.learn(visit, exchange, city.origin.tick());
    }
}

/// What a request of somebody who is nobody brought, and stored, stays there too.
pub fn learn_stored(city: &City, visit: &Visit, exchange: &Rc<Exchange>) {
    if lasts(city, visit) && !exchange.failed && city.watch.is_undisturbed(visit, exchange) {
        city.watch.learn(visit, exchange, city.origin.tick());
    }
}

/// Whether what is stored for the request stays in memory, and may stand in for an origin that fails.
fn lasts(city: &City, visit: &Visit) -> bool {
    let page = &city.origin.pages[visit.page];
    let rules = city.rules(&visit.home, page.route);
    // A strict route passes while the ledger cannot be read.
    let passes = rules.passes || rules.is_strict;
    visit.is_plain() && page.kind == Kind::Steady && rules.has_memory && !passes && !rules.keys_sid
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
pub struct Answer<'a> {
    pub city: &'a City,
    pub visit: &'a Visit,
    pub seen: &'a Seen,
    pub exchange: &'a Exchange,
    pub page: &'a Page,
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
        let slot = (self.visit.home.id, self.exchange.url.clone(), whose, self.exchange.shown.language);
        let younger = self.city.watch.serve(slot, self.visit, self.exchange, self.city.origin.tick());
        holds(younger.is_none(), Invariant::NoResurrection, || {
            format!("isolate {} had something younger in its memory for {younger:?}", self.visit.home.id)
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

    /// A version is served no longer than its lifetime and its stale windows after the origin last vouched for it. Clocks only lengthen
    /// that by as much as the one that took it in is ahead of the one that serves it.
    fn check_freshness(&self) -> Finding {
        let (visit, exchange) = (self.visit, self.exchange);
        let rules = self.city.rules(&visit.home, self.page.route);
        let (lifetime, windows) = lifetime(exchange, rules);
        let ahead = exchange.asker.reading.saturating_sub(exchange.at).saturating_sub(visit.home.ahead);
        let age = visit.start.saturating_sub(exchange.at);
        let collapsed = exchange.answered.get() > visit.start;
        self.city.watch.count(|counts| {
            counts.stale += u64::from(age > lifetime + ahead + ROUNDING);
            counts.collapsed += u64::from(collapsed);
            counts.handed_over += u64::from(collapsed && exchange.asker.home != visit.home.id);
        });
        // Caches beyond this one count on from what it says.
        let said = self.seen.text(AGE).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default() * 1000;
        holds(said + ahead + ROUNDING >= age, Invariant::Freshness, || {
            format!("said to be {said} ms old, is {age} ms")
        })?;
        let limit = lifetime + windows + visit.max_stale * 1000 + ahead + ROUNDING;
        holds(age <= limit, Invariant::Freshness, || {
            format!("exchange {:?} served after {age} ms, at most {limit} ms", exchange.terms.cache_control())
        })
    }

    /// Whether it was served as stale while the ledger could not be read.
    fn is_in_doubt(&self) -> bool {
        let said = self.seen.text(HeaderName::from_static("cache-status")).unwrap_or_default();
        said.contains("stale-if-error") && self.city.ledger_trouble.get() + LEFT_ALONE >= self.visit.start
    }

    fn check_purges(&self) -> Finding {
        let (city, visit, exchange) = (self.city, self.visit, self.exchange);
        let urls = [visit.url.as_str(), exchange.url.as_str()];
        let rules = city.rules(&visit.home, self.page.route);
        let manner = Manner { is_strict: rules.is_strict, in_doubt: self.is_in_doubt() };
        let verdict = city.watch.purges.judge(city, urls, exchange, visit, manner);
        city.watch.count(|counts| {
            counts.purged += u64::from(verdict.reached);
            counts.purged_elsewhere += u64::from(verdict.from_afar);
        });
        holds(verdict.purged_by.is_none(), Invariant::PurgeBound, || {
            let by = verdict.purged_by.unwrap_or_default();
            format!("what was asked for before request {by} purged it, in isolate {}", visit.home.id)
        })?;
        let shown = self.whole_body().and_then(|body| Marker::read(body)).map(|marker| marker.version);
        let (version, least) = (shown.unwrap_or(exchange.shown.version), verdict.least_version);
        holds(version >= least, Invariant::NoResurrection, || {
            format!("version {version} in isolate {}, which knows of version {least}", visit.home.id)
        })?;
        let acted = visit.visitor.sid.filter(|_| rules.keys_sid);
        let acted = acted.is_some_and(|sid| city.watch.purges.acted_since(city, sid, exchange, visit, manner));
        // What an identity did, and a soft purge, only make pages stale: they may still stand in for an origin that fails. Where it failed
        // so often in a row it counts as failing until one request has tried, however long that takes, and the others do not wait for it.
        let is_left_alone = visit.home.failures.get() >= OPENS_BREAKER;
        let failed = is_left_alone || city.origin.trouble.get() + FELT_FOR * 10 >= visit.start;
        holds(!acted || failed, Invariant::PurgeBound, || "what a visitor did is not seen on their own page".into())?;
        let softly = verdict.softly_purged_by.filter(|_| !failed);
        holds(softly.is_none(), Invariant::PurgeBound, || {
            format!("what request {softly:?} made stale, in isolate {}", visit.home.id)
        })
    }
}
