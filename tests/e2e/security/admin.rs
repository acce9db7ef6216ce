//! AD: who may purge, see and steer, and what the answer shows.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{FIXTURE, State, brought_to, echo, sweep, trial};
use crate::support::{Answer, Client, Options, Origin, Reply, Worker, until, vars};

const ADMIN: (&str, &str) = ("Authorization", "Bearer admin-token");

/// What is reserved, in every spelling that somebody might take for it.
const RESERVED: [&str; 14] = [
    "/_larder/",
    "/_larder/purge",
    "/_larder/stats",
    "/_larder/cache/default/keys/x",
    "/_larder",
    "/_LARDER/purge",
    "//_larder/purge",
    "///_larder//purge",
    "/x/../_larder/purge",
    "/./_larder/purge",
    "/_larder;x/purge",
    "/_larder%2fpurge",
    "/%5flarder/purge",
    "/%5F%6c%61rder/purge",
];

/// A site whose administration has no token.
static CLOSED: LazyLock<(Origin, Vec<Worker>)> = LazyLock::new(|| {
    let origin = Origin::start();
    let secrets = [json!({ "ADMIN_TOKEN": "" }), json!({ "PURGE_TOKEN": "p", "READ_TOKEN": "r" })];
    let start =
        |secrets: Value| Worker::with(&vars(&origin.url(), &json!({})), &Options { secrets, ..Options::default() });
    let workers = secrets.map(start).into();
    (origin, workers)
});

fn raw(client: &Client, method: &str, target: &str, fields: &str) -> Reply {
    client.raw(format!("{method} {target} HTTP/1.1\r\nHost: site.test\r\n{fields}Connection: close\r\n\r\n").as_bytes())
}

#[test]
fn ad_01_nobody_purges_by_a_method_or_a_field_of_their_own() {
    for (case, method, fields) in [
        ("purge", "PURGE", &[][..]),
        ("purge-token", "PURGE", &[("Authorization", "Bearer wrong")]),
        ("ban", "BAN", &[]),
        ("refresh", "REFRESH", &[]),
        ("x-purge", "GET", &[("X-Purge", "1")]),
        ("soft", "GET", &[("Fastly-Soft-Purge", "1"), ("Fastly-Purge", "1")]),
        ("method", "GET", &[("X-HTTP-Method-Override", "PURGE")]),
        ("ban-field", "GET", &[("X-Ban-Url", ".*"), ("Surrogate-Key", "x"), ("Cache-Group-Invalidation", "\"x\"")]),
    ] {
        sweep(&format!("AD-01 {case}"), |state| {
            let path = format!("/pub/ad-01-{case}-{state}");
            let mut page = brought_to(state, &path, &[], echo);
            let before = (state != State::Cold && state != State::Filling).then(|| page.look());
            page.ask(|client, path| client.request(method, path, fields, ""));
            if let Some(before) = before.filter(|_| state != State::StaleWhileRevalidate) {
                assert_eq!(page.look().text(), before.text(), "{case}: the page is gone");
            }
            let strange = page.origin.asked(&path).into_iter().find(|asked| asked.method != "GET");
            assert!(strange.is_none(), "{case} reached the origin: {strange:?}");
        });
    }
    trial("AD-01 refused post", State::Fresh, || {
        FIXTURE.site.on("/pub/ad-01-post", |asked| match asked.method.as_str() {
            "POST" => Answer::new(405, &[], ""),
            _ => Answer::ok(&[("Cache-Control", "max-age=60")], asked.marker()),
        });
        let client = FIXTURE.client();
        client.get("/pub/ad-01-post", &[]);
        assert_eq!(client.request("POST", "/pub/ad-01-post", &[("X-Purge", "1")], "x").status, 405);
        assert!(client.get("/pub/ad-01-post", &[]).is_hit(), "what the origin refused changed nothing");
    });
}

#[test]
fn ad_02_nothing_but_the_token_in_its_place_is_the_token() {
    let client = FIXTURE.client();
    let long = format!("Authorization: Bearer {}\r\n", "x".repeat(1 << 20));
    let mut bodies = Vec::new();
    for (case, fields, target) in [
        ("none", "", ""),
        ("empty", "Authorization: \r\n", ""),
        ("scheme", "Authorization: Bearer\r\n", ""),
        ("blank", "Authorization: Bearer \r\n", ""),
        ("basic", "Authorization: Basic admin-token\r\n", ""),
        ("basic-coded", "Authorization: Basic YWRtaW4tdG9rZW4=\r\n", ""),
        ("bare", "Authorization: admin-token\r\n", ""),
        ("case", "Authorization: Bearer ADMIN-TOKEN\r\n", ""),
        ("prefix", "Authorization: Bearer admin-toke\r\n", ""),
        ("suffix", "Authorization: Bearer admin-token2\r\n", ""),
        ("folded", "Authorization: Bearer admin-token\r\n x\r\n", ""),
        ("quoted", "Authorization: Bearer \"admin-token\"\r\n", ""),
        ("two-tokens", "Authorization: Bearer admin-token wrong\r\n", ""),
        ("two-lines", "Authorization: Bearer wrong\r\nAuthorization: Bearer admin-token\r\n", ""),
        ("comma", "Authorization: Bearer wrong, Bearer admin-token\r\n", ""),
        ("latin", "Authorization: Bearer admin-token\u{e9}\r\n", ""),
        ("long", long.as_str(), ""),
        ("query", "", "?token=admin-token&access_token=admin-token"),
        ("cookie", "Cookie: ADMIN_TOKEN=admin-token; token=admin-token\r\n", ""),
        ("proxy", "Proxy-Authorization: Bearer admin-token\r\n", ""),
        ("other-field", "X-Admin-Token: admin-token\r\nLarder-Token: admin-token\r\n", ""),
        ("debug", "Larder-Debug: admin-token\r\n", ""),
    ] {
        trial(&format!("AD-02 {case}"), State::Any, || {
            let body = r#"{"everything":true,"token":"admin-token"}"#;
            let length = format!("{fields}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
            let target = format!("/_larder/purge{target}");
            let request = format!("POST {target} HTTP/1.1\r\nHost: site.test\r\n{length}");
            let reply = client.raw(request.as_bytes());
            // The runtime may refuse fields of such a length, or such lines, by itself.
            let by_runtime = ["long", "folded"].contains(&case) && (reply.status == 0 || reply.status >= 400);
            assert!(reply.status == 401 || by_runtime, "{case}: {}", reply.status);
            if reply.status == 401 {
                bodies.push(reply.text());
            }
        });
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "the answer is always the same: {bodies:?}");
    assert!(!bodies[0].contains("token-"), "{bodies:?}");
    let fine =
        client.request("POST", "/_larder/purge", &[("Authorization", "bearer admin-token")], r#"{"tags":["ad-02"]}"#);
    assert_eq!(fine.status, 200, "or the trials above could not fail");
}

#[test]
fn ad_03_without_a_token_nothing_is_open_and_pages_are_served() {
    let (origin, workers) = &*CLOSED;
    for (number, worker) in workers.iter().enumerate() {
        let client = worker.client("site.test");
        for fields in [
            "",
            "Authorization: Bearer \r\n",
            "Authorization: Bearer\r\n",
            "Authorization: Bearer p\r\n",
            "Authorization: Bearer r\r\n",
        ] {
            for target in RESERVED {
                trial(&format!("AD-03 {number} {target}"), State::Any, || {
                    for method in ["GET", "POST"] {
                        let reply = raw(&client, method, target, &format!("{fields}Content-Length: 0\r\n"));
                        assert_eq!(reply.status, 404, "{method} {target} {fields}");
                    }
                });
            }
            trial(&format!("AD-03 {number} purge"), State::Any, || {
                assert_eq!(raw(&client, "PURGE", "/page", fields).status, 405);
            });
        }
        assert_eq!(client.get("/page", &[]).status, 200);
        assert!(client.get("/page", &[("Larder-Debug", "")]).cache_status().find("key=").is_none());
    }
    assert!(origin.asked("").iter().all(|asked| asked.target == "/page"));
}

#[test]
fn ad_05_what_looks_like_ours_is_ours_and_goes_nowhere() {
    let client = FIXTURE.client();
    for target in RESERVED {
        trial(&format!("AD-05 {target}"), State::Any, || {
            for fields in ["", "Authorization: Bearer wrong\r\n", "Larder-Debug: admin-token\r\n"] {
                for method in ["GET", "HEAD", "POST", "DELETE", "OPTIONS"] {
                    let reply = raw(&client, method, target, &format!("{fields}Content-Length: 0\r\n"));
                    assert_eq!(reply.status, 401, "{method} {target} {fields}");
                }
            }
        });
    }
    trial("AD-05 out again", State::Any, || {
        let reply = raw(&client, "GET", "/_larder/../pub/ad-05", "");
        assert!(reply.text().contains("p=/pub/ad-05 "), "what leads out of it is a page: {}", reply.text());
    });
    for origin in [&FIXTURE.site, &FIXTURE.other, &FIXTURE.failing] {
        let leaked = origin.asked("").into_iter().find(|asked| asked.target.to_lowercase().contains("larder"));
        assert!(leaked.is_none(), "{leaked:?}");
    }
}

#[test]
fn ad_06_nothing_of_ours_is_kept_by_anybody() {
    let client = FIXTURE.client();
    for (method, target, fields) in [
        ("GET", "/_larder/health", &[][..]),
        ("GET", "/_larder/health", &[ADMIN]),
        ("GET", "/_larder/purge", &[]),
        ("GET", "/_larder/purge", &[ADMIN]),
        ("POST", "/_larder/purge", &[ADMIN]),
        ("GET", "/_larder/nothing", &[ADMIN]),
        ("GET", "/_larder/cache/default/keys/ad-06", &[ADMIN]),
        ("PURGE", "/pub/ad-06", &[ADMIN]),
        ("PURGE", "/pub/ad-06", &[]),
    ] {
        trial(&format!("AD-06 {method} {target} {}", fields.len()), State::Any, || {
            let reply = client.request(method, target, fields, "");
            assert_eq!(reply.header("cache-control").as_deref(), Some("no-store"), "{method} {target}");
            assert_eq!(reply.header("cloudflare-cdn-cache-control").as_deref(), Some("no-store"), "{method} {target}");
            assert!(!reply.is_hit() && !reply.cache_status().contains("stored"), "{}", reply.cache_status());
        });
    }
    trial("AD-06 anonymous after admin", State::Any, || {
        assert!(client.get("/_larder/health", &[ADMIN]).text().contains("details"));
        assert!(!client.get("/_larder/health", &[]).text().contains("details"));
    });
}

#[test]
fn ad_07_another_site_changes_nothing_through_a_visitors_browser() {
    let client = FIXTURE.client();
    until(|| client.get("/pub/ad-07", &[]).is_hit().then_some(()));
    let evil = ("Origin", "https://evil.test");
    let cookie = ("Cookie", "ADMIN_TOKEN=admin-token; Authorization=Bearer admin-token");
    for (case, method, target, fields, body) in [
        (
            "fetch",
            "POST",
            "/_larder/purge",
            &[evil, cookie, ("Content-Type", "text/plain")][..],
            r#"{"everything":true}"#,
        ),
        (
            "form",
            "POST",
            "/_larder/purge",
            &[evil, cookie, ("Content-Type", "application/x-www-form-urlencoded")],
            "everything=true",
        ),
        ("image", "GET", "/_larder/purge?everything=true", &[cookie], ""),
        (
            "preflight",
            "OPTIONS",
            "/_larder/purge",
            &[evil, ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization")],
            "",
        ),
        ("preflight-token", "OPTIONS", "/_larder/purge", &[evil, ADMIN, ("Access-Control-Request-Method", "POST")], ""),
        ("token", "GET", "/_larder/purge?everything=true", &[evil, ADMIN], ""),
        ("put", "PUT", "/_larder/purge", &[ADMIN], r#"{"everything":true}"#),
        ("delete", "DELETE", "/_larder/purge", &[ADMIN], ""),
        ("incr", "GET", "/_larder/cache/default/keys/ad-07/incr", &[ADMIN], ""),
        ("clear", "GET", "/_larder/cache/default/all", &[ADMIN], ""),
        ("get-many", "GET", "/_larder/cache/default/many", &[ADMIN], ""),
        ("other-host", "POST", "http://other.test/_larder/purge", &[evil, cookie], r#"{"everything":true}"#),
    ] {
        trial(&format!("AD-07 {case}"), State::Fresh, || {
            let reply = client.request(method, target, fields, body);
            assert!(reply.status >= 400, "{case}: {}", reply.status);
            for name in reply.headers.iter().map(|(name, _)| name.to_ascii_lowercase()) {
                assert!(!name.starts_with("access-control-"), "{case}: {name}");
            }
            assert!(client.get("/pub/ad-07", &[]).is_hit(), "{case}");
        });
    }
}
