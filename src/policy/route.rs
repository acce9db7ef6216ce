//! Which policy a request falls under: first match wins, top to bottom.

use std::collections::BTreeMap;
use std::rc::Rc;

use http::Method;

use super::glob::Glob;
use super::settings::Policy;
use crate::url::{CanonicalUrl, looser_readings};

/// One entry of `ROUTES`.
#[derive(Debug, Clone)]
pub struct Route {
    /// On the canonical path.
    pub path: Glob,
    /// On the host, with the port if the glob holds a colon.
    pub host: Option<Glob>,
    /// The methods it may cache.
    pub methods: Vec<Method>,
    /// What it says.
    pub policy: Rc<Policy>,
}

impl Route {
    fn matches(&self, url: &CanonicalUrl, path: &str) -> bool {
        self.path.matches(path) && self.host.as_ref().is_none_or(|glob| matches_host(glob, url))
    }
}

fn matches_host(glob: &Glob, url: &CanonicalUrl) -> bool {
    glob.matches(url.authority.host()) || glob.matches(url.authority.as_str())
}

/// The policies, in order, and the one for everything else.
#[derive(Debug, Clone)]
pub struct RouteTable {
    /// `ROUTES`, `ROUTES_2`, …
    pub routes: Vec<Route>,
    /// `SITE`.
    pub site: Rc<Policy>,
    beginnings: Vec<Beginning>,
}

/// Routes whose globs begin alike: a path is held against those only that begin as it does, however many there are.
#[derive(Debug, Clone)]
struct Beginning {
    text: String,
    /// The place of the longest other beginning that this one begins with.
    shorter: Option<usize>,
    /// The routes that begin so, or with less of it, by their place in the table.
    routes: Vec<usize>,
}

impl Beginning {
    /// All of them, by their text.
    fn of(routes: &[Route]) -> Vec<Self> {
        let mut by_text: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, route) in routes.iter().enumerate() {
            by_text.entry(route.path.beginning()).or_default().push(at);
        }
        let mut all: Vec<Self> = Vec::with_capacity(by_text.len());
        for (text, mut routes) in by_text {
            let shorter = Self::longest(&all, text);
            routes.extend(shorter.iter().flat_map(|&at| &all[at].routes));
            routes.sort_unstable();
            all.push(Self { text: text.to_owned(), shorter, routes });
        }
        all
    }

    /// The place of the longest of them that `text` begins with. What stands between a text and a beginning of it begins with that too:
    /// so it is the last that does not come after the text, or one that this begins with itself.
    fn longest(all: &[Self], text: &str) -> Option<usize> {
        let mut at = all.partition_point(|beginning| beginning.text.as_str() <= text).checked_sub(1);
        while let Some(beginning) = at.map(|at| &all[at]).filter(|beginning| !text.starts_with(&beginning.text)) {
            at = beginning.shorter;
        }
        at
    }
}

/// The policy a request falls under.
#[derive(Debug, Clone, Copy)]
pub struct Selected<'a> {
    /// What it says.
    pub policy: &'a Rc<Policy>,
    /// Whether the route lists the request's method. If not, its origin and timeouts hold, and nothing is cached.
    pub lists_method: bool,
}

impl RouteTable {
    /// `routes` in their order, and `site` for what none of them matches.
    #[must_use]
    pub fn new(routes: Vec<Route>, site: Rc<Policy>) -> Self {
        Self { beginnings: Beginning::of(&routes), routes, site }
    }

    /// The cookies that name an identity on some route.
    pub fn identity_cookies(&self) -> impl Iterator<Item = &str> {
        let policies = self.routes.iter().map(|route| &route.policy).chain([&self.site]);
        policies.flat_map(|policy| policy.vary_cookie.iter().map(String::as_str))
    }

    /// The policy for a request: the first route that matches host, path and method; failing that the first that
    /// matches host and path, since a form belongs to the origin of the page it stands on; failing that `SITE`.
    #[must_use]
    pub fn select(&self, url: &CanonicalUrl, method: &Method) -> Selected<'_> {
        self.select_path(url, &url.path, method)
    }

    fn select_path(&self, url: &CanonicalUrl, path: &str, method: &Method) -> Selected<'_> {
        let mut elsewhere = None;
        for route in self.candidates(path).filter(|route| route.matches(url, path)) {
            if route.methods.contains(method) {
                return Selected { policy: &route.policy, lists_method: true };
            }
            elsewhere.get_or_insert(Selected { policy: &route.policy, lists_method: false });
        }
        let site = Selected { policy: &self.site, lists_method: true };
        elsewhere.unwrap_or(site)
    }

    /// The routes that begin as `path` does, in their order.
    fn candidates(&self, path: &str) -> impl Iterator<Item = &Route> {
        let beginning = Beginning::longest(&self.beginnings, path).map(|at| &self.beginnings[at]);
        beginning.into_iter().flat_map(|beginning| &beginning.routes).map(|&route| &self.routes[route])
    }

    /// Whether a looser reading of the path would select another policy.
    #[must_use]
    pub fn is_ambiguous(&self, url: &CanonicalUrl, method: &Method) -> bool {
        let readings = looser_readings(&url.path);
        if readings.is_empty() {
            return false;
        }
        let chosen = self.select(url, method).policy;
        readings.iter().any(|reading| !Rc::ptr_eq(self.select_path(url, reading, method).policy, chosen))
    }
}
