//! AD: what our own answers show, and to whom.

use serde_json::json;

use super::{FIXTURE, State, brought_to, sweep, trial};
use crate::support::{Answer, Options, Origin, Reply, Worker, until, vars};

const ADMIN: (&str, &str) = ("Authorization", "Bearer admin-token");

/// An answer that no browser takes for a page with scripts.
fn is_no_page(reply: &Reply, case: &str) {
    let kind = reply.header("content-type").unwrap_or_default();
    let plain =
        ["application/problem+json", "application/json", "application/octet-stream", "text/plain; charset=utf-8"];
    assert!(plain.contains(&kind.as_str()), "{case}: {kind}");
    assert_eq!(reply.header("x-content-type-options").as_deref(), Some("nosniff"), "{case}");
}

#[test]
fn ad_15_nothing_of_ours_is_a_page_that_could_run_a_script() {
    // There is no dashboard yet: what we answer ourselves is JSON, plain text, or a value as it was sent.
    let script = "<script>alert(1)</script>";
    let client = FIXTURE.client();
    let hostile = [("User-Agent", script), ("Referer", script), ("If-None-Match", script), ("Cookie", script)];
    let with_token = [&hostile[..], &[ADMIN]].concat();
    client.get("/pub/ad-15/%3Cscript%3Ealert(1)%3C/script%3E", &hostile);
    let purge = json!({ "tags": [script, 7] }).to_string();
    let fine = json!({ "tags": [script], "dry_run": true }).to_string();
    client.request("PUT", "/_larder/cache/default/keys/ad-15", &[ADMIN, ("Content-Type", "text/html")], script);
    for (case, method, target, fields, body) in [
        ("shell", "GET", "/_larder/", &with_token, ""),
        ("nothing", "GET", "/_larder/%3Cscript%3Ealert(1)%3C/script%3E", &with_token, ""),
        ("query", "GET", "/_larder/health?%3Cscript%3E", &with_token, ""),
        ("purge", "POST", "/_larder/purge", &with_token, purge.as_str()),
        ("receipt", "POST", "/_larder/purge", &with_token, fine.as_str()),
        ("json", "POST", "/_larder/purge", &with_token, script),
        ("value", "GET", "/_larder/cache/default/keys/ad-15", &with_token, ""),
        ("key", "GET", "/_larder/cache/default/keys/%3Cscript%3E?default=%3Cscript%3E", &with_token, ""),
        ("alias", "GET", "/_larder/cache/%3Cscript%3E/keys/x", &with_token, ""),
        ("parameter", "GET", "/_larder/cache/default/keys/x?%3Cscript%3E=1", &with_token, ""),
        ("pattern", "GET", "/_larder/cache/default/pattern/*", &with_token, ""),
        ("list", "POST", "/_larder/cache/default/many", &with_token, "{\"get\":[\"</script>\"]}"),
        ("unauthorised", "GET", "/_larder/%3Cscript%3E", &hostile.to_vec(), ""),
    ] {
        trial(&format!("AD-15 {case}"), State::Any, || {
            is_no_page(&client.request(method, target, fields, body), case);
        });
    }
    trial("AD-15 host", State::Any, || {
        is_no_page(&client.at("evil.test").get("/%3Cscript%3E", &hostile), "not served");
        let odd = client.raw(b"GET / HTTP/1.1\r\nHost: <script>\r\nConnection: close\r\n\r\n");
        assert!(odd.status >= 400 && !odd.contains("<script>"), "{}", odd.text());
    });
    trial("AD-15 configuration", State::Any, || {
        let broken = Worker::start(&json!({ "ORIGIN": script, "<script>": 1 }));
        for target in ["/", "/_larder/health"] {
            is_no_page(&broken.client("site.test").get(target, &[]), "a mistake in the configuration");
        }
    });
}

#[test]
fn ad_17_what_only_we_should_know_is_shown_to_nobody_without_a_token() {
    let asks = [
        ("Larder-Debug", "1"),
        ("Larder-Debug", "true"),
        ("Larder-Debug", "wrong"),
        ("Larder-Debug", "Bearer admin-token"),
        ("Pragma", "x-get-cache-key, akamai-x-get-cache-key, akamai-x-cache-on, akamai-x-get-true-cache-key"),
        ("Fastly-Debug", "1"),
        ("X-Cache-Debug", "1"),
        ("X-Debug", "1"),
        ("CDN-Debug", "1"),
        ("X-Varnish-Debug", "1"),
    ];
    for (number, ask) in asks.iter().enumerate() {
        sweep(&format!("AD-17 {number} {}", ask.0), |state| {
            let mut page = brought_to(state, &format!("/pub/ad-17-{number}-{state}"), &[], |asked| {
                let fields = [
                    ("Cache-Control", "max-age=60"),
                    ("Cache-Tag", "secret-tag"),
                    ("Surrogate-Key", "secret-tag"),
                    ("Surrogate-Control", "max-age=60, x=\"secret-tag\""),
                    ("Larder-Tags", "secret-tag"),
                    ("Larder-Cache-Control", "max-age=60"),
                ];
                Answer::ok(&fields, asked.marker())
            });
            let seen = page.ask(|client, path| client.get(path, &[*ask]));
            assert!(!seen.contains("secret-tag"), "{state}: {:?}", seen.headers);
            assert!(!seen.cache_status().contains("key="), "{state}: {}", seen.cache_status());
            for (name, value) in &seen.headers {
                let name = name.to_ascii_lowercase();
                assert!(!name.starts_with("larder-") && !name.starts_with("x-cache"), "{state}: {name}");
                let looks_like_a_key = value.len() >= 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
                assert!(!looks_like_a_key, "{state}: {name}: {value}");
            }
        });
    }
}

#[test]
fn ad_18_what_failed_is_not_told_to_visitors() {
    let origin = Origin::start();
    let [garbage, refusing] = [Origin::start(), Origin::start()];
    garbage.on("/garbage/x", |_| Answer::raw("secret-of-the-origin\r\n\r\n"));
    let port = refusing.address.port();
    let more = json!({
        "ROUTES": [
            { "path": "/garbage/*", "origin": garbage.url(), "cache": "force", "ttl": 60 },
            { "path": "/refused/*", "origin": "http://127.0.0.1:9", "cache": "force", "ttl": 60 },
            { "path": "/passed/*", "origin": "http://127.0.0.1:9", "cache": "pass" },
            { "path": "/strict/*", "cache": "force", "ttl": 60, "strict_purge": true, "collapse": "global" },
            { "path": "/*", "cache": "force", "ttl": 60 },
        ],
        "CACHES": { "default": { "tiers": ["kv", "redis"] } },
        "REDIS": { "protocol": "webdis", "url": format!("http://127.0.0.1:{port}/secret-path") },
    });
    refusing.on("/", |_| Answer::new(500, &[], "secret-of-redis"));
    let mut options = Options { stand_ins: json!({ "CACHE": "Down" }), ..Options::default() };
    options.secrets["REDIS_TOKEN"] = "secret:redis-token".into();
    let worker = Worker::with(&vars(&origin.url(), &more), &options);
    let client = worker.client("site.test");
    let hidden =
        ["secret", "127.0.0.1", "admin-token", "identity-key", "c2VjcmV0", "panick", ".rs", "wasm", "larder:1:"];
    let check = |case: &str, reply: &Reply, allowed: &[u16]| {
        assert!(allowed.contains(&reply.status), "{case}: {}", reply.status);
        for word in hidden {
            assert!(!reply.contains(word), "{case} shows {word}: {:?} {}", reply.headers, reply.text());
        }
    };
    for (case, method, target, allowed) in [
        ("stores down", "GET", "/page", &[200][..]),
        ("strict", "GET", "/strict/page", &[200]),
        ("garbage", "GET", "/garbage/x", &[502]),
        ("refused", "GET", "/refused/x", &[502]),
        ("passed", "GET", "/passed/x", &[502]),
        ("post", "POST", "/refused/x", &[502]),
        ("health", "GET", "/_larder/health", &[200]),
        ("purge", "POST", "/_larder/purge", &[401]),
        ("cells", "GET", "/_larder/cache/default/keys/x", &[401]),
        ("method", "PURGE", "/page", &[401]),
    ] {
        for state in [State::Cold, State::Fresh] {
            trial(&format!("AD-18 {case}"), state, || {
                check(case, &client.request(method, target, &[("X-A", "<script>")], ""), allowed);
            });
        }
    }
    trial("AD-18 low level", State::Any, || {
        let reply = until(|| {
            let reply = client.get("/_larder/cache/default/keys/x", &[ADMIN]);
            (reply.status == 503).then_some(reply)
        });
        check("low level", &reply, &[503]);
        check("health of all", &client.get("/_larder/health", &[ADMIN]), &[200]);
    });
    trial("AD-18 log", State::Any, || {
        let log = worker.log();
        for secret in ["redis-token", "admin-token", "identity-key", "c2VjcmV0", "secret-of"] {
            assert!(!log.contains(secret), "the log shows {secret}: {log}");
        }
    });
    trial("AD-18 configuration", State::Any, || {
        let misread = "https://deploy:hunter2@origin.example.com";
        let broken = Worker::start(
            &json!({ "ORIGIN": misread, "REDIS": { "protocol": "webdis", "url": "redis://:hunter2@db" } }),
        );
        for target in ["/", "/_larder/health"] {
            let reply = broken.client("site.test").get(target, &[]);
            assert!(!reply.contains("hunter2"), "{target}: {}", reply.text());
        }
        assert!(!broken.log().contains("hunter2"), "{}", broken.log());
    });
}
