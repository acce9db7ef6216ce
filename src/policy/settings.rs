//! The keys of a route, and the policy they add up to.

use http::{HeaderName, Method};
use std::collections::BTreeMap;

use super::glob::{Glob, any_matches};
use super::preset::Preset;
use super::reader::{ConfigError, Read, Table, join, quote};
use super::rules::{
    Admission, Beta, ByHeader, ByStatus, CacheMode, ClientDirectives, Collapse, CookieClass, Esi, HeaderRule, Origin,
    QueryRule, RefreshAhead,
};
use super::share::Share;
use super::size::ByteSize;
use crate::digest::Framed;
use crate::fields::Seconds;

/// Cookies that analytics and advertising scripts set for themselves: no page depends on them.
pub const IGNORED_COOKIES: [&str; 20] = [
    "_ga*",
    "_gid",
    "_gat*",
    "_gcl_*",
    "__utm*",
    "_fbp",
    "_fbc",
    "_hj*",
    "_pk_*",
    "_clck",
    "_clsk",
    "_uet*",
    "_tt_*",
    "_ttp",
    "_pin_unauth",
    "_scid*",
    "__hs*",
    "hubspotutk",
    "__cf_bm",
    "_cfuvid",
];

/// Declares the route keys once: the table they are read from, and inheritance.
macro_rules! route_keys {
    ($($key:ident: $type:ty),+ $(,)?) => {
        /// What one table (`SITE` or a route) states.
        #[derive(Debug, Clone, Default)]
        pub(super) struct Stated { $(pub(super) $key: Option<$type>),+ }

        impl Stated {
            /// Takes all route keys from `table`.
            pub(super) fn read(table: &mut Table, errors: &mut Vec<ConfigError>) -> Self {
                Self { $($key: table.take(stringify!($key), errors)),+ }
            }

            /// What a route inherits where it states nothing itself.
            pub(super) fn or(self, site: &Self) -> Self {
                Self { $($key: self.$key.or_else(|| site.$key.clone())),+ }
            }
        }
    };
}

route_keys! {
    origin: Origin,
    cache: CacheMode,
    ttl: Seconds,
    min_ttl: Seconds,
    max_ttl: Seconds,
    status_ttl: ByStatus<Seconds>,
    browser_ttl: Seconds,
    jitter: Share,
    stale_while_revalidate: Seconds,
    stale_if_error: Seconds,
    refresh_ahead: RefreshAhead,
    refresh_beta: Beta,
    vary_cookie: Vec<String>,
    cookie_class: BTreeMap<String, CookieClass>,
    ignore_cookie: Vec<Glob>,
    bypass_cookie: Vec<Glob>,
    vary_header: ByHeader,
    query: QueryRule,
    forward_header: Vec<Glob>,
    match_type: bool,
    client_directives: ClientDirectives,
    tags: Vec<String>,
    esi: Esi,
    collapse: Collapse,
    timeout: Seconds,
    idle_timeout: Seconds,
    max_body: ByteSize,
    store: String,
    admission: Admission,
    strict_purge: bool,
    heuristic: bool,
    store_private: bool,
}

/// What holds for every route that says nothing else, beside `SITE`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Defaults<'a> {
    pub(super) origin: &'a Origin,
    pub(super) preset: Option<Preset>,
}

/// How requests of one route are handled. Every key of the configuration, defaults filled in.
#[derive(Debug, Clone)]
pub struct Policy {
    /// `SITE` or `ROUTES[n]`: where it stands.
    pub name: String,
    /// Where to fetch.
    pub origin: Origin,
    /// What is stored.
    pub cache: CacheMode,
    /// On `force` routes: the lifetime of a 200 or 203 that states none.
    pub ttl: Option<Seconds>,
    /// Least edge lifetime.
    pub min_ttl: Option<Seconds>,
    /// Greatest edge lifetime.
    pub max_ttl: Option<Seconds>,
    /// Lifetimes by status where the response states none.
    pub status_ttl: BTreeMap<u16, Seconds>,
    /// Lifetime downstream.
    pub browser_ttl: Option<Seconds>,
    /// The most by which a lifetime is shortened.
    pub jitter: Share,
    /// Window where the response states none.
    pub stale_while_revalidate: Option<Seconds>,
    /// Window where the response states none.
    pub stale_if_error: Option<Seconds>,
    /// When to refresh ahead of expiry.
    pub refresh_ahead: Option<RefreshAhead>,
    /// The weight of chance in that.
    pub refresh_beta: Beta,
    /// Cookies whose values select a variant.
    pub vary_cookie: Vec<String>,
    /// Cookies whose class selects a variant.
    pub cookie_class: BTreeMap<String, CookieClass>,
    /// Cookies that never matter.
    pub ignore_cookie: Vec<Glob>,
    /// Cookies that make a request pass.
    pub bypass_cookie: Vec<Glob>,
    /// Request fields in the key.
    pub vary_header: ByHeader,
    /// Parameters in the key.
    pub query: QueryRule,
    /// Request fields declared harmless.
    pub forward_header: Vec<Glob>,
    /// Whether the media type must fit the path's extension.
    pub match_type: bool,
    /// Whether the client's own directives count.
    pub client_directives: ClientDirectives,
    /// Tags of every entry.
    pub tags: Vec<String>,
    /// Edge-side includes.
    pub esi: Esi,
    /// Concurrent misses.
    pub collapse: Collapse,
    /// Longest wait for response headers.
    pub timeout: Seconds,
    /// Longest wait between two pieces of a body.
    pub idle_timeout: Seconds,
    /// Larger bodies are not stored.
    pub max_body: ByteSize,
    /// Alias of the store.
    pub store: String,
    /// Who gets in.
    pub admission: Admission,
    /// Whether every hit asks the ledger.
    pub strict_purge: bool,
    /// Heuristic freshness.
    pub heuristic: bool,
    /// Whether `private` responses may be stored in a user's own variant.
    pub store_private: bool,
    /// Changes with every setting whose change must retire what is stored.
    pub fingerprint: u64,
}

impl Policy {
    /// Fills in the defaults. `stated` already holds what `SITE` gives.
    pub(super) fn resolve(name: &str, stated: Stated, Defaults { origin, preset }: Defaults) -> Self {
        let cache = stated.cache.unwrap_or(CacheMode::Origin);
        let vary_cookie = stated.vary_cookie.unwrap_or_default();
        let cookie_class = stated.cookie_class.unwrap_or_default();
        let keyed_by_identity = !vary_cookie.is_empty() || !cookie_class.is_empty();
        let shared_by_force = cache == CacheMode::Force && !keyed_by_identity;
        let keyed = vary_cookie.iter().chain(cookie_class.keys());
        let preset_bypass = preset.map(|preset| preset.bypass_beside(keyed)).unwrap_or_default();
        let ignored = preset.map(Preset::ignored_cookies).unwrap_or_default();
        let mut policy = Self {
            name: name.to_owned(),
            origin: stated.origin.unwrap_or_else(|| origin.clone()),
            cache,
            ttl: stated.ttl.filter(|_| cache == CacheMode::Force),
            min_ttl: stated.min_ttl,
            max_ttl: stated.max_ttl,
            status_ttl: stated.status_ttl.unwrap_or_default().0,
            browser_ttl: stated.browser_ttl,
            jitter: stated.jitter.unwrap_or(Share::percent(20.0)),
            stale_while_revalidate: stated.stale_while_revalidate,
            stale_if_error: stated.stale_if_error,
            refresh_ahead: stated.refresh_ahead,
            refresh_beta: stated.refresh_beta.unwrap_or(Beta(1.0)),
            vary_cookie,
            cookie_class,
            ignore_cookie: stated
                .ignore_cookie
                .unwrap_or_else(|| [&IGNORED_COOKIES[..], ignored].concat().into_iter().map(Glob::new).collect()),
            bypass_cookie: stated.bypass_cookie.unwrap_or(preset_bypass),
            vary_header: stated.vary_header.unwrap_or_default(),
            query: stated.query.unwrap_or_default(),
            forward_header: stated.forward_header.unwrap_or_default(),
            match_type: stated.match_type.unwrap_or_default(),
            client_directives: stated.client_directives.unwrap_or(ClientDirectives::Honour),
            tags: stated.tags.unwrap_or_default(),
            esi: stated.esi.unwrap_or(Esi::Off),
            collapse: stated.collapse.unwrap_or(if shared_by_force { Collapse::Global } else { Collapse::Isolate }),
            timeout: stated.timeout.unwrap_or(Seconds::new(30)),
            idle_timeout: stated.idle_timeout.unwrap_or(Seconds::new(30)),
            max_body: stated.max_body.unwrap_or(ByteSize::mebibytes(5)),
            store: stated.store.unwrap_or_else(|| "default".to_owned()),
            admission: stated.admission.unwrap_or(Admission::Always),
            strict_purge: stated.strict_purge.unwrap_or_default(),
            heuristic: stated.heuristic.unwrap_or_default(),
            store_private: stated.store_private.unwrap_or_default(),
            fingerprint: 0,
        };
        policy.fingerprint = policy.compute_fingerprint();
        policy
    }

    /// The same for a fragment that its template says more about: more tags, and where a lifetime may be forced upon answers that state
    /// none, that lifetime.
    #[must_use]
    pub fn with_hints(&self, ttl: Option<&str>, tags: Option<&str>) -> Self {
        let mut hinted = self.clone();
        if let Some(ttl) = ttl.and_then(|ttl| Seconds::read(&ttl.into())).filter(|_| self.cache == CacheMode::Force) {
            hinted.ttl = Some(ttl);
        }
        for tag in tags.unwrap_or_default().split(',').map(str::trim_ascii).filter(|tag| !tag.is_empty()) {
            hinted.tags.push(tag.to_owned());
        }
        hinted
    }

    /// Whether an identity is part of the key.
    #[must_use]
    pub fn keys_identity(&self) -> bool {
        !self.vary_cookie.is_empty() || !self.cookie_class.is_empty()
    }

    /// Whether only keyed cookies reach the origin.
    #[must_use]
    pub fn withholds_cookies(&self) -> bool {
        self.cache == CacheMode::Force || self.keys_identity()
    }

    /// Whether a cookie never matters here.
    #[must_use]
    pub fn ignores_cookie(&self, name: &str) -> bool {
        any_matches(&self.ignore_cookie, name)
    }

    /// Whether a request field is declared harmless.
    #[must_use]
    pub fn declares_harmless(&self, name: &HeaderName) -> bool {
        any_matches(&self.forward_header, name.as_str())
    }

    /// What may be shared with whom depends on these. Lifetimes are not among them: they are computed from today's
    /// policy at each use, so a change applies at once.
    fn compute_fingerprint(&self) -> u64 {
        let classes = self.cookie_class.iter().map(|(name, class)| match class {
            CookieClass::Present => name.clone(),
            CookieClass::OneOf(values) => format!("{name}={}", values.join("\n")),
        });
        let fields = self.vary_header.0.iter().map(|(name, rule)| match rule {
            HeaderRule::OneOf(values) => format!("{name}={}", values.join("\n")),
            rule => format!("{name}:{rule:?}"),
        });
        Framed::new("policy")
            .part(self.origin.to_string())
            .part(self.cache.as_str())
            .list(self.vary_cookie.iter())
            .list(classes.collect::<Vec<_>>().iter())
            .list(self.bypass_cookie.iter().map(ToString::to_string))
            .list(fields.collect::<Vec<_>>().iter())
            .part([u8::from(self.match_type), u8::from(self.store_private)])
            .finish_short()
    }
}

/// Checks what one table states against what it amounts to with what it inherits.
pub(super) fn check(path: &str, own: &Stated, whole: &Stated, errors: &mut Vec<ConfigError>) {
    let mut conflict = |key: &str, why: String| errors.push(ConfigError::conflict(join(path, key), why));
    let cache = whole.cache.unwrap_or(CacheMode::Origin);
    if own.ttl.is_some() && cache != CacheMode::Force {
        conflict(
            "ttl",
            format!(
                "needs cache = \"force\", and cache is \"{}\" here; min_ttl and max_ttl clamp what the origin states",
                cache.as_str()
            ),
        );
    }
    if let (Some(least), Some(most)) = (whole.min_ttl, whole.max_ttl)
        && least > most
    {
        conflict("min_ttl", format!("is {}s, more than max_ttl, which is {}s", least.get(), most.get()));
    }
    if own.refresh_beta.is_some() && whole.refresh_ahead != Some(RefreshAhead::XFetch) {
        conflict("refresh_beta", "needs refresh_ahead = \"xfetch\"".to_owned());
    }
    if own.store_private == Some(true) && whole.vary_cookie.as_ref().is_none_or(Vec::is_empty) {
        conflict(
            "store_private",
            "needs vary_cookie: a private response may only be stored in its user's own variant".to_owned(),
        );
    }
    for (key, timeout) in [("timeout", own.timeout), ("idle_timeout", own.idle_timeout)] {
        if timeout == Some(Seconds::ZERO) {
            conflict(key, "is 0: no origin could answer in time".to_owned());
        }
    }
    for cookie in whole.vary_cookie.iter().flatten() {
        if whole.cookie_class.as_ref().is_some_and(|classes| classes.contains_key(cookie)) {
            conflict("cookie_class", format!("names {}, which vary_cookie names too", quote(cookie)));
        }
    }
    let keyed = whole.vary_cookie.iter().flatten().chain(whole.cookie_class.iter().flat_map(BTreeMap::keys));
    for cookie in keyed {
        if whole.ignore_cookie.as_ref().is_some_and(|globs| any_matches(globs, cookie)) {
            conflict("ignore_cookie", format!("matches {}, which is in the key", quote(cookie)));
        }
    }
}

/// The methods a route matches unless it says otherwise.
pub(super) fn default_methods() -> Vec<Method> {
    vec![Method::GET, Method::HEAD]
}
