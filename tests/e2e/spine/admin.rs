//! What is ours: health, tokens, configuration, stores.

use serde_json::{Value, json};

use super::{WORLD, client, get};
use crate::support::{Answer, Asked, Options, Worker, vars};

fn health(worker: &Worker, token: &str) -> (u16, Value) {
    let authorization = format!("Bearer {token}");
    let fields: &[(&str, &str)] = if token.is_empty() { &[] } else { &[("Authorization", &authorization)] };
    let reply = worker.client("site.test").get("/_larder/health", fields);
    (reply.status, serde_json::from_str(&reply.text()).unwrap_or_default())
}

#[test]
fn the_key_is_shown_to_those_who_may_see_it() {
    for (token, shown) in [("admin-token", true), ("read-token", true), ("wrong", false), ("", false)] {
        let reply = client().get("/debug", &[("Larder-Debug", token)]);
        assert_eq!(reply.cache_status().contains("key=\""), shown, "{token}");
    }
    assert!(!get("/debug").cache_status().contains("key="));
    assert!(WORLD.origin.asked("/debug").iter().all(|asked| asked.header("larder-debug").is_none()));
}

#[test]
fn health_says_to_everyone_that_it_works_and_to_those_who_may_know_of_what() {
    let (status, shown) = health(&WORLD.worker, "");
    assert_eq!((status, &shown), (200, &json!({ "status": "ok" })));
    let (_, shown) = health(&WORLD.worker, "read-token");
    let names: Vec<_> = shown["details"]["tiers"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|tier| (tier["name"].as_str(), tier["status"].as_str()))
        .collect();
    assert_eq!(names, [(Some("colo"), Some("ok")), (Some("kv"), Some("ok")), (Some("memory"), Some("ok"))]);
    let without = Worker::with(&vars(&WORLD.origin.url(), &json!({})), &Options { kv: false, ..Options::default() });
    let (_, shown) = health(&without, "admin-token");
    assert!(
        shown["details"]["tiers"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|tier| tier["name"] == "kv" && tier["status"] == "absent"),
        "{shown}"
    );
    assert!(without.client("site.test").get("/page", &[]).status == 200);
}

#[test]
fn nothing_else_under_our_prefix_shows_itself_without_a_token() {
    let closed = Worker::with(
        &vars(&WORLD.origin.url(), &json!({})),
        &Options { secrets: json!({ "ADMIN_TOKEN": "" }), ..Options::default() },
    );
    let reserved = [
        "/_larder/",
        "/_larder/purge",
        "/_larder/stats",
        "/_larder",
        "/_LARDER/purge",
        "//_larder/purge",
        "/x/../_larder/purge",
        "/_larder;x/purge",
        "/_larder%2fpurge",
        "/%5flarder/purge",
    ];
    for target in reserved {
        let ask = |worker: &Worker, fields: &str| {
            worker.client("site.test").raw(
                format!("GET {target} HTTP/1.1\r\nHost: site.test\r\n{fields}Connection: close\r\n\r\n").as_bytes(),
            )
        };
        assert_eq!(ask(&closed, "").status, 404, "{target}");
        assert_eq!(ask(&closed, "Authorization: Bearer \r\n").status, 404, "{target}");
        for token in [
            "",
            "Authorization: Bearer\r\n",
            "Authorization: Bearer wrong\r\n",
            "Authorization: Basic admin-token\r\n",
            "Authorization: Bearer admin-token2\r\n",
        ] {
            assert_eq!(ask(&WORLD.worker, token).status, 401, "{target} {token}");
        }
    }
    assert!(
        WORLD.origin.asked("").iter().all(|asked| !asked.target.to_lowercase().contains("larder")),
        "none of it reached the origin"
    );
}

#[test]
fn our_token_goes_no_further_than_us() {
    get("/token");
    client().get("/token", &[("Authorization", "Bearer admin-token")]);
    client().request("POST", "/token", &[("Authorization", "Bearer read-token")], "x");
    assert!(WORLD.origin.asked("/token").iter().all(|asked| asked.header("authorization").is_none()));
}

#[test]
fn f_58_a_bad_configuration_passes_everything_and_says_so() {
    let worker = Worker::start(&vars(&WORLD.origin.url(), &json!({ "SITE": { "cash": "force" } })));
    let client = worker.client("site.test");
    for _ in 0..2 {
        let reply = client.get("/broken-config", &[]);
        assert_eq!(reply.cache_status(), "Larder; fwd=bypass; fwd-status=200; detail=config-invalid");
    }
    assert_eq!(WORLD.origin.asked("/broken-config").len(), 2);
    let (status, shown) = health(&worker, "");
    assert_eq!((status, shown["status"].as_str()), (503, Some("config-invalid")));
    assert_eq!(shown["configuration"][0], "SITE.cash: unknown key; did you mean `cache`?");
    let lost = Worker::start(&json!({ "ORIGIN": "nowhere" }));
    let reply = lost.client("site.test").get("/", &[]);
    assert_eq!((reply.status, reply.header("content-type").as_deref()), (500, Some("text/plain; charset=utf-8")));
    assert!(reply.text().contains("ORIGIN: found \"nowhere\"; wanted scheme and host"), "{}", reply.text());
    let misspelt = Worker::start(&vars(&WORLD.origin.url(), &json!({ "ROUTE": [{ "path": "/x" }] })));
    assert_eq!(health(&misspelt, "").1["configuration"][0], "ROUTE: unknown key; did you mean `ROUTES`?");
}

#[test]
fn what_one_process_stored_another_finds() {
    let folder = std::env::temp_dir().join(format!("larder-persist-{}", std::process::id()));
    let options = || Options { persist: Some(folder.to_string_lossy().into_owned()), ..Options::default() };
    let page = {
        let worker = Worker::with(
            &vars(&WORLD.origin.url(), &json!({ "CACHES": { "default": { "tiers": ["kv"] } } })),
            &options(),
        );
        let client = worker.client("site.test");
        WORLD.origin.on("/kept", |asked: &Asked| Answer::ok(&[("Cache-Control", "max-age=600")], asked.marker()));
        let first = client.get("/kept", &[]).text();
        let stored = (0..200).any(|_| client.get("/kept", &[]).is_hit());
        assert!(stored, "KV takes it after the answer");
        first
    };
    let worker = Worker::with(&vars(&WORLD.origin.url(), &json!({})), &options());
    let found = worker.client("site.test").get("/kept", &[]);
    assert!(found.is_hit() && found.text() == page, "{}", found.cache_status());
    drop(worker);
    std::fs::remove_dir_all(&folder).expect("it is removed");
}
