//! AD: what a purge or a call to the low-level cache may ask for, and how often.

use std::sync::LazyLock;
use std::thread;

use serde_json::{Value, json};

use super::{FIXTURE, State, trial};
use crate::support::{Client, Options, Origin, Reply, Worker, until, vars};

const ADMIN: (&str, &str) = ("Authorization", "Bearer admin-token");

struct World {
    _origin: Origin,
    worker: Worker,
}

/// A site of its own: what is purged here is nobody else's.
static WORLD: LazyLock<World> = LazyLock::new(|| {
    let origin = Origin::start();
    let more = json!({
        "HOSTS": ["site.test", "other.test"],
        "SITE": { "cache": "force", "ttl": 600, "tags": ["site"], "collapse": "isolate" },
        "CACHES": { "default": { "tiers": ["memory"] } },
    });
    let mut options = Options::default();
    options.secrets["PURGE_TOKEN"] = "purge-token".into();
    let worker = Worker::with(&vars(&origin.url(), &more), &options);
    World { _origin: origin, worker }
});

fn client() -> Client {
    WORLD.worker.client("site.test")
}

fn purge(body: &str) -> Reply {
    client().request("POST", "/_larder/purge", &[ADMIN], body)
}

fn keep(client: &Client, path: &str) {
    until(|| client.get(path, &[]).is_hit().then_some(()));
}

#[test]
fn ad_09_a_purge_means_what_it_says_and_no_more() {
    let kept = ["/ad-09/a", "/ad-09/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "/ad-09/b*", "/ad-09/(a+)+$"];
    for (case, body, gone) in [
        ("dots", json!({ "prefixes": ["/ad-09/../x"] }), &[][..]),
        ("up", json!({ "tags": ["../", "*", ".*", "si*", "SITE", "site "] }), &[]),
        ("regex", json!({ "prefixes": ["/ad-09/(a+)+$"] }), &["/ad-09/(a+)+$"]),
        ("class", json!({ "patterns": ["/ad-09/[ab]", "/ad-09/.", "/ad-09/a?"] }), &[]),
        ("stars", json!({ "patterns": [format!("/ad-09/{}", "a*".repeat(500)) + "b"] }), &[]),
        ("host", json!({ "hosts": ["*", "*.test", "sit"] }), &[]),
        ("other", json!({ "urls": ["http://other.test/ad-09/a"] }), &[]),
    ] {
        trial(&format!("AD-09 {case}"), State::Fresh, || {
            kept.iter().for_each(|path| keep(&client(), path));
            let reply = purge(&body.to_string());
            assert!([200, 400].contains(&reply.status), "{case}: {}", reply.text());
            for path in kept.iter().filter(|path| !gone.contains(path)) {
                assert!(client().get(path, &[]).is_hit(), "{case} purged {path}");
            }
            for path in gone {
                assert!(!client().get(path, &[]).is_hit(), "{case} left {path}");
            }
        });
    }
}

#[test]
fn ad_09_what_is_too_much_is_refused_whole() {
    let many = |count: usize| (0..count).map(|number| format!("ad-09-{number}")).collect::<Vec<_>>();
    keep(&client(), "/ad-09/whole");
    for (case, body, status) in [
        ("list", json!({ "tags": many(10_000) }).to_string(), 400),
        ("lists", json!({ "tags": many(600), "groups": many(600) }).to_string(), 400),
        ("long", json!({ "tags": ["x".repeat(2049)] }).to_string(), 400),
        ("body", json!({ "tags": ["x".repeat(1 << 20)] }).to_string(), 413),
        ("empty", json!({ "tags": [""] }).to_string(), 400),
        ("one bad", json!({ "tags": ["site", 7] }).to_string(), 400),
        ("unknown", json!({ "tags": ["site"], "tenant": "x" }).to_string(), 400),
        ("depth", "[".repeat(100_000), 400),
        ("latin", "{\"tags\":[\"\u{fffd}\\ud800\"]}".to_owned(), 400),
        ("twice", r#"{"everything":false,"tags":["x"],"soft":1}"#.to_owned(), 400),
        ("nothing", "{}".to_owned(), 400),
    ] {
        trial(&format!("AD-09 {case}"), State::Fresh, || {
            let reply = purge(&body);
            assert_eq!(reply.status, status, "{case}: {}", reply.text());
            assert!(reply.body.len() < 400, "{case}: {}", reply.text());
            assert!(client().get("/ad-09/whole", &[]).is_hit(), "{case}: nothing of it was done");
        });
    }
    trial("AD-09 report", State::Fresh, || {
        let reply = purge(&json!({ "tags": many(1000), "dry_run": true }).to_string());
        let receipt: Value = serde_json::from_slice(&reply.body).expect("it is JSON");
        assert_eq!((reply.status, receipt["items"].as_array().map(Vec::len)), (200, Some(1000)));
    });
}

#[test]
fn ad_09_the_low_level_cache_has_limits_too() {
    let call = |method: &str, path: &str, body: &str| {
        client().request(method, &format!("/_larder/cache/default/{path}"), &[ADMIN], body)
    };
    let keys = |count: usize| json!({ "get": (0..count).map(|number| number.to_string()).collect::<Vec<_>>() });
    for (case, method, path, body, status) in [
        ("many", "POST", "many".to_owned(), keys(1001).to_string(), 400),
        ("as many", "POST", "many".to_owned(), keys(1000).to_string(), 200),
        ("key", "GET", format!("keys/{}", "k".repeat(513)), String::new(), 400),
        ("control", "GET", "keys/a%0d%0ab".to_owned(), String::new(), 400),
        ("not text", "GET", "keys/%ff".to_owned(), String::new(), 400),
        ("value", "PUT", "keys/large".to_owned(), "x".repeat((1 << 20) + 1), 413),
        ("lease", "POST", "keys/k/lease?ttl=999999".to_owned(), String::new(), 400),
        ("wait", "POST", "keys/k/lease?wait=999999".to_owned(), String::new(), 400),
        ("alias", "GET", "../purge".to_owned(), String::new(), 404),
        ("stars", "GET", format!("pattern/{}b", "a*".repeat(100)), String::new(), 200),
    ] {
        trial(&format!("AD-09 cells {case}"), State::Any, || {
            let reply = call(method, &path, &body);
            assert_eq!(reply.status, status, "{case}: {}", reply.text());
        });
    }
}

#[test]
fn ad_10_a_token_that_only_purges_does_only_that() {
    // There are no tenants: a token that purges does so on every host that is served. With less than all rights nothing else is open.
    let purger = ("Authorization", "Bearer purge-token");
    for (method, target) in [
        ("GET", "/_larder/cache/default/keys/x"),
        ("PUT", "/_larder/cache/default/keys/x"),
        ("DELETE", "/_larder/cache/default/all"),
        ("GET", "/_larder/stats"),
        ("GET", "/_larder/"),
    ] {
        trial(&format!("AD-10 {method} {target}"), State::Any, || {
            assert_eq!(client().request(method, target, &[purger], "").status, 403, "{method} {target}");
        });
    }
    trial("AD-10 details", State::Any, || {
        assert!(!client().get("/_larder/health", &[purger]).text().contains("details"));
        assert!(!client().get("/ad-10", &[("Larder-Debug", "purge-token")]).cache_status().contains("key="));
    });
    trial("AD-10 other host", State::Fresh, || {
        let other = client().at("other.test");
        keep(&other, "/ad-10/host");
        let receipt =
            client().request("POST", "/_larder/purge", &[purger], r#"{"urls":["http://unserved.test/ad-10/host"]}"#);
        assert_eq!(receipt.status, 200);
        assert!(other.get("/ad-10/host", &[]).is_hit(), "a URL is of its own host");
    });
}

#[test]
fn ad_11_a_storm_of_purges_is_refused_and_pages_are_served() {
    // A Worker of its own, since whoever shares it would be refused too. A refusal needs two hundred within ten seconds.
    let origin = Origin::start();
    let worker = Worker::start(&vars(&origin.url(), &json!({ "SITE": { "cache": "force", "ttl": 600 } })));
    let client = worker.client("site.test");
    keep(&client, "/ad-11");
    trial("AD-11", State::Fresh, || {
        let storm = |number: u32| {
            let body = json!({ "tags": [format!("storm-{number}")] }).to_string();
            let reply = client.request("POST", "/_larder/purge", &[ADMIN], &body);
            let expected = if reply.status == 429 { Some("1".to_owned()) } else { None };
            assert!([200, 429].contains(&reply.status), "{}", reply.status);
            assert_eq!(reply.header("retry-after"), expected);
            reply.status == 429
        };
        let refused = thread::scope(|scope| {
            let all: Vec<_> = (0..4)
                .map(|thread| scope.spawn(move || (0..150).filter(|number| storm(thread * 1000 + number)).count()))
                .collect();
            let hits = (0..50).filter(|_| client.get("/ad-11", &[]).is_hit()).count();
            assert_eq!(hits, 50, "who reads notices nothing");
            all.into_iter().map(|storm| storm.join().expect("it is answered")).sum::<usize>()
        });
        assert!(refused > 0, "six hundred purges at once");
        // Whoever waits as told gets through.
        until(|| {
            (client.request("POST", "/_larder/purge", &[ADMIN], r#"{"tags":["late"]}"#).status == 200).then_some(())
        });
        assert!(client.get("/ad-11", &[]).is_hit());
    });
}

#[test]
fn ad_13_no_answer_of_the_low_level_cache_is_a_page() {
    // It keeps its values under names of its own; a page's key, however it is guessed, names none of them.
    let client = FIXTURE.client();
    let page = until(|| {
        let reply = client.get("/user/ad-13", &[("Cookie", "sid=alice"), ("Larder-Debug", "admin-token")]);
        Some(reply).filter(Reply::is_hit)
    });
    let status = page.cache_status();
    let key = status.split("key=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("the key is shown");
    for (number, guess) in
        [key.to_owned(), format!("larder:1:{key}"), format!("larder%3A1%3A{key}"), format!("..%2F{key}")]
            .iter()
            .enumerate()
    {
        for token in ["Bearer admin-token", "Bearer read-token"] {
            trial(&format!("AD-13 {number} {token}"), State::Fresh, || {
                for query in ["", "?version=1", "?version=0"] {
                    let target = format!("/_larder/cache/default/keys/{guess}{query}");
                    let reply = client.get(&target, &[("Authorization", token)]);
                    assert!(reply.status == 404 && !reply.contains("alice"), "{target}: {}", reply.status);
                }
                let listed = client.get("/_larder/cache/default/pattern/*", &[("Authorization", token)]);
                assert!(listed.status == 200 && !listed.contains(key), "{}", listed.text());
            });
        }
    }
    for (method, path) in
        [("PUT", "keys/x"), ("DELETE", "keys/x"), ("POST", "keys/x/incr"), ("POST", "keys/x/lease"), ("DELETE", "all")]
    {
        trial(&format!("AD-13 read only {method} {path}"), State::Any, || {
            let target = format!("/_larder/cache/default/{path}");
            assert_eq!(client.request(method, &target, &[("Authorization", "Bearer read-token")], "1").status, 403);
        });
    }
}
