//! How many fetches of one page are under way at the same time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::city::{City, Context, Home};
use super::origin::Exchange;
use super::purges::LEFT_ALONE;
use super::site::Kind;
use super::watch::FELT_FOR;

/// An isolate, and a page.
type Place = (u64, usize);

/// In the place of an isolate: all of them.
const EVERYWHERE: u64 = 0;

/// What one request may ask the origin: a validation, a second try without, the whole; and the same to refresh it.
const MOST_EXCHANGES: u32 = 5;

/// Fetches of pages that anybody may share. Those of others are not counted: who asks for a part, with a condition, or signed in, asks
/// for themselves.
#[derive(Default)]
pub struct Load {
    under_way: RefCell<BTreeMap<Place, Vec<Rc<Context>>>>,
    /// Requests of others: those who waited for one of them learn that they have to ask for themselves, all at once.
    disturbing: RefCell<BTreeMap<Place, Vec<Rc<Context>>>>,
}

impl Load {
    /// The origin is being asked; what there is to say against that.
    pub fn begin(&self, city: &City, home: &Home, context: &Rc<Context>, exchange: &Exchange) -> Result<(), String> {
        context.exchanges.set(context.exchanges.get() + 1);
        if context.exchanges.get() > MOST_EXCHANGES {
            return Err(format!("request {} asked the origin {} times", context.request, context.exchanges.get()));
        }
        let page = &city.origin.pages[exchange.page];
        let rules = city.rules(home, page.route);
        let is_shared = page.kind == Kind::Steady && !rules.passes && !rules.keys_sid;
        if !context.is_plain || !is_shared || !rules.collapses {
            return Ok(());
        }
        // A strict route passes while the ledger cannot be read.
        if rules.is_strict && city.ledger_trouble.get() + LEFT_ALONE >= city.clock.now() {
            return Ok(());
        }
        if rules.collapses_globally && city.is_even && city.has_agreed() {
            self.check(city, (EVERYWHERE, exchange.page), context)?;
        }
        self.check(city, (home.id, exchange.page), context)
    }

    fn check(&self, city: &City, place: Place, context: &Rc<Context>) -> Result<(), String> {
        let (page, now) = (&city.origin.pages[place.1], city.clock.now());
        let mut under_way = self.under_way.borrow_mut();
        let fetching = under_way.entry(place).or_default();
        fetching.retain(|other| !other.ended.get());
        fetching.push(context.clone());
        if fetching.len() < 2 || page.trouble.get() + FELT_FOR >= now || self.is_disturbed(place, now) {
            return Ok(());
        }
        let requests: Vec<_> = fetching.iter().map(|context| context.request).collect();
        let scope = if place.0 == EVERYWHERE { "all isolates".to_owned() } else { format!("isolate {}", place.0) };
        Err(format!("requests {requests:?} fetch {}{} at the same time in {scope}", page.host, page.path))
    }

    /// It answered.
    pub fn end(&self, home: &Home, context: &Rc<Context>, page: usize) {
        let mut under_way = self.under_way.borrow_mut();
        for place in [home.id, EVERYWHERE] {
            if let Some(fetching) = under_way.get_mut(&(place, page)) {
                fetching.retain(|other| !Rc::ptr_eq(other, context));
            }
        }
    }

    /// A request that is not a plain one comes.
    pub fn disturb(&self, home: &Home, page: usize, context: &Rc<Context>) {
        let mut disturbing = self.disturbing.borrow_mut();
        for place in [home.id, EVERYWHERE] {
            disturbing.entry((place, page)).or_default().push(context.clone());
        }
    }

    /// A purge comes, and may reach any isolate.
    pub fn disturb_all(&self, page: usize, context: &Rc<Context>) {
        self.disturbing.borrow_mut().entry((EVERYWHERE, page)).or_default().push(context.clone());
    }

    /// Whether one of them is under way, or those who waited for it are.
    fn is_disturbed(&self, place: Place, now: u64) -> bool {
        let mut disturbing = self.disturbing.borrow_mut();
        let Some(contexts) = disturbing.get_mut(&place) else { return false };
        contexts.retain(|context| context.over.get().is_none_or(|over| now < over + FELT_FOR));
        !contexts.is_empty()
    }

    /// Nothing holds on to a request any more.
    pub fn close(&self) {
        self.under_way.borrow_mut().clear();
        self.disturbing.borrow_mut().clear();
    }
}
