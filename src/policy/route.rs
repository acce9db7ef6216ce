//! Which policy a request falls under: first match wins, top to bottom.

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
        for route in self.routes.iter().filter(|route| route.matches(url, path)) {
            if route.methods.contains(method) {
                return Selected { policy: &route.policy, lists_method: true };
            }
            elsewhere.get_or_insert(Selected { policy: &route.policy, lists_method: false });
        }
        let site = Selected { policy: &self.site, lists_method: true };
        elsewhere.unwrap_or(site)
    }

    /// Whether a looser reading of the path would select another policy.
    #[must_use]
    pub fn is_ambiguous(&self, url: &CanonicalUrl, method: &Method) -> bool {
        let chosen = self.select(url, method).policy;
        looser_readings(&url.path)
            .iter()
            .any(|reading| !Rc::ptr_eq(self.select_path(url, reading, method).policy, chosen))
    }
}
