//! `CACHES` and `REDIS`: which tiers an alias has, and where they are.

use std::collections::BTreeMap;

use serde_json::Value;

use super::reader::{ConfigError, ConfigErrorKind, Read, Table, join, keywords, quote, quote_all};
use crate::fields::Seconds;

keywords! {
    /// A place where entries are kept.
    Tier {
        /// The isolate's own memory.
        Memory = "memory",
        /// The Cache API of this data centre.
        Colo = "colo",
        /// Workers KV.
        Kv = "kv",
        /// Redis, over HTTP.
        Redis = "redis",
        /// A D1 database.
        D1 = "d1",
        /// An R2 bucket.
        R2 = "r2",
        /// memcached, over a TCP socket.
        Memcached = "memcached",
        /// Nowhere.
        Dummy = "dummy",
    }
}

/// One alias of `CACHES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// Nearest first.
    pub tiers: Vec<Tier>,
    /// Which of `REDIS`.
    pub redis: String,
    /// Longest wait for one tier.
    pub timeout: Option<Seconds>,
    /// Instead of `KEY_PREFIX`.
    pub key_prefix: Option<String>,
    /// Django's `VERSION`.
    pub version: u32,
    /// Lifetime of low-level values that state none; Django's default.
    pub default_ttl: Seconds,
}

impl Alias {
    fn new(tiers: Vec<Tier>) -> Self {
        Self {
            tiers,
            redis: "default".into(),
            timeout: None,
            key_prefix: None,
            version: 1,
            default_ttl: Seconds::new(300),
        }
    }
}

impl Read for Alias {
    const WANTED: &'static str = r#"a table such as { tiers = ["memory", "kv"] }"#;

    fn read(value: &Value) -> Option<Self> {
        let mut errors = Vec::new();
        Self::read_at(value, "", &mut errors).filter(|_| errors.is_empty())
    }

    fn read_at(value: &Value, path: &str, errors: &mut Vec<ConfigError>) -> Option<Self> {
        let mut table = Table::open(value, path, errors)?;
        let before = errors.len();
        let tiers: Vec<Tier> = table.require("tiers", errors).unwrap_or_default();
        if tiers.is_empty() && errors.len() == before {
            errors.push(ConfigError::conflict(
                join(path, "tiers"),
                "is empty; use [\"dummy\"] for an alias that stores nothing",
            ));
        }
        for (at, tier) in
            tiers.iter().enumerate().filter(|(at, tier)| tiers.iter().take(*at).any(|earlier| earlier == *tier))
        {
            errors.push(ConfigError::conflict(
                format!("{path}.tiers[{at}]"),
                format!("\"{}\" stands twice", tier.as_str()),
            ));
        }
        let fallback = Self::new(tiers);
        let alias = Self {
            redis: table.take("redis", errors).unwrap_or(fallback.redis),
            timeout: table.take("timeout", errors),
            key_prefix: table.take("key_prefix", errors),
            version: table.take("version", errors).unwrap_or(fallback.version),
            default_ttl: table.take("default_ttl", errors).unwrap_or(fallback.default_ttl),
            tiers: fallback.tiers,
        };
        table.finish(errors);
        Some(alias)
    }
}

keywords! {
    /// How Redis is spoken to over HTTP.
    RedisProtocol {
        /// Webdis.
        Webdis = "webdis",
        /// Upstash's REST API.
        Upstash = "upstash",
    }
}

/// One Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redis {
    /// The dialect.
    pub protocol: RedisProtocol,
    /// Where it listens.
    pub url: String,
}

impl Read for Redis {
    const WANTED: &'static str = r#"a table such as { protocol = "upstash", url = "https://…" }"#;

    fn read(value: &Value) -> Option<Self> {
        let mut errors = Vec::new();
        Self::read_at(value, "", &mut errors).filter(|_| errors.is_empty())
    }

    fn read_at(value: &Value, path: &str, errors: &mut Vec<ConfigError>) -> Option<Self> {
        let mut table = Table::open(value, path, errors)?;
        let protocol = table.require("protocol", errors);
        let url: Option<String> = table.require("url", errors);
        table.finish(errors);
        let url = url.and_then(|url| read_url(&join(path, "url"), url, errors));
        Some(Self { protocol: protocol?, url: url? })
    }
}

/// Reads the URL of a server.
pub(super) fn read_url(path: &str, url: String, errors: &mut Vec<ConfigError>) -> Option<String> {
    let is_web = ["http://", "https://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme));
    if !is_web {
        errors.push(ConfigError::unreadable(path, &url.as_str().into(), "an http or https URL"));
    }
    is_web.then_some(url)
}

/// Reads `REDIS`: one server directly, or several by name.
pub(super) fn read_redis(value: Option<&Value>, errors: &mut Vec<ConfigError>) -> BTreeMap<String, Redis> {
    let Some(value) = value else { return BTreeMap::new() };
    let single = value
        .as_object()
        .is_some_and(|table| ["protocol", "url"].iter().any(|key| table.get(*key).is_some_and(Value::is_string)));
    if single {
        let mut one = BTreeMap::new();
        one.extend(Redis::read_at(value, "REDIS", errors).map(|redis| ("default".to_owned(), redis)));
        return one;
    }
    BTreeMap::read_at(value, "REDIS", errors).unwrap_or_default()
}

/// Reads `CACHES` and adds `default` if it is not there.
pub(super) fn read_caches(
    value: Option<&Value>,
    redis: &BTreeMap<String, Redis>,
    memcached: bool,
    errors: &mut Vec<ConfigError>,
) -> BTreeMap<String, Alias> {
    let mut caches: BTreeMap<String, Alias> =
        value.and_then(|value| BTreeMap::read_at(value, "CACHES", errors)).unwrap_or_default();
    for (name, alias) in &caches {
        let at = |key: &str| format!("CACHES.{name}.{key}");
        if alias.tiers.contains(&Tier::Redis) && !redis.contains_key(&alias.redis) {
            let has = || format!("REDIS has {}", quote_all(redis.keys()));
            let known = if redis.is_empty() { "there is no REDIS".to_owned() } else { has() };
            errors
                .push(ConfigError::conflict(at("redis"), format!("{} is not in REDIS; {known}", quote(&alias.redis))));
        }
        if alias.tiers.contains(&Tier::Memcached) && !memcached {
            errors.push(ConfigError {
                path: "MEMCACHED".into(),
                kind: ConfigErrorKind::Missing(r#""host:port" of memcached"#),
            });
        }
    }
    if !caches.contains_key("default") {
        let mut tiers = vec![Tier::Memory, Tier::Colo, Tier::Kv];
        tiers.extend(redis.contains_key("default").then_some(Tier::Redis));
        caches.insert("default".to_owned(), Alias::new(tiers));
    }
    caches
}
