//! Configurations that follow each other, and what the checks need to know of them.

use std::rc::Rc;

use larder::engine::{Secrets, Settings};
use serde_json::{Map, Value, json};

/// What a visitor may rely on under a route, read from the same table as the engine reads.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules {
    pub passes: bool,
    pub forces: bool,
    pub ttl: Option<u32>,
    pub max_ttl: Option<u32>,
    pub while_revalidate: u32,
    pub if_error: u32,
    /// One copy for each who is signed in.
    pub keys_sid: bool,
    pub stores_private: bool,
    /// Whether the origin hears of the language.
    pub keys_language: bool,
    /// Whether concurrent misses of an isolate are one.
    pub collapses: bool,
    /// Whether those of all isolates are.
    pub collapses_globally: bool,
    /// Whether the ledger is asked each time.
    pub is_strict: bool,
    /// Whether what is served stays in the isolate's memory.
    pub has_memory: bool,
}

/// One configuration.
pub struct Deployment {
    pub name: &'static str,
    pub settings: Rc<Settings>,
    routes: Vec<(String, Rules)>,
    site: Rules,
}

impl Deployment {
    fn new(name: &'static str, vars: &Value, secrets: &Secrets) -> Self {
        let vars = vars.as_object().expect("a table");
        let settings = Settings::new(vars, secrets);
        let is_valid = settings.mistakes().is_empty();
        assert_eq!(is_valid, name != BROKEN, "{}", settings.mistakes());
        let site = vars["SITE"].as_object().expect("a table");
        let table = vars["ROUTES"].as_array().expect("a list");
        let routes = table.iter().map(|route| {
            let route = route.as_object().expect("a table");
            let mut whole = site.clone();
            whole.extend(route.clone());
            (route["path"].as_str().unwrap_or_default().trim_end_matches("/*").to_owned(), rules(&whole, vars))
        });
        let passing = Rules { passes: true, keys_language: true, ..Rules::default() };
        let (routes, site) = if is_valid { (routes.collect(), rules(site, vars)) } else { (Vec::new(), passing) };
        Self { name, settings: Rc::new(settings), routes, site }
    }

    /// Whether nothing is known but that everything passes.
    pub fn is_broken(&self) -> bool {
        self.name == BROKEN
    }

    /// The rules for the paths that begin with `prefix`.
    pub fn rules(&self, prefix: &str) -> &Rules {
        self.routes.iter().find(|(path, _)| path == prefix).map_or(&self.site, |(_, rules)| rules)
    }
}

fn rules(route: &Map<String, Value>, vars: &Map<String, Value>) -> Rules {
    let number = |name: &str| route.get(name).and_then(Value::as_u64).map(|number| number as u32);
    let mode = route.get("cache").and_then(Value::as_str).unwrap_or("origin");
    let store = route.get("store").and_then(Value::as_str).unwrap_or("default");
    let tiers = vars["CACHES"][store]["tiers"].as_array().expect("a list");
    let keyed = route.contains_key("vary_cookie") || route.contains_key("cookie_class");
    let collapse = route.get("collapse").and_then(Value::as_str);
    Rules {
        passes: mode == "pass",
        forces: mode == "force",
        ttl: number("ttl"),
        max_ttl: number("max_ttl"),
        while_revalidate: number("stale_while_revalidate").unwrap_or_default(),
        if_error: number("stale_if_error").unwrap_or_default(),
        keys_sid: route.get("vary_cookie").is_some(),
        stores_private: route.get("store_private") == Some(&Value::Bool(true)),
        keys_language: mode != "force",
        collapses: collapse != Some("off"),
        collapses_globally: collapse.map_or(mode == "force" && !keyed, |collapse| collapse == "global"),
        is_strict: route.get("strict_purge") == Some(&Value::Bool(true)),
        has_memory: tiers.iter().any(|tier| tier == "memory"),
    }
}

/// What whoever runs the site shows.
pub const ADMIN_TOKEN: &str = "admin";

const BROKEN: &str = "broken";

fn base() -> Value {
    json!({
        "ORIGIN": "http://origin.test",
        "KEY_PREFIX": "prod",
        "SITE": { "timeout": 3, "idle_timeout": 3, "stale_if_error": 60 },
        "REDIS": { "protocol": "webdis", "url": "http://redis.test" },
        "CACHES": {
            "default": { "tiers": ["memory", "colo", "kv", "redis"] },
            "far": { "tiers": ["redis"] },
            "wide": { "tiers": ["memory", "kv"] },
        },
        "ROUTES": [
            { "path": "/f/*", "cache": "force", "ttl": 30 },
            { "path": "/u/*", "cache": "force", "ttl": 30, "vary_cookie": ["sid"] },
            { "path": "/s/*", "vary_cookie": ["sid"], "store_private": true },
            { "path": "/p/*", "cache": "pass" },
            { "path": "/l/*", "vary_header": { "Accept-Language": ["en", "de"] } },
            { "path": "/q/*", "query": { "sort": true, "ignore": ["utm_*"] } },
            { "path": "/r/*", "refresh_ahead": "50%", "stale_while_revalidate": 30, "collapse": "global" },
            { "path": "/c/*", "cache": "force", "ttl": 30, "cookie_class": { "plan": ["free", "pro"], "sid": "present" } },
            { "path": "/d/*", "store": "far", "collapse": "off" },
            { "path": "/k/*", "store": "wide", "admission": "second-hit" },
            { "path": "/x/*", "strict_purge": true },
        ],
    })
}

/// The configurations, the usual one first.
pub fn deployments() -> Vec<Deployment> {
    let secrets =
        || Secrets { identity_key: Some("key".into()), admin_token: Some(ADMIN_TOKEN.into()), ..Secrets::default() };
    let rotated = Secrets { identity_key: Some("new".into()), identity_key_previous: Some("key".into()), ..secrets() };
    let changed = |changes: &[(usize, Value)]| {
        let mut vars = base();
        for (at, route) in changes {
            vars["ROUTES"][*at] = route.clone();
        }
        vars
    };
    let stricter = changed(&[
        (0, json!({ "path": "/f/*", "cache": "force", "ttl": 30, "vary_cookie": ["sid"] })),
        (2, json!({ "path": "/s/*", "vary_cookie": ["sid"] })),
        (6, json!({ "path": "/r/*", "cache": "pass" })),
    ]);
    let laxer = changed(&[
        (0, json!({ "path": "/f/*", "cache": "force", "ttl": 120, "stale_while_revalidate": 60 })),
        (1, json!({ "path": "/u/*", "cache": "force", "ttl": 60 })),
        (3, json!({ "path": "/p/*" })),
    ]);
    let mut shorter = changed(&[(0, json!({ "path": "/f/*", "cache": "force", "ttl": 5 }))]);
    shorter["SITE"]["max_ttl"] = json!(10);
    shorter["BUDGET"] = json!({ "kv_writes_per_day": 50 });
    let broken = changed(&[(1, json!({ "path": "/u/*", "ttl": 30 }))]);
    let mut apart = base();
    apart["KEY_PREFIX"] = json!("staging");
    vec![
        Deployment::new("base", &base(), &secrets()),
        Deployment::new("stricter", &stricter, &secrets()),
        Deployment::new("laxer", &laxer, &secrets()),
        Deployment::new("shorter", &shorter, &secrets()),
        Deployment::new("rotated", &base(), &rotated),
        Deployment::new("apart", &apart, &secrets()),
        Deployment::new(BROKEN, &broken, &secrets()),
    ]
}
