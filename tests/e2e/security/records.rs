//! AD, BS: what a store holds in place of what was written there.

use serde_json::json;

use super::{State, trial};
use crate::support::{Options, Origin, Redis, Reply, Webdis, Worker, until, vars};

/// Each user's page, in Redis and nowhere nearer, where the attacker can write too.
struct Site {
    redis: Redis,
    worker: Worker,
    _webdis: Webdis,
}

impl Site {
    fn start() -> Self {
        let (redis, origin) = (Redis::start(), Origin::start());
        let webdis = Webdis::start(&redis);
        let more = json!({
            "SITE": { "cache": "force", "ttl": 600, "vary_cookie": ["sid"] },
            "REDIS": { "protocol": "webdis", "url": webdis.url() },
            "CACHES": { "default": { "tiers": ["redis"] } },
        });
        let mut options = Options::default();
        options.secrets["REDIS_TOKEN"] = Webdis::TOKEN.into();
        let worker = Worker::with(&vars(&origin.url(), &more), &options);
        Self { redis, worker, _webdis: webdis }
    }

    fn ask(&self, sid: &str) -> Reply {
        let cookie = format!("sid={sid}");
        self.worker.client("site.test").get("/page", &[("Cookie", &cookie), ("Larder-Debug", "admin-token")])
    }

    /// Where a user's page is kept; it is there.
    fn key(&self, sid: &str) -> String {
        let status = until(|| Some(self.ask(sid)).filter(Reply::is_hit)).cache_status();
        let key = status.split("key=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("the key is shown");
        format!("larder:1:{key}")
    }
}

#[test]
fn ad_14_a_record_under_another_key_is_a_miss() {
    let site = Site::start();
    let [alice, clara] = ["alice", "clara"].map(|sid| site.key(sid));
    trial("AD-14", State::Fresh, || {
        // A write that was still under way may repair it before it is read.
        until(|| {
            assert_eq!(site.redis.cli(&["COPY", &alice, &clara, "REPLACE"]), "1");
            let seen = site.ask("clara");
            assert!(!seen.contains("alice"), "{}", seen.text());
            (seen.detail().as_deref() == Some("record-unreadable")).then_some(())
        });
    });
}

#[test]
fn bs_05_what_is_not_what_was_written_is_a_miss() {
    // Records are not signed: whoever may write to the store can write one that is right. What is damaged, cut, spliced or foreign is none.
    let site = Site::start();
    let [alice, clara] = ["alice", "clara"].map(|sid| site.redis.cli_bytes(&["GET", &site.key(sid)]));
    let key = site.key("alice");
    let damaged = |at: usize| {
        let mut bytes = alice.clone();
        bytes[at] ^= 1;
        bytes
    };
    // Both pages are as long.
    let body = alice.len() - site.ask("alice").body.len();
    for (case, bytes) in [
        ("magic", damaged(0)),
        ("version", damaged(4)),
        ("length", damaged(8)),
        ("key", damaged(20)),
        ("status", damaged(42)),
        ("middle", damaged(body / 2)),
        ("digest", damaged(body - 1)),
        ("body", damaged(body)),
        ("last", damaged(alice.len() - 1)),
        ("spliced", [&alice[..body], &clara[clara.len() - (alice.len() - body)..]].concat()),
        ("cut", alice[..alice.len() - 1].to_vec()),
        ("longer", [&alice[..], b"x"].concat()),
        ("twice", alice.repeat(2)),
        ("empty", Vec::new()),
        ("text", b"<script>evil</script>".to_vec()),
        ("json", br#"{"status":200,"body":"evil"}"#.to_vec()),
        ("zeros", vec![0; 1 << 20]),
        ("huge head", [&alice[..5], &[0xff; 4], &alice[9..]].concat()),
    ] {
        trial(&format!("BS-05 {case}"), State::Fresh, || {
            until(|| {
                site.redis.set_bytes(&key, &bytes);
                let seen = site.ask("alice");
                assert!(seen.status == 200 && seen.text().contains("who=alice "), "{case}: {}", seen.text());
                assert!(!seen.contains("evil") && !seen.contains("clara"), "{case}");
                (!seen.is_hit()).then_some(())
            });
        });
    }
}
