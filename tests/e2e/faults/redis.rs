//! Redis answers, and not as it should, or with what belongs to the past.

use serde_json::json;

use super::shelf::{Shelf, Shelved};
use super::{FRESH, STALE, json_of, purge};
use crate::support::{Answer, Asked, Options, Origin, Redis, Webdis, Worker, until, vars};

const LONG: (&str, &str) = ("Cache-Control", "max-age=6000");

#[test]
fn f_36_37_of_a_batch_that_is_not_done_whole_nothing_counts_as_done() {
    let (origin, gateway) = (Origin::start(), Origin::start());
    let more = json!({
        "REDIS": { "protocol": "upstash", "url": gateway.url() },
        "CACHES": { "default": { "tiers": ["redis"] } },
    });
    let mut options = Options::default();
    options.secrets["REDIS_TOKEN"] = "upstash-token".into();
    let worker = Worker::with(&vars(&origin.url(), &more), &options);
    let client = worker.client("site.test");
    gateway.on("/", |_| Answer::ok(&[], r#"{"result":"OK"}"#));
    let urls: Vec<_> = (0..3).map(|number| format!("http://site.test/{number}")).collect();
    for (name, answer) in [
        ("one failed", r#"[{"result":1},{"error":"OOM"},{"result":1}]"#),
        ("one is missing", r#"[{"result":1},{"result":1}]"#),
        ("one too many", r#"[{"result":1},{"result":1},{"result":1},{"result":1}]"#),
        ("no list", r#"{"result":3}"#),
        ("no JSON", "<html>busy</html>"),
    ] {
        gateway.on("/pipeline", move |_| Answer::ok(&[], answer));
        let receipt = purge(&client, &json!({ "urls": urls }));
        let redis = &json_of(&receipt)["channels"]["redis"];
        assert_eq!((receipt.status, redis["status"].as_str()), (200, Some("failed")), "{name}: {redis}");
    }
    for (name, answer) in [
        ("a number", r#"{"result":7}"#),
        ("of a batch", r#"[{"result":"TFJEUgE="}]"#),
        ("no base64", r#"{"result":"%%%"}"#),
        ("a record without a body", r#"{"result":"TFJEUgE="}"#),
    ] {
        gateway.on("/", move |_| Answer::ok(&[], answer));
        for _ in 0..2 {
            let reply = client.get("/page", &[]);
            assert_eq!((reply.status, reply.is_hit()), (200, false), "{name}");
        }
    }
}

/// KV as a shelf, and a real Redis behind it.
struct Both {
    origin: Origin,
    shelf: Shelf,
    redis: Redis,
    worker: Worker,
    _webdis: Webdis,
}

impl Both {
    fn start() -> Self {
        let (origin, shelf, redis) = (Origin::start(), Shelf::start(), Redis::start());
        let webdis = Webdis::start(&redis);
        let more = json!({
            "SITE": { "jitter": "0", "stale_if_error": 600, "collapse": "off" },
            "REDIS": { "protocol": "webdis", "url": webdis.url() },
            "CACHES": { "default": { "tiers": ["kv", "redis"] } },
        });
        let worker = Shelved::with_token(&origin, &shelf, &more, Webdis::TOKEN);
        Self { origin, shelf, redis, worker, _webdis: webdis }
    }

    fn get(&self) -> (String, bool) {
        let reply = self.worker.client("site.test").get("/page", &[]);
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("x-version").as_deref(), Some(reply.text().as_str()), "fields belong to their body");
        (reply.text(), reply.is_hit())
    }

    /// The origin answers with a page that is stale at once, then with one that is not.
    fn serves_two(&self) {
        let log = self.origin.clone();
        self.origin.on("/page", move |_| match log.asked("/page").len() {
            1 => Answer::ok(&[FRESH, STALE, ("X-Version", "first")], "first"),
            2 => Answer::ok(&[LONG, ("X-Version", "second")], "second"),
            _ => Answer::Reset,
        });
    }

    fn keys(&self) -> usize {
        self.redis.cli(&["DBSIZE"]).trim_start_matches("(integer) ").parse().expect("a number")
    }
}

#[test]
fn f_19_38_what_one_store_lost_or_refuses_another_has_and_an_old_backup_resurrects_nothing() {
    let both = Both::start();
    both.origin.on("/page", |asked: &Asked| {
        let version: &'static str = asked.number.to_string().leak();
        Answer::ok(&[LONG, ("X-Version", version)], version)
    });
    let (page, _) = both.get();
    until(|| (both.keys() == 1 && both.shelf.values().len() == 1).then_some(()));
    let key = both.redis.cli(&["KEYS", "*"]);
    both.redis.cli(&["COPY", &key, "backup"]);
    // KV fails: Redis is asked.
    both.shelf.when(|asked, _| (asked.method == "GET").then(|| Answer::new(500, &[], "KV is down")));
    assert_eq!(both.get(), (page.clone(), true));
    both.shelf.when(|_, _| None);
    // Redis is flushed: KV has it.
    both.redis.cli(&["DEL", &key]);
    assert_eq!(both.get(), (page.clone(), true));
    // It is purged, and Redis comes back from a backup that was made before, and KV shows what it had.
    let old = both.shelf.values();
    assert_eq!(purge(&both.worker.client("site.test"), &json!({ "urls": ["http://site.test/page"] })).status, 200);
    both.redis.cli(&["COPY", "backup", &key]);
    both.shelf.set(old);
    let (next, is_hit) = both.get();
    assert!(next != page && !is_hit, "{next}");
}

#[test]
fn f_39_of_two_stores_that_disagree_the_younger_copy_counts() {
    let both = Both::start();
    both.serves_two();
    assert_eq!(both.get().0, "first");
    until(|| (both.keys() == 1 && both.shelf.values().len() == 1).then_some(()));
    let (first, key) = (both.shelf.values(), both.redis.cli(&["KEYS", "*"]));
    both.redis.cli(&["COPY", &key, "backup"]);
    assert_eq!(both.get().0, "second");
    until(|| (both.shelf.values() != first).then_some(()));
    until(|| both.get().1.then_some(()));
    let second = both.shelf.values();
    // KV is behind.
    both.shelf.set(first);
    assert_eq!(both.get(), ("second".to_owned(), true));
    // Redis is behind.
    both.shelf.set(second);
    both.redis.cli(&["COPY", "backup", &key, "REPLACE"]);
    assert_eq!(both.get(), ("second".to_owned(), true));
}
