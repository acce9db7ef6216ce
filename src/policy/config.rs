//! The whole configuration: `[vars]` of wrangler.toml, read once.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::preset::Preset;
use super::reader::{ConfigError, ConfigErrorKind, Read, Table, join, quote, quote_all, unknown};
use super::route::{Route, RouteTable};
use super::rules::Origin;
use super::settings::{Defaults, Policy, Stated, check, default_methods};
use super::stores::{Alias, Redis, Tier, read_caches, read_redis, read_url};
use crate::fields::Seconds;
use crate::url::{Authority, Scheme};

/// Cloudflare's limit for one variable.
pub const MAX_VAR_BYTES: usize = 5 * 1024;

/// Names that hold secrets. In `[vars]` they would be public.
pub const SECRETS: [&str; 7] = [
    "ADMIN_TOKEN",
    "PURGE_TOKEN",
    "READ_TOKEN",
    "REDIS_TOKEN",
    "IDENTITY_KEY",
    "IDENTITY_KEY_PREVIOUS",
    "CF_API_TOKEN",
];

/// The variables, but for `ROUTES_2` and its followers.
const VARS: [&str; 14] = [
    "ORIGIN",
    "HOSTS",
    "KEY_PREFIX",
    "SITE",
    "ROUTES",
    "CACHES",
    "REDIS",
    "MEMCACHED",
    "BUDGET",
    "PURGE_BOUND",
    "ZONE_ID",
    "CF_API",
    "WARM",
    "PRESET",
];

/// What cron warms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Warm {
    /// Absolute URLs or paths.
    pub urls: Vec<String>,
    /// Where a sitemap lists more.
    pub sitemap: Option<String>,
    /// How many at once.
    pub concurrency: Option<u32>,
}

impl Read for Warm {
    const WANTED: &'static str = r#"a table such as { urls = ["/"], concurrency = 2 }"#;

    fn read(value: &Value) -> Option<Self> {
        let mut errors = Vec::new();
        Self::read_at(value, "", &mut errors).filter(|_| errors.is_empty())
    }

    fn read_at(value: &Value, path: &str, errors: &mut Vec<ConfigError>) -> Option<Self> {
        let mut table = Table::open(value, path, errors)?;
        let warm = Self {
            urls: table.take("urls", errors).unwrap_or_default(),
            sitemap: table.take("sitemap", errors),
            concurrency: table.take("concurrency", errors),
        };
        table.finish(errors);
        Some(warm)
    }
}

/// What may be spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// Writes to Workers KV.
    pub kv_writes_per_day: Option<u32>,
    /// What the fragments of a page may ask of origins and stores, beside what the page asked: 50 in all on the free plan.
    pub subrequests: Option<u32>,
    /// Rows written to D1.
    pub d1_writes_per_day: Option<u32>,
    /// Objects put into R2.
    pub r2_writes_per_day: Option<u32>,
}

impl Budget {
    /// How often `tier` may be written to in a day; any number of times if that is not limited.
    #[must_use]
    pub const fn writes_per_day(&self, tier: Tier) -> Option<u32> {
        match tier {
            Tier::Kv => self.kv_writes_per_day,
            Tier::D1 => self.d1_writes_per_day,
            Tier::R2 => self.r2_writes_per_day,
            _ => None,
        }
    }
}

impl Read for Budget {
    const WANTED: &'static str = "a table such as { kv_writes_per_day = 900 }";

    fn read(value: &Value) -> Option<Self> {
        let mut errors = Vec::new();
        Self::read_at(value, "", &mut errors).filter(|_| errors.is_empty())
    }

    fn read_at(value: &Value, path: &str, errors: &mut Vec<ConfigError>) -> Option<Self> {
        let mut table = Table::open(value, path, errors)?;
        let budget = Self {
            kv_writes_per_day: table.take("kv_writes_per_day", errors),
            subrequests: table.take("subrequests", errors),
            d1_writes_per_day: table.take("d1_writes_per_day", errors),
            r2_writes_per_day: table.take("r2_writes_per_day", errors),
        };
        table.finish(errors);
        Some(budget)
    }
}

/// A configuration without mistakes.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where requests go that no route sends elsewhere.
    pub origin: Origin,
    /// The authorities served; any if it is empty.
    pub hosts: Vec<String>,
    /// Django's `KEY_PREFIX`.
    pub key_prefix: String,
    /// `ROUTES` and `SITE`.
    pub table: RouteTable,
    /// `CACHES`.
    pub caches: BTreeMap<String, Alias>,
    /// `REDIS`.
    pub redis: BTreeMap<String, Redis>,
    /// `host:port`.
    pub memcached: Option<String>,
    /// `BUDGET`.
    pub budget: Budget,
    /// How old a purge index may be.
    pub purge_bound: Seconds,
    /// The zone whose own cache is purged too.
    pub zone_id: Option<String>,
    /// Where Cloudflare's API is, if not where it always is: a stand-in for tests, or a proxy.
    pub cf_api: Option<String>,
    /// What cron warms.
    pub warm: Option<Warm>,
    /// Whose cookie rules apply.
    pub preset: Option<Preset>,
}

impl Config {
    /// Reads the variables.
    ///
    /// # Errors
    ///
    /// All mistakes there are, each with its path. Nothing of a configuration with a mistake is used.
    pub fn read(vars: &Map<String, Value>) -> Result<Self, Vec<ConfigError>> {
        let mut errors = Vec::new();
        report_unknown(vars, &mut errors);
        let config = read_known(vars, &mut errors);
        config.filter(|_| errors.is_empty()).ok_or(errors)
    }

    /// Whether requests for `authority` are served.
    #[must_use]
    pub fn serves(&self, authority: &Authority) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|host| host == authority.as_str())
    }
}

/// `ORIGIN` alone: enough to pass every request when the rest cannot be read.
#[must_use]
pub fn read_origin(vars: &Map<String, Value>) -> Option<Origin> {
    vars.get("ORIGIN").and_then(Origin::read)
}

/// Whether a variable of this name is read.
#[must_use]
pub fn is_var(name: &str) -> bool {
    VARS.contains(&name) || routes_number(name).is_some()
}

fn report_unknown(vars: &Map<String, Value>, errors: &mut Vec<ConfigError>) {
    for key in vars.keys() {
        if SECRETS.contains(&key.as_str()) || key.starts_with("REDIS_TOKEN_") {
            let why = format!(
                "is a secret and must not stand in [vars]; use `wrangler secret put {key}`, and .dev.vars locally"
            );
            errors.push(ConfigError::conflict(key.as_str(), why));
        } else if !is_var(key) {
            errors.push(unknown(key, key, VARS));
        }
    }
}

/// The `n` of `ROUTES_n`, from 2; 1 for `ROUTES`.
fn routes_number(key: &str) -> Option<u32> {
    match key.strip_prefix("ROUTES")? {
        "" => Some(1),
        rest => rest.strip_prefix('_')?.parse().ok().filter(|number| *number >= 2 && !rest.starts_with("_0")),
    }
}

fn read_known(vars: &Map<String, Value>, errors: &mut Vec<ConfigError>) -> Option<Config> {
    let value = Value::Object(vars.clone());
    let mut table = Table::open(&value, "", errors)?;
    let origin: Option<Origin> = table.require("ORIGIN", errors);
    let hosts = read_hosts(table.take("HOSTS", errors).unwrap_or_default(), errors);
    let memcached = table.take("MEMCACHED", errors).and_then(|address| read_address(address, errors));
    let redis = read_redis(table.raw("REDIS"), errors);
    let caches = read_caches(table.raw("CACHES"), &redis, memcached.is_some(), errors);
    // Without an origin the rest is still checked, so that one run shows every mistake.
    let stand_in = Origin::read(&Value::from("http://localhost"))?;
    let preset = table.take("PRESET", errors);
    let defaults = Defaults { origin: origin.as_ref().unwrap_or(&stand_in), preset };
    let routes = read_routes(vars, defaults, &caches, errors);
    let config = Config {
        origin: origin.unwrap_or(stand_in),
        hosts,
        key_prefix: table.take("KEY_PREFIX", errors).unwrap_or_default(),
        table: routes,
        caches,
        redis,
        memcached,
        budget: table.take("BUDGET", errors).unwrap_or_default(),
        purge_bound: table.take("PURGE_BOUND", errors).unwrap_or(Seconds::new(10)),
        zone_id: table.take("ZONE_ID", errors).and_then(|id| read_zone_id(id, errors)),
        cf_api: table.take("CF_API", errors).and_then(|url| read_url("CF_API", url, errors)),
        warm: table.take("WARM", errors),
        preset,
    };
    Some(config)
}

fn read_hosts(hosts: Vec<String>, errors: &mut Vec<ConfigError>) -> Vec<String> {
    let mut read = Vec::new();
    for (at, host) in hosts.into_iter().enumerate() {
        match Authority::parse(&host, Scheme::Https) {
            Some(authority) => read.push(authority.as_str().to_owned()),
            None => errors.push(ConfigError::unreadable(
                format!("HOSTS[{at}]"),
                &host.into(),
                "a host such as \"www.example.com\"",
            )),
        }
    }
    read
}

fn read_address(address: String, errors: &mut Vec<ConfigError>) -> Option<String> {
    let valid = address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if !valid {
        errors.push(ConfigError::unreadable("MEMCACHED", &address.as_str().into(), "\"host:port\""));
    }
    valid.then_some(address)
}

fn read_zone_id(id: String, errors: &mut Vec<ConfigError>) -> Option<String> {
    let valid = id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !valid {
        errors.push(ConfigError::unreadable("ZONE_ID", &id.as_str().into(), "32 hexadecimal digits"));
    }
    valid.then_some(id)
}

fn read_routes(
    vars: &Map<String, Value>,
    defaults: Defaults,
    caches: &BTreeMap<String, Alias>,
    errors: &mut Vec<ConfigError>,
) -> RouteTable {
    let site_value = vars.get("SITE").cloned().unwrap_or_else(|| Value::Object(Map::new()));
    let site = read_site(&site_value, errors);
    check_store("SITE", &site, caches, errors);
    let mut lists: Vec<_> = vars.iter().filter_map(|(key, value)| Some((routes_number(key)?, key, value))).collect();
    lists.sort_unstable_by_key(|(number, ..)| *number);
    let mut routes = Vec::new();
    for (_, key, value) in lists {
        let Some(list) = value.as_array() else {
            errors.push(ConfigError::unreadable(key.as_str(), value, format!("a list of routes: [[vars.{key}]]")));
            continue;
        };
        for (at, value) in list.iter().enumerate() {
            routes.extend(read_route(value, &format!("{key}[{at}]"), &site, defaults, caches, errors));
        }
    }
    // What the site itself says of these paths stands before.
    for path in defaults.preset.map(Preset::passed_paths).unwrap_or_default() {
        let value = serde_json::json!({ "path": path, "cache": "pass" });
        routes.extend(read_route(&value, "PRESET", &site, defaults, caches, errors));
    }
    RouteTable::new(routes, Rc::new(Policy::resolve("SITE", site, defaults)))
}

fn read_site(value: &Value, errors: &mut Vec<ConfigError>) -> Stated {
    let Some(mut table) = Table::open(value, "SITE", errors) else { return Stated::default() };
    let stated = Stated::read(&mut table, errors);
    table.finish(errors);
    check("SITE", &stated, &stated, errors);
    stated
}

fn read_route(
    value: &Value,
    path: &str,
    site: &Stated,
    defaults: Defaults,
    caches: &BTreeMap<String, Alias>,
    errors: &mut Vec<ConfigError>,
) -> Option<Route> {
    let mut table = Table::open(value, path, errors)?;
    let glob: Option<super::glob::Glob> = table.require("path", errors);
    let host: Option<String> = table.take("host", errors);
    let methods = table.take("methods", errors).unwrap_or_else(default_methods);
    let own = Stated::read(&mut table, errors);
    table.finish(errors);
    if let Some(glob) = glob.as_ref().map(ToString::to_string).filter(|glob| !glob.starts_with(['/', '*'])) {
        errors.push(ConfigError::unreadable(join(path, "path"), &glob.into(), "a path that begins with / or *"));
    }
    if methods.is_empty() {
        errors.push(ConfigError::conflict(join(path, "methods"), "is empty, so the route could match nothing"));
    }
    let whole = own.clone().or(site);
    check(path, &own, &whole, errors);
    check_store(path, &own, caches, errors);
    let host = host.map(|host| super::glob::Glob::new(&host.to_ascii_lowercase()));
    Some(Route { path: glob?, host, methods, policy: Rc::new(Policy::resolve(path, whole, defaults)) })
}

fn check_store(path: &str, own: &Stated, caches: &BTreeMap<String, Alias>, errors: &mut Vec<ConfigError>) {
    if let Some(alias) = own.store.as_ref().filter(|alias| !caches.contains_key(*alias)) {
        let known = quote_all(caches.keys());
        let kind = ConfigErrorKind::Conflict(format!("{} is not in CACHES, which has {known}", quote(alias)));
        errors.push(ConfigError { path: join(path, "store"), kind });
    }
}
