//! What `larder check` says beside mistakes: what is not safe, not reachable, or not yet active.

use serde_json::{Map, Value};

use super::config::{Config, MAX_VAR_BYTES};
use super::rules::{CacheMode, Esi};
use super::stores::Tier;

/// Variables whose feature is not built yet.
const INACTIVE_VARS: [&str; 1] = ["WARM"];

/// A remark about a configuration that has no mistakes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Such as `ROUTES[2].ttl`.
    pub path: String,
    /// What to know about it.
    pub text: String,
}

impl std::fmt::Display for Advice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.text)
    }
}

/// What there is to say about `config`, which was read from `vars`.
#[must_use]
pub fn advise(vars: &Map<String, Value>, config: &Config) -> Vec<Advice> {
    let mut advice = Vec::new();
    let mut say = |path: &str, text: String| advice.push(Advice { path: path.to_owned(), text });
    for (name, value) in vars {
        let size = value.as_str().map_or_else(|| value.to_string().len(), str::len);
        if size > MAX_VAR_BYTES {
            say(
                name,
                format!("is {size} bytes, and Cloudflare takes {MAX_VAR_BYTES} per variable; move routes to ROUTES_2"),
            );
        }
    }
    if config.hosts.is_empty() {
        say("HOSTS", "is empty, so any host name that points here is served; list yours".to_owned());
    }
    for (name, redis) in &config.redis {
        if is_readable(&redis.url) {
            say(&format!("REDIS.{name}.url"), "is not https: pages and the token travel readable".to_owned());
        }
    }
    if config.cf_api.as_deref().is_some_and(is_readable) {
        say("CF_API", "is not https: the token travels readable".to_owned());
    }
    if config.zone_id.is_some() {
        say("ZONE_ID", "is purged along only with the secret CF_API_TOKEN".to_owned());
    }
    if config.memcached.is_some() && !config.caches.values().any(|alias| alias.tiers.contains(&Tier::Memcached)) {
        say("MEMCACHED", "is in no alias of CACHES, so nothing is stored there".to_owned());
    }
    let policies = config.table.routes.iter().map(|route| &route.policy).chain([&config.table.site]);
    let assembles = policies.clone().any(|policy| policy.esi != Esi::Off);
    if assembles && config.budget.subrequests.is_none() {
        say("BUDGET.subrequests", "is not set; on the free plan set it to 50, for pages with fragments".to_owned());
    }
    for policy in policies {
        let keyed = !policy.vary_cookie.is_empty();
        if keyed {
            say(&policy.name, "keys cookies: without the secret IDENTITY_KEY its requests pass".to_owned());
        }
        if policy.cache == CacheMode::Force && policy.ttl.is_none() && policy.status_ttl.is_empty() {
            say(
                &policy.name,
                "has cache = \"force\" without ttl: only what states its own lifetime is stored".to_owned(),
            );
        }
    }
    for (at, route) in config.table.routes.iter().enumerate() {
        let hides = |earlier: &&super::route::Route| {
            earlier.path.is_catch_all()
                && earlier.host.is_none()
                && route.methods.iter().all(|method| earlier.methods.contains(method))
        };
        if let Some(earlier) = config.table.routes.iter().take(at).find(hides) {
            say(&route.policy.name, format!("is never reached: {} matches everything before it", earlier.policy.name));
        }
    }
    advice.extend(inactive(vars));
    advice
}

/// Whether what is sent there can be read on its way.
fn is_readable(url: &str) -> bool {
    let nearby = ["http://127.", "http://localhost", "http://[::1]"];
    url.starts_with("http://") && !nearby.iter().any(|nearby| url.starts_with(nearby))
}

/// Keys that are read and checked but do nothing yet.
#[must_use]
pub fn inactive(vars: &Map<String, Value>) -> Vec<Advice> {
    let present = INACTIVE_VARS.iter().filter(|name| vars.contains_key(**name));
    present.map(|name| Advice { path: (*name).to_owned(), text: "not yet active".to_owned() }).collect()
}
