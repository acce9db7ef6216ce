//! Every verb but leases and sweeps; who may use them; what is refused.

use std::thread;

use serde_json::{Value, json};

use super::{ADMIN, Cache, Site};
use crate::support::{Options, Origin, Worker, vars};

/// Neither UTF-8, nor free of what ends a string or a line, or stands for something in a URL, in JSON or in Lua.
const BINARY: &[u8] = b"\x00\x01\xff/\r\n\"\\%c3\xc3\xa4\xc2.raw\x80";

/// What is asked, the status, the body if it matters, and Larder-TTL.
type Case = (&'static str, &'static str, &'static [u8], u16, Option<&'static [u8]>, Option<&'static str>);

#[test]
fn every_verb_does_what_django_means_by_it() {
    let site = Site::start();
    let cases: &[Case] = &[
        ("GET", "keys/a", b"", 404, None, None),
        ("HEAD", "keys/a", b"", 404, None, None),
        ("GET", "keys/a?default=none+here", b"", 200, Some(b"none here"), None),
        ("PUT", "keys/a", b"one", 204, Some(b""), None),
        ("GET", "keys/a", b"", 200, Some(b"one"), Some("300")),
        ("HEAD", "keys/a", b"", 200, Some(b""), Some("300")),
        ("GET", "keys/a?default=none", b"", 200, Some(b"one"), Some("300")),
        ("PUT", "keys/a?ttl=60", b"two", 204, None, None),
        ("GET", "keys/a", b"", 200, Some(b"two"), Some("60")),
        ("POST", "keys/a/touch?ttl=600", b"", 204, Some(b""), None),
        ("GET", "keys/a", b"", 200, Some(b"two"), Some("600")),
        ("POST", "keys/a/touch?ttl=none", b"", 204, None, None),
        ("GET", "keys/a", b"", 200, Some(b"two"), Some("none")),
        ("POST", "keys/a/touch", b"", 204, None, None),
        ("GET", "keys/a", b"", 200, Some(b"two"), Some("300")),
        ("PUT", "keys/a?nx=1", b"three", 409, None, None),
        ("GET", "keys/a", b"", 200, Some(b"two"), None),
        ("DELETE", "keys/a", b"", 204, Some(b""), None),
        ("DELETE", "keys/a", b"", 404, None, None),
        ("POST", "keys/a/touch?ttl=9", b"", 404, None, None),
        ("PUT", "keys/a?nx=1&ttl=none", b"four", 201, Some(b""), None),
        ("GET", "keys/a", b"", 200, Some(b"four"), Some("none")),
        ("PUT", "keys/a?ttl=0", b"five", 204, None, None),
        ("GET", "keys/a", b"", 404, None, None),
        ("PUT", "keys/a?nx=1&ttl=0", b"five", 201, None, None),
        ("GET", "keys/a", b"", 404, None, None),
        ("PUT", "keys/a", b"", 204, None, None),
        ("GET", "keys/a", b"", 200, Some(b""), None),
        ("POST", "keys/a/touch?ttl=0", b"", 204, None, None),
        ("GET", "keys/a", b"", 404, None, None),
        ("PUT", "keys/binary", BINARY, 204, None, None),
        ("GET", "keys/binary", b"", 200, Some(BINARY), None),
        ("PUT", "keys/binary?nx=1", BINARY, 409, None, None),
        ("PUT", "keys/%C3%A4%C2%80", BINARY, 400, None, None),
        ("PUT", "keys/%C3%A4", BINARY, 204, None, None),
        ("GET", "keys/%C3%A4", b"", 200, Some(BINARY), None),
        ("PUT", "keys/b%C3%A4r%2F%2e%2E%2F%25%3F%20*[a]", b"odd", 204, None, None),
        ("GET", "keys/b%C3%A4r%2f..%2F%25%3f%20*%5Ba%5D", b"", 200, Some(b"odd"), None),
        ("POST", "keys/n/incr", b"", 404, None, None),
        ("PUT", "keys/n?ttl=50", b"41", 204, None, None),
        ("POST", "keys/n/incr", b"", 200, Some(b"42"), None),
        ("POST", "keys/n/incr?by=10", b"", 200, Some(b"52"), None),
        ("POST", "keys/n/incr?by=-60", b"", 200, Some(b"-8"), None),
        ("GET", "keys/n", b"", 200, Some(b"-8"), Some("50")),
        ("PUT", "keys/n", b"9007199254740993", 204, None, None),
        ("POST", "keys/n/incr", b"", 200, Some(b"9007199254740994"), None),
        ("PUT", "keys/n", b"9223372036854775807", 204, None, None),
        ("POST", "keys/n/incr", b"", 409, None, None),
        ("PUT", "keys/n", b"\"text\"", 204, None, None),
        ("POST", "keys/n/incr", b"", 409, None, None),
        ("PUT", "keys/v?version=2", b"second", 204, None, None),
        ("GET", "keys/v", b"", 404, None, None),
        ("GET", "keys/v?version=2", b"", 200, Some(b"second"), None),
        ("POST", "version/v?version=2", b"{\"delta\":-2}", 200, Some(b"{\"version\":0}"), None),
        ("GET", "keys/v?version=0", b"", 200, Some(b"second"), Some("300")),
        ("GET", "keys/v?version=2", b"", 404, None, None),
        ("POST", "version/v?version=0", b"", 200, Some(b"{\"version\":1}"), None),
        ("POST", "version/v?version=0", b"", 404, None, None),
        ("POST", "version/v?version=1", b"{\"delta\":-2}", 400, None, None),
    ];
    for cache in site.caches() {
        for (method, path, body, status, expected, ttl) in cases {
            let reply = cache.ask(method, path, body);
            let what = format!("{}: {method} {path}: {}", cache.alias, reply.text());
            assert_eq!(reply.status, *status, "{what}");
            if let Some(expected) = expected {
                assert_eq!(reply.body, *expected, "{what}");
            }
            if let Some(ttl) = ttl {
                assert_eq!(reply.header("larder-ttl").as_deref(), Some(*ttl), "{what}");
            }
            let is_problem = reply.header("content-type").is_some_and(|kind| kind == "application/problem+json");
            assert_eq!(is_problem, *status >= 400, "{what}");
            assert_eq!(reply.header("cache-control").as_deref(), Some("no-store"), "{what}");
        }
    }
    assert_eq!(site.redis.cli_bytes(&["GET", "w[1]:1:binary"]), BINARY, "bare bytes, under Django's name");
    assert_eq!(site.redis.cli_bytes(&["GET", "u:7:binary"]), BINARY);
}

#[test]
fn many_keys_are_read_set_and_deleted_at_once() {
    let site = Site::start();
    for cache in site.caches() {
        let many = |body: Value| cache.json("POST", "many", &body);
        let numbers: Vec<_> = (0..100).map(|number| format!("k{number}")).collect();
        let values: serde_json::Map<_, _> =
            numbers.iter().enumerate().map(|(at, key)| (key.clone(), json!({ "n": at, "text": "ä\"" }))).collect();
        assert_eq!(many(json!({ "set": values, "ttl": 60 })), (200, json!({ "failed": [] })));
        assert_eq!(cache.ask("GET", "keys/k9", "").header("larder-ttl").as_deref(), Some("60"));
        cache.set("raw", b"\xff");
        let wanted: Vec<_> = numbers.iter().cloned().chain(["absent".to_owned(), "raw".to_owned()]).collect();
        let found = many(json!({ "get": wanted })).1;
        assert_eq!(found, json!({ "values": values, "base64": { "raw": "/w==" } }), "{}", cache.alias);
        assert_eq!(many(json!({ "delete": wanted })), (200, json!({ "deleted": 101 })), "{}", cache.alias);
        assert_eq!(many(json!({ "get": wanted })).1, json!({ "values": {} }));
        // Not a digit of a number is lost.
        let exact = r#"{"set":{"pi":3.14159265358979323846264338327950288,"big":123456789012345678901234567890}}"#;
        assert_eq!(cache.ask("POST", "many", exact).status, 200);
        let reply = cache.ask("POST", "many", r#"{"get":["big","pi"]}"#).text();
        let values = r#""big":123456789012345678901234567890,"pi":3.14159265358979323846264338327950288"#;
        assert_eq!(reply, format!("{{\"values\":{{{values}}}}}"), "{}", cache.alias);
        assert_eq!(many(json!({ "set": { "ever": 1 }, "ttl": null })).0, 200);
        assert_eq!(cache.ask("GET", "keys/ever", "").header("larder-ttl").as_deref(), Some("none"));
        let halves = "x".repeat(700_000);
        cache.set("half0", &halves);
        for number in 1..7 {
            cache.set(&format!("half{number}"), &halves);
        }
        let halves: Vec<_> = (0..7).map(|number| format!("half{number}")).collect();
        assert_eq!(many(json!({ "get": halves })).0, 413, "{}", cache.alias);
        assert_eq!(many(json!({ "delete": halves })).1, json!({ "deleted": 7 }));
    }
}

#[test]
fn a_hundred_concurrent_increments_are_a_hundred() {
    let site = Site::start();
    for cache in site.caches() {
        cache.set("counter", "0");
        let counts = (0..100).map(|_| thread::spawn(move || cache.ask("POST", "keys/counter/incr", "").text()));
        let counts: Vec<_> = counts.collect();
        let mut seen: Vec<u32> =
            counts.into_iter().map(|count| count.join().expect("it asks").parse().expect("a number")).collect();
        seen.sort_unstable();
        assert_eq!(seen, (1..=100).collect::<Vec<_>>(), "{}: every count once", cache.alias);
        assert_eq!(cache.get("counter").as_deref(), Some(&b"100"[..]));
        let added = (0..20).map(|_| thread::spawn(move || cache.ask("PUT", "keys/one?nx=1", "x").status));
        let added: Vec<_> = added.collect();
        let added = added.into_iter().map(|added| added.join().expect("it asks")).filter(|status| *status == 201);
        assert_eq!(added.count(), 1, "{}", cache.alias);
    }
}

#[test]
fn objects_that_live_at_the_same_time_over_one_storage_lose_no_update() {
    let folder = std::env::temp_dir().join(format!("larder-cells-{}", std::process::id()));
    let options = || Options { persist: Some(folder.to_string_lossy().into_owned()), ..Options::default() };
    let vars = vars(&Origin::start().url(), &json!({}));
    let workers = [Worker::with(&vars, &options()), Worker::with(&vars, &options())];
    let caches = [0, 1].map(|at: usize| Cache { client: workers[at].client("site.test"), alias: "default" });
    caches[0].set("counter", "0");
    let counts = (0..100).map(|at| thread::spawn(move || caches[at % 2].ask("POST", "keys/counter/incr", "").status));
    let counts: Vec<_> = counts.collect();
    let done = counts.into_iter().map(|count| count.join().expect("it asks"));
    let done = done.filter(|status| *status == 200).count();
    let counted: usize =
        String::from_utf8_lossy(&caches[1].get("counter").expect("it is there")).parse().expect("a number");
    assert_eq!((done, counted), (100, 100));
    drop(workers);
    std::fs::remove_dir_all(&folder).expect("it is removed");
}

#[test]
fn values_end_and_the_default_lifetime_is_the_alias_own() {
    let site = Site::start();
    for cache in site.caches() {
        assert_eq!(cache.ask("PUT", "keys/short?ttl=1", "x").status, 204);
        assert_eq!(cache.get("short").as_deref(), Some(&b"x"[..]));
        crate::support::until(|| cache.get("short").is_none().then_some(()));
        assert_eq!(cache.ask("PUT", "keys/short?nx=1", "y").status, 201, "{}: nobody's", cache.alias);
    }
    let short = site.cache("short");
    short.set("a", "x");
    assert_eq!(short.ask("GET", "keys/a", "").header("larder-ttl").as_deref(), Some("7"));
    let nowhere = site.cache("nowhere");
    nowhere.set("a", "x");
    assert_eq!(nowhere.get("a"), None, "the dummy keeps nothing, as Django's does");
    assert_eq!(nowhere.ask("PUT", "keys/a?nx=1", "x").status, 201);
    assert_eq!(nowhere.ask("POST", "keys/a/incr", "").status, 404);
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    let site = Site::start();
    let cache = site.cache("objects");
    let long = format!("keys/{}", "k".repeat(506));
    let large = "x".repeat((1 << 20) + 1);
    for (method, path, body, status, says) in [
        ("GET", "keys/", "", 400, "empty"),
        ("GET", "keys/a/b", "", 400, "%2F"),
        ("GET", "keys/a%00", "", 400, "control"),
        ("GET", "keys/%FF", "", 400, "UTF-8"),
        ("GET", &long, "", 400, "513 bytes"),
        ("GET", "keys/a?ttl=1", "", 400, "ttl: unknown"),
        ("HEAD", "keys/a?default=1", "", 400, ""),
        ("PUT", "keys/a?ttl=1&ttl=2", "x", 400, "ttl: unknown here, or given twice"),
        ("PUT", "keys/a?ttl=-1", "x", 400, "ttl: found"),
        ("PUT", "keys/a?nx=yes", "x", 400, "nx: found"),
        ("PUT", "keys/a?nx=1&lease=t", "x", 400, "nx: not beside lease"),
        ("PUT", "keys/a?version=x", "x", 400, "version: found"),
        ("PUT", "keys/a", &large, 413, "1 MiB"),
        ("POST", "keys/a/incr?by=1.5", "", 400, "by: found"),
        ("POST", "keys/a/lease?ttl=301", "", 400, "ttl: found"),
        ("POST", "keys/a/lease?wait=31", "", 400, "wait: found"),
        ("POST", "many", "", 400, "JSON object"),
        ("POST", "many", "{}", 400, "wanted one of get"),
        ("POST", "many", r#"{"get":["a"],"delete":["b"]}"#, 400, "delete: only one of get"),
        ("POST", "many", r#"{"get":"a"}"#, 400, "get: wanted a list of keys"),
        ("POST", "many", r#"{"got":["a"]}"#, 400, "got: unknown"),
        ("POST", "many", r#"{"set":{"a":1},"ttl":-1}"#, 400, "ttl: found"),
        ("POST", "version/a", "[]", 400, "delta"),
        ("DELETE", "pattern/", "", 400, "empty"),
        ("POST", "keys/a", "", 405, ""),
        ("PATCH", "many", "", 405, ""),
        ("GET", "all", "", 405, ""),
        ("OPTIONS", "keys/a", "", 405, ""),
        ("GET", "other/a", "", 404, ""),
        ("GET", "", "", 404, ""),
    ] {
        let reply = cache.ask(method, path, body);
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text());
        assert!(method == "HEAD" || reply.contains(says), "{method} {path}: {}", reply.text());
        assert_eq!(reply.header("content-type").as_deref(), Some("application/problem+json"));
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
    assert_eq!(Cache { alias: "unheard-of", ..cache }.ask("GET", "keys/a", "").status, 404);
    site.redis.cli(&["LPUSH", "w[1]:1:list", "x"]);
    for (method, path) in [("GET", "keys/list"), ("POST", "keys/list/incr")] {
        assert_eq!(site.cache("webdis").ask(method, path, "").status, 409, "{path}");
    }
}

#[test]
fn each_token_may_do_what_it_is_for() {
    let site = Site::start();
    let cache = site.cache("objects");
    cache.set("a", "x");
    let requests = [
        ("GET", "keys/a", "", [200, 403, 200, 401, 401]),
        ("POST", "many", r#"{"get":["a"]}"#, [200, 403, 200, 401, 401]),
        ("GET", "pattern/*", "", [200, 403, 200, 401, 401]),
        ("PUT", "keys/a", "x", [204, 403, 403, 401, 401]),
        ("POST", "keys/b/lease?wait=0", "", [202, 403, 403, 401, 401]),
        ("POST", "many", r#"{"delete":["b"]}"#, [200, 403, 403, 401, 401]),
        ("DELETE", "all", "", [200, 403, 403, 401, 401]),
        ("GET", "unheard-of", "", [404, 403, 404, 401, 401]),
    ];
    for (method, path, body, statuses) in requests {
        let tokens = [ADMIN, "Bearer purge-token", "Bearer read-token", "Bearer wrong", ""];
        for (token, status) in tokens.into_iter().zip(statuses).rev() {
            let reply = cache.ask_as(token, method, path, body);
            assert_eq!(reply.status, status, "{token} {method} {path}: {}", reply.text());
            let challenge = reply.header("www-authenticate");
            assert_eq!(challenge.is_some(), status == 401);
        }
    }
}

#[test]
fn without_a_store_the_answer_says_what_to_bind() {
    let options = Options { cells: false, ..Options::default() };
    let origin = Origin::start();
    let worker = Worker::with(&vars(&origin.url(), &json!({})), &options);
    let cache = Cache { client: worker.client("site.test"), alias: "default" };
    let reply = cache.ask("GET", "keys/a", "");
    assert!(reply.status == 503 && reply.contains("CELLS"), "{}", reply.text());
    let health = worker.client("site.test").get("/_larder/health", &[("Authorization", ADMIN)]).text();
    assert!(health.contains(r#"{"name":"cells","status":"absent""#), "{health}");
    let closed = Options { secrets: json!({}), ..Options::default() };
    let worker = Worker::with(&vars(&origin.url(), &json!({})), &closed);
    let cache = Cache { client: worker.client("site.test"), alias: "default" };
    assert_eq!(cache.ask("GET", "keys/a", "").status, 404, "no ADMIN_TOKEN, no such thing");
}

#[test]
fn a_redis_that_is_gone_is_said_and_nothing_secret_with_it() {
    let site = Site::start();
    let Site { worker, redis, _gateways } = site;
    redis.stop();
    for alias in ["webdis", "upstash"] {
        let cache = Cache { client: worker.client("site.test"), alias };
        let reply = cache.ask("PUT", "keys/secret-key", "secret-value");
        assert_eq!(reply.status, 503, "{alias}: {}", reply.text());
        assert!(!reply.contains("secret") && !reply.contains("token"), "{}", reply.text());
    }
}
