//! Every entry goes to the origin's Redis too, comes back from it byte for byte, and nobody notices when it is gone.

use serde_json::{Value, json};

use crate::support::{Answer, Options, Origin, Redis, Reply, Upstash, Webdis, Worker, until, vars};

const FRESH: (&str, &str) = ("Cache-Control", "max-age=600");

/// No text, and long enough not to be looked at whole.
fn binary() -> Vec<u8> {
    (0..100_000u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// A Worker that keeps nothing but in Redis and in its own memory, so that another one has to ask Redis.
fn worker(origin: &Origin, protocol: &str, url: &str, token: &str) -> Worker {
    with_tiers(origin, protocol, url, token, &json!(["memory", "redis"]))
}

fn with_tiers(origin: &Origin, protocol: &str, url: &str, token: &str, tiers: &Value) -> Worker {
    let more = json!({
        "KEY_PREFIX": "prod",
        "REDIS": { "protocol": protocol, "url": url },
        "CACHES": { "default": { "tiers": tiers } },
    });
    // Two ledgers would know nothing of each other, and what one numbered is lost to the other.
    let mut options = Options { ledger: false, ..Options::default() };
    options.secrets["REDIS_TOKEN"] = token.into();
    Worker::with(&vars(&origin.url(), &more), &options)
}

fn get(worker: &Worker, path: &str) -> Reply {
    worker.client("site.test").get(path, &[])
}

/// What both dialects have in common.
fn survives(protocol: &str, url: &str, token: &str, redis: &Redis, stored_raw: bool) {
    let origin = Origin::start();
    origin.on("/page", |_| Answer::ok(&[FRESH, ("X-Text", "caf\u{e9}"), ("ETag", "\"v1\"")], binary()));
    let first = worker(&origin, protocol, url, token);
    assert_eq!(get(&first, "/page").body, binary());
    origin.wait_for("/page", 1);
    let key = until(|| Some(redis.cli(&["KEYS", "*"])).filter(|keys| !keys.is_empty()));
    assert!(key.starts_with("prod:larder:1:"), "{key}");
    assert!((600..4300).contains(&redis.cli(&["TTL", &key]).parse::<u32>().expect("a number")), "it ends by itself");
    assert_eq!(redis.cli_bytes(&["GETRANGE", &key, "0", "3"]) == b"LRDR", stored_raw);
    let second = worker(&origin, protocol, url, token);
    let reply = get(&second, "/page");
    assert!(reply.is_hit() && reply.body == binary(), "{:?}", reply.headers);
    assert!(reply.header("server-timing").is_some_and(|timing| timing.contains("redis;dur=")));
    assert_eq!(reply.header("etag").as_deref(), Some("\"v1\""));
    assert_eq!(origin.asked("/page").len(), 1);
    second.client("site.test").request("POST", "/page", &[], "x");
    until(|| redis.cli(&["KEYS", "*"]).is_empty().then_some(()));
}

#[test]
fn pages_survive_in_redis_behind_webdis() {
    let redis = Redis::start();
    let webdis = Webdis::start(&redis);
    survives("webdis", &webdis.url(), Webdis::TOKEN, &redis, true);
}

#[test]
fn pages_survive_in_redis_behind_upstash() {
    let redis = Redis::start();
    let upstash = Upstash::start(&redis, "upstash-token");
    survives("upstash", &upstash.url(), "upstash-token", &redis, false);
}

#[test]
fn f_32_33_34_the_site_does_not_notice_a_redis_that_is_gone_hangs_or_refuses() {
    let redis = Redis::start();
    let webdis = Webdis::start(&redis);
    let garbage = Origin::start();
    for path in ["/", "/pipeline"] {
        garbage.on(path, |_| Answer::ok(&[], "<html>busy</html>"));
    }
    let hangs = || redis.pause();
    let nothing = || {};
    for (what, protocol, url, token, happens) in [
        ("refuses", "webdis", webdis.url(), "no:body", &nothing as &dyn Fn()),
        ("nobody listens", "webdis", "http://127.0.0.1:9".to_owned(), Webdis::TOKEN, &nothing),
        ("garbage", "upstash", garbage.url(), "upstash-token", &nothing),
        ("hangs", "webdis", webdis.url(), Webdis::TOKEN, &hangs),
    ] {
        let origin = Origin::start();
        let worker = with_tiers(&origin, protocol, &url, token, &json!(["memory", "colo", "kv", "redis"]));
        happens();
        for number in 0..12 {
            let reply = get(&worker, &format!("/page-{number}"));
            assert_eq!((reply.status, reply.complete), (200, true), "{what}");
        }
        for number in 0..12 {
            assert!(get(&worker, &format!("/page-{number}")).is_hit(), "{what}");
        }
        let admin = [("Authorization", "Bearer admin-token")];
        let health = worker.client("site.test").get("/_larder/health", &admin).text();
        assert!(health.contains(r#"{"name":"redis:default","status":"ok","breaker":"open"}"#), "{what}: {health}");
        assert!(!worker.log().contains(token), "{what}: a token is in no log");
    }
    redis.resume();
}
