//! Who comes, and what they ask for.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use http::Method;
use http::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, COOKIE, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE,
};

use super::chance::Chance;
use super::city::{City, Context, Home};
use super::origin::url_key;
use super::site::{Kind, Page};
use super::visits::{Kept, Shelf, Visit};
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

/// One of them.
pub fn draw_visitor(chance: &Chance) -> usize {
    chance.weighted(&OFTEN)
}

/// `who` asks `home` for `page`.
pub fn draw_visit(city: &City, shelf: &Shelf, number: u64, home: Rc<Home>, page: usize, who: usize) -> Rc<Visit> {
    let chance = &city.chance;
    let visitor = &VISITORS[who];
    let of = &city.origin.pages[page];
    let method = chance.weighted(&[(90, Method::GET.as_str()), (4, "HEAD"), (6, "POST")]);
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let had = shelf.find(who, page);
    let copy = had.clone().filter(|_| chance.percent(15));
    let mut fields = draw_own_fields(visitor, of, chance);
    fields.extend(copy.iter().flat_map(conditions));
    if of.kind == Kind::Large && method == Method::GET && chance.percent(50) {
        fields.extend(draw_range(had.as_ref(), chance));
    }
    let wish = draw_demand(chance);
    fields.extend((!wish.is_empty()).then(|| (CACHE_CONTROL.as_str(), wish.to_owned())));
    if chance.percent(2) {
        fields.push((chance.pick(&["x-new", "x-requested-with"]), "1".to_owned()));
    }
    let query = draw_query(of, chance);
    let is_plain = who == NOBODY && method == Method::GET && fields.is_empty();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let url = url_key(of.host, &of.path, &query);
    let context = Rc::new(Context::new(number, &home, is_plain));
    let (start, tick) = (city.clock.now(), city.origin.tick());
    let max_stale = if wish == "max-stale=30" { 30 } else { 0 };
    let headers = headers(&fields);
    Rc::new(Visit {
        visitor,
        home,
        page,
        method,
        headers,
        query,
        url,
        start,
        tick,
        context,
        copy,
        max_stale,
        answered: Cell::default(),
        work_left: Cell::default(),
        brings: RefCell::default(),
        is_done: Cell::default(),
    })
}

type Field = (&'static str, String);

/// What the visitor always says, and what language they want.
fn draw_own_fields(visitor: &Visitor, of: &Page, chance: &Chance) -> Vec<Field> {
    let mut fields = Vec::new();
    if !visitor.cookies.is_empty() {
        fields.push((COOKIE.as_str(), visitor.cookies.to_owned()));
    }
    if visitor.credentials {
        fields.push((AUTHORIZATION.as_str(), "Basic Y2Fyb2w6c2VjcmV0".to_owned()));
    }
    if chance.percent(if of.kind == Kind::Lingual { 80 } else { 5 }) {
        fields.push((ACCEPT_LANGUAGE.as_str(), chance.pick(&["en", "de", "de, en;q=0.5", "fr"]).to_owned()));
    }
    fields
}

/// If it is not what they have.
fn conditions(copy: &Kept) -> impl Iterator<Item = Field> + use<> {
    let tag = copy.etag.clone().map(|tag| (IF_NONE_MATCH.as_str(), tag));
    let modified = copy.modified.clone().map(|modified| (IF_MODIFIED_SINCE.as_str(), modified));
    tag.into_iter().chain(modified)
}

/// A part, or several; perhaps only if it is of what they have.
fn draw_range(had: Option<&Kept>, chance: &Chance) -> impl Iterator<Item = Field> + use<> {
    let one = ["bytes=0-99", "bytes=100-", "bytes=-50", "bytes=0-0", "bytes=100-299", "bytes=5000-"];
    let several = ["bytes=0-9,20-29", "bytes=0-400"];
    let range = chance.pick(if chance.percent(85) { &one } else { &several }).to_owned();
    let tag = had.and_then(|had| had.etag.clone()).filter(|_| chance.percent(30));
    std::iter::once((RANGE.as_str(), range)).chain(tag.map(|tag| (IF_RANGE.as_str(), tag)))
}

/// What they demand of caches.
fn draw_demand(chance: &Chance) -> &'static str {
    chance.weighted(&[
        (84, ""),
        (3, "no-cache"),
        (3, "max-age=0"),
        (3, "max-stale=30"),
        (2, "min-fresh=10"),
        (2, "no-store"),
        (2, "only-if-cached"),
        (1, "max-age=10"),
    ])
}

/// The page's query as people write it: in another order where that does not matter, with what makes no difference.
pub fn draw_query(page: &Page, chance: &Chance) -> String {
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
