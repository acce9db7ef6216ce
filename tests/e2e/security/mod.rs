//! Published attacks on shared caches, each as a dialogue of attacker, victim, cache and origin.
//!
//! A case is safe if what the victim gets is what it would have got had the attacker never been there: never judged by a status
//! field alone.

mod deception;
mod directives;
mod keys;
mod leakage;
mod unkeyed;

use std::sync::LazyLock;

use serde_json::json;

use crate::support::{Answer, Asked, Client, Origin, Reply, Worker, vars};

/// Two hosts, two origins, and a route of every kind.
pub struct Fixture {
    pub site: Origin,
    pub other: Origin,
    pub worker: Worker,
}

pub static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let (site, other) = (Origin::start(), Origin::start());
    let vars = vars(
        &site.url(),
        &json!({
            "HOSTS": ["site.test", "other.test"],
            "SITE": { "cache": "pass" },
            "ROUTES": [
                { "path": "/pub/*", "host": "other.test", "origin": other.url(), "cache": "force", "ttl": 60 },
                { "path": "*", "host": "other.test", "origin": other.url(), "cache": "pass" },
                { "path": "/pub/*", "cache": "force", "ttl": 60, "stale_while_revalidate": 60, "stale_if_error": 600 },
                { "path": "/q/*", "cache": "force", "ttl": 60, "query": { "ignore": ["utm_*", "gclid", "fbclid"] } },
                { "path": "/sorted/*", "cache": "force", "ttl": 60, "query": { "sort": true } },
                { "path": "/user/*", "cache": "force", "ttl": 60, "vary_cookie": ["sid"], "stale_if_error": 86400 },
                { "path": "/static/*", "cache": "force", "ttl": 3600, "match_type": true },
                { "path": "*.css", "cache": "force", "ttl": 3600, "match_type": true },
                { "path": "/draft/*", "cache": "force", "ttl": 60, "bypass_cookie": ["draft"] },
                {
                    "path": "/api/*", "cache": "force", "ttl": 60,
                    "vary_header": { "Accept": "raw", "Accept-Language": ["en", "de"], "Accept-Encoding": "ignore" }
                },
                { "path": "/neg/*", "cache": "force", "ttl": 60, "status_ttl": { "404": 5 } },
                { "path": "/plain/*", "cache": "origin" },
            ],
        }),
    );
    let worker = Worker::start(&vars);
    Fixture { site, other, worker }
});

impl Fixture {
    pub fn client(&self) -> Client {
        self.worker.client("site.test")
    }
}

/// Every field of a request, in the body: whatever reaches the origin shows.
pub fn echo(asked: &Asked) -> Answer {
    let mut fields: Vec<_> =
        asked.headers.iter().map(|(name, value)| format!("{}: {value}", name.to_ascii_lowercase())).collect();
    fields.sort();
    let body = format!("{}\n{}\nbody={}", asked.marker(), fields.join("\n"), String::from_utf8_lossy(&asked.body));
    Answer::ok(&[("Cache-Control", "max-age=60")], body)
}

/// What a victim saw, without what differs from one request to the next.
pub fn clean(reply: &Reply, path: &str) -> (u16, String) {
    let text = reply.text().replace(path, "PATH");
    let (head, rest) = text.split_once(" n=").unwrap_or((&text, ""));
    (reply.status, format!("{head}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit())))
}

/// The attacker asks, the victim asks; both again; and the victim first, then the attacker. In none of it does the victim see
/// anything but the page.
pub fn poison(case: &str, prefix: &str, attack: impl Fn(&Client, &str) -> Reply, marker: &str) {
    let fixture = &*FIXTURE;
    let client = fixture.client();
    let paths = ["cold", "fresh", "twin"]
        .map(|state| format!("{prefix}{}-{state}", case.to_lowercase().replace([' ', ':'], "-")));
    for path in &paths {
        fixture.site.on(path, echo);
    }
    let [cold, fresh, twin] = &paths;
    let expected = clean(&client.get(twin, &[]), twin);
    assert_eq!(expected.0, 200, "{case}");
    let look = |path: &str, moment: &str| {
        let seen = client.get(path, &[]);
        assert!(!seen.contains(marker), "{case}, {moment}: {}", seen.text());
        assert_eq!(clean(&seen, path), expected, "{case}, {moment}");
    };
    for moment in ["after the attack", "after a second attack"] {
        attack(&client, cold);
        look(cold, moment);
        look(cold, moment);
    }
    look(fresh, "before the attack");
    attack(&client, fresh);
    look(fresh, "with the page already there");
}

/// The victim visits a URL, signed in; then somebody without a cookie, and somebody else. Nobody sees the victim's name.
pub fn deceive(case: &str, target: &str) {
    let client = FIXTURE.client();
    client.get(target, &[("Cookie", "sid=alice")]);
    for cookie in [&[][..], &[("Cookie", "sid=bob")]] {
        let seen = client.get(target, cookie);
        assert!(!seen.contains("alice"), "{case} {target}: {}", seen.text());
    }
}

/// The page of whoever asks, as an application sends it that says nothing of caching.
pub fn account(asked: &Asked) -> Answer {
    Answer::ok(&[("Content-Type", "text/html")], asked.marker())
}
