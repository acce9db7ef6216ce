//! Published attacks on shared caches, each as a dialogue of attacker, victim, cache and origin.
//!
//! A case is safe if what the victim gets is what it would have got had the attacker never been there: never judged by a status
//! field alone.

mod admin;
mod assembly;
mod attacks;
mod deception;
mod directives;
mod disclosure;
mod errors;
mod exhaustion;
mod gateways;
mod identities;
mod keys;
mod leakage;
mod methods;
mod observers;
mod purging;
mod ranges;
mod records;
mod states;
mod table;
mod unkeyed;
mod variants;
mod wire;
mod words;

pub use attacks::{deceive, file, ill_once, never_shared, never_shared_file, poison, poison_page, slug};
pub use states::{brought_to, canonical};
pub use table::{State, sweep, trial};

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::support::{Answer, Asked, Client, Origin, Worker, vars};

/// Hosts with an origin each, and a route of every kind.
pub struct Fixture {
    pub site: Origin,
    pub other: Origin,
    /// What `site` is, for pages whose origin fails.
    pub failing: Origin,
    pub worker: Worker,
}

pub static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let [site, other, failing] = [(); 3].map(|()| Origin::start());
    let before = |origin: &Origin, host: &str| {
        let (origin, host) = (origin.url(), host.to_owned());
        move |mut route: Value| {
            route["origin"] = origin.clone().into();
            route["host"] = host.clone().into();
            route
        }
    };
    let everything_else = || [json!({ "path": "*", "cache": "pass" })];
    let elsewhere = [json!({ "path": "/pub/*", "cache": "force", "ttl": 60 })].into_iter().chain(everything_else());
    let routes: Vec<_> = (elsewhere.map(before(&other, "other.test")))
        .chain(site_routes().chain(everything_else()).map(before(&failing, "failing.test")))
        .chain(site_routes())
        .collect();
    // Most attacks end at the key, so most pages are kept in memory alone, which is quick; `/tiers/*` are not.
    let vars = vars(
        &site.url(),
        &json!({
            "HOSTS": ["site.test", "other.test", "failing.test"],
            "SITE": { "cache": "pass" },
            "CACHES": { "default": { "tiers": ["memory"] }, "all": { "tiers": ["memory", "colo", "kv"] } },
            "ROUTES": routes,
        }),
    );
    let worker = Worker::start(&vars);
    Fixture { site, other, failing, worker }
});

/// The routes of `site.test`.
fn site_routes() -> impl Iterator<Item = Value> {
    let forced = [
        json!({ "path": "/pub/*", "stale_while_revalidate": 60, "stale_if_error": 600 }),
        json!({ "path": "/tiers/*", "store": "all", "collapse": "global" }),
        json!({ "path": "/q/*", "query": { "ignore": ["utm_*", "gclid", "fbclid"] } }),
        json!({ "path": "/sorted/*", "query": { "sort": true } }),
        json!({ "path": "/user/*", "vary_cookie": ["sid"], "stale_if_error": 86400 }),
        json!({ "path": "/static/*", "ttl": 3600, "match_type": true }),
        json!({ "path": "*.css", "ttl": 3600, "match_type": true }),
        json!({ "path": "/robots.txt" }),
        json!({ "path": "/favicon.ico" }),
        json!({ "path": "/draft/*", "bypass_cookie": ["draft"] }),
        json!({
            "path": "/api/*",
            "vary_header": { "Accept": "raw", "Accept-Language": ["en", "de"], "Accept-Encoding": "ignore" }
        }),
        json!({ "path": "/neg/*", "status_ttl": { "404": 5 } }),
        json!({ "path": "/moved/*", "status_ttl": { "301": 60, "302": 60, "308": 60 } }),
    ];
    let route = |mut route: Value| {
        for (key, value) in [("cache", json!("force")), ("ttl", json!(60)), ("collapse", json!("isolate"))] {
            if route.get(key).is_none() {
                route[key] = value;
            }
        }
        route
    };
    forced.map(route).into_iter().chain([json!({ "path": "/plain/*", "cache": "origin" })])
}

impl Fixture {
    pub fn client(&self) -> Client {
        self.worker.client("site.test")
    }
}

/// What an origin answers.
pub type Script = fn(&Asked) -> Answer;

/// Every field of a request, in the body: whatever reaches the origin shows.
pub fn echo(asked: &Asked) -> Answer {
    let mut fields: Vec<_> =
        asked.headers.iter().map(|(name, value)| format!("{}: {value}", name.to_ascii_lowercase())).collect();
    fields.sort();
    let body = format!("{}\n{}\nbody={}", asked.marker(), fields.join("\n"), String::from_utf8_lossy(&asked.body));
    Answer::ok(&[("Cache-Control", "max-age=60")], body)
}
