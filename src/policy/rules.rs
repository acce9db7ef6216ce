//! The values of a route's keys: keywords and small tables.

use std::collections::BTreeMap;

use http::{HeaderName, Method};
use serde_json::Value;

use super::glob::Glob;
use super::reader::{ConfigError, Read, Table, keywords};
use super::share::Share;
use crate::url::{Authority, Scheme};

keywords! {
    /// How a route decides what is stored.
    CacheMode {
        /// As the origin says (RFC 9111).
        Origin = "origin",
        /// Also a 200 or 203 that states no freshness.
        Force = "force",
        /// Never stored, never served from the store.
        Pass = "pass",
    }
}

keywords! {
    /// What becomes of the client's own `Cache-Control`.
    ClientDirectives {
        /// RFC 9111 §5.2.1.
        Honour = "honour",
        /// The client has no say.
        Ignore = "ignore",
    }
}

keywords! {
    /// How far concurrent misses for one key are brought together.
    Collapse {
        /// Not at all.
        Off = "off",
        /// Within an isolate.
        Isolate = "isolate",
        /// Everywhere, through a Durable Object.
        Global = "global",
    }
}

keywords! {
    /// When the tiers that charge for writes take an entry.
    Admission {
        /// On the first request.
        Always = "always",
        /// On the second request in a data centre.
        SecondHit = "second-hit",
    }
}

/// An origin: scheme and authority.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// How to speak to it.
    pub scheme: Scheme,
    /// Where it is.
    pub authority: Authority,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority.as_str())
    }
}

impl Read for Origin {
    const WANTED: &'static str = r#"scheme and host, no path, such as "https://origin.example.com""#;

    fn read(value: &Value) -> Option<Self> {
        let (scheme, rest) = value.as_str()?.split_once("://")?;
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return None,
        };
        let authority = Authority::parse(rest.strip_suffix('/').unwrap_or(rest), scheme)?;
        Some(Self { scheme, authority })
    }
}

/// What a cookie class makes of a cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CookieClass {
    /// Whether it is there; its value is never sent.
    Present,
    /// Which of these values it has; another passes.
    OneOf(Vec<String>),
}

impl Read for CookieClass {
    const WANTED: &'static str = r#""present", or a list of values"#;

    fn read(value: &Value) -> Option<Self> {
        if value.as_str() == Some("present") {
            return Some(Self::Present);
        }
        Vec::read(value).filter(|values| !values.is_empty()).map(Self::OneOf)
    }
}

/// How a request field takes part in the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderRule {
    /// As it is.
    Raw,
    /// It does not matter, and the origin does not see it.
    Ignore,
    /// A request with it passes.
    Bypass,
    /// As the one of these values that fits best; as absent if none does.
    OneOf(Vec<String>),
}

impl Read for HeaderRule {
    const WANTED: &'static str = r#""raw", "ignore", "bypass", or a list of values to normalise to"#;

    fn read(value: &Value) -> Option<Self> {
        match value.as_str() {
            Some("raw") => Some(Self::Raw),
            Some("ignore") => Some(Self::Ignore),
            Some("bypass") => Some(Self::Bypass),
            Some(_) => None,
            None => Vec::read(value).filter(|values| !values.is_empty()).map(Self::OneOf),
        }
    }
}

/// Which parameters of a query matter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueryRule {
    /// Whether their order does not matter.
    pub sort: bool,
    /// Names that never matter.
    pub ignore: Vec<Glob>,
    /// If any: only these names matter.
    pub keep: Vec<Glob>,
}

impl Read for QueryRule {
    const WANTED: &'static str = r#"a table such as { sort = true, ignore = ["utm_*"] }"#;

    fn read(value: &Value) -> Option<Self> {
        let mut errors = Vec::new();
        Self::read_at(value, "", &mut errors).filter(|_| errors.is_empty())
    }

    fn read_at(value: &Value, path: &str, errors: &mut Vec<ConfigError>) -> Option<Self> {
        let mut table = Table::open(value, path, errors)?;
        let rule = Self {
            sort: table.take("sort", errors).unwrap_or_default(),
            ignore: table.take("ignore", errors).unwrap_or_default(),
            keep: table.take("keep", errors).unwrap_or_default(),
        };
        table.finish(errors);
        Some(rule)
    }
}

/// Edge-side includes on a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Esi {
    /// Not processed.
    Off,
    /// In HTML that the origin marks.
    Marked,
    /// In all HTML.
    Always,
}

impl Read for Esi {
    const WANTED: &'static str = r#"true, false or "always""#;

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(true) => Some(Self::Marked),
            Value::Bool(false) => Some(Self::Off),
            _ => (value.as_str() == Some("always")).then_some(Self::Always),
        }
    }
}

/// When a fresh entry is refreshed ahead of its expiry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RefreshAhead {
    /// By chance that grows towards expiry, in step with how long a recompute takes.
    XFetch,
    /// When no more than this share of the lifetime is left.
    Share(Share),
}

impl Read for RefreshAhead {
    const WANTED: &'static str = r#""xfetch", or a share such as "20%""#;

    fn read(value: &Value) -> Option<Self> {
        if value.as_str() == Some("xfetch") {
            return Some(Self::XFetch);
        }
        Share::read(value).map(Self::Share)
    }
}

/// The weight of chance in XFetch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beta(pub f64);

impl Read for Beta {
    const WANTED: &'static str = "a positive number; more than 1 refreshes earlier";

    fn read(value: &Value) -> Option<Self> {
        value.as_f64().filter(|beta| beta.is_finite() && *beta > 0.0).map(Self)
    }
}

impl Read for Method {
    const WANTED: &'static str = r#"a method in capitals, such as "GET""#;

    fn read(value: &Value) -> Option<Self> {
        let name = value.as_str().filter(|name| !name.bytes().any(|b| b.is_ascii_lowercase()))?;
        Self::from_bytes(name.as_bytes()).ok()
    }
}

/// Lifetimes by status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ByStatus<T>(pub(super) BTreeMap<u16, T>);

impl<T: Read> Read for ByStatus<T> {
    const WANTED: &'static str = r#"a table of statuses, such as { "404" = "30s" }"#;

    fn read(value: &Value) -> Option<Self> {
        let mut errors = Vec::new();
        Self::read_at(value, "", &mut errors).filter(|_| errors.is_empty())
    }

    fn read_at(value: &Value, path: &str, errors: &mut Vec<ConfigError>) -> Option<Self> {
        keyed(value, path, "a final status from 200 to 599", errors, |key| {
            key.parse().ok().filter(|status| (200..600).contains(status) && key.len() == 3)
        })
        .map(Self)
    }
}

/// Rules by request field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ByHeader(pub Vec<(HeaderName, HeaderRule)>);

impl ByHeader {
    /// The rule for a field, if it has one.
    #[must_use]
    pub fn rule(&self, name: &HeaderName) -> Option<&HeaderRule> {
        self.0.iter().find(|(ruled, _)| ruled == name).map(|(_, rule)| rule)
    }
}

impl Read for ByHeader {
    const WANTED: &'static str = r#"a table of fields, such as { Accept-Language = ["en", "de"] }"#;

    fn read(value: &Value) -> Option<Self> {
        let mut errors = Vec::new();
        Self::read_at(value, "", &mut errors).filter(|_| errors.is_empty())
    }

    fn read_at(value: &Value, path: &str, errors: &mut Vec<ConfigError>) -> Option<Self> {
        let rules = keyed(value, path, "a field name", errors, |key| {
            HeaderName::from_bytes(key.as_bytes()).ok().map(|name| name.as_str().to_owned())
        })?;
        let named = |(name, rule): (String, HeaderRule)| HeaderName::try_from(name).ok().map(|name| (name, rule));
        Some(Self(rules.into_iter().filter_map(named).collect()))
    }
}

/// A table whose keys are of a kind too.
fn keyed<K: Ord, V: Read>(
    value: &Value,
    path: &str,
    wanted: &str,
    errors: &mut Vec<ConfigError>,
    read_key: impl Fn(&str) -> Option<K>,
) -> Option<BTreeMap<K, V>> {
    let values = BTreeMap::<String, V>::read_at(value, path, errors)?;
    let mut read = BTreeMap::new();
    for (key, value) in values {
        match read_key(&key) {
            Some(read_key) => drop(read.insert(read_key, value)),
            None => errors.push(ConfigError::unreadable(super::reader::join(path, &key), &key.into(), wanted)),
        }
    }
    Some(read)
}
