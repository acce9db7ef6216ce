//! The zone's own cache is told of purges: a server of ours plays Cloudflare's API, as far as its documentation says.

use serde_json::{Value, json};

use crate::support::{Answer, Asked, Client, Options, Origin, Redis, Reply, Webdis, Worker, until, vars};

const ADMIN: (&str, &str) = ("Authorization", "Bearer admin-token");

const ZONE: &str = "0123456789abcdef0123456789abcdef";

const CALL: &str = "/client/v4/zones/0123456789abcdef0123456789abcdef/purge_cache";

struct Site {
    api: Origin,
    worker: Worker,
}

impl Site {
    /// Before an API that answers so to the calls that come first, and well to the others.
    fn start(first: &'static [(u16, &[(&str, &str)])], more: &Value) -> Self {
        let (api, origin) = (Origin::start(), Origin::start());
        api.on(CALL, move |asked| match first.get(asked.number - 1) {
            Some((status, fields)) => Answer::new(*status, fields, r#"{"success":false,"errors":[{"code":1}]}"#),
            None => Answer::ok(&[], r#"{"success":true,"errors":[],"messages":[],"result":{"id":"purge"}}"#),
        });
        let mut vars = vars(&origin.url(), more);
        vars["ZONE_ID"] = ZONE.into();
        vars["CF_API"] = format!("{}/client/v4", api.url()).into();
        let mut options = Options::default();
        options.secrets["CF_API_TOKEN"] = "zone-token".into();
        Self { api, worker: Worker::with(&vars, &options) }
    }

    fn client(&self) -> Client {
        self.worker.client("site.test")
    }

    fn purge(&self, body: &Value) -> Value {
        purge(&self.client(), body)
    }

    /// What the API has been told, call by call.
    fn told(&self) -> Vec<Value> {
        self.api.asked(CALL).iter().map(|asked| serde_json::from_slice(&asked.body).expect("it is JSON")).collect()
    }
}

fn purge(client: &Client, body: &Value) -> Value {
    let headers = [ADMIN, ("Content-Type", "application/json")];
    let reply: Reply = client.request("POST", "/_larder/purge", &headers, &body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.text());
    serde_json::from_slice(&reply.body).expect("it is JSON")
}

fn tags(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("tag-{number}")).collect()
}

#[test]
fn what_comes_within_seconds_goes_together_a_hundred_a_call() {
    let site = Site::start(&[], &json!({}));
    let receipt = site.purge(&json!({ "tags": tags(0..150) }));
    assert_eq!(receipt["channels"]["ledger"], "recorded");
    assert_eq!(receipt["channels"]["zone"], json!({ "status": "queued", "unsupported": [] }));
    // The same once more, and more of it.
    site.purge(&json!({ "tags": tags(100..250) }));
    let receipt = site.purge(&json!({
        "urls": ["https://site.test/a"], "hosts": ["other.test"], "prefixes": ["/news/", "other.test/b/"],
        "patterns": ["/*/feed"], "groups": ["g"],
    }));
    assert_eq!(receipt["channels"]["zone"], json!({ "status": "queued", "unsupported": ["group", "pattern"] }));
    site.api.wait_for(CALL, 6);
    let told = site.told();
    let lists = |field: &str| told.iter().filter_map(|call| call[field].as_array()).collect::<Vec<_>>();
    let calls = lists("tags");
    assert_eq!(calls.iter().map(|list| list.len()).collect::<Vec<_>>(), [100, 100, 50]);
    let mut all: Vec<_> = calls.into_iter().flatten().filter_map(Value::as_str).collect();
    all.sort_by_key(|tag| tag[4..].parse::<usize>().expect("a number"));
    assert_eq!(all, tags(0..250));
    assert_eq!(lists("files"), [&vec![json!("https://site.test/a")]]);
    assert_eq!(lists("hosts"), [&vec![json!("other.test")]]);
    assert_eq!(lists("prefixes"), [&vec![json!("site.test/news/"), json!("other.test/b/")]]);
    let asked: Vec<Asked> = site.api.asked(CALL);
    assert!(asked.iter().all(|asked| {
        asked.method == "POST"
            && asked.header("authorization") == Some("Bearer zone-token")
            && asked.header("content-type") == Some("application/json")
    }));
    assert_eq!(told.len(), 6);
}

#[test]
fn who_calls_too_often_calls_again_when_it_may() {
    let site = Site::start(&[(429, &[("Retry-After", "1")]), (500, &[("Retry-After", "1")])], &json!({}));
    site.purge(&json!({ "tags": ["news"] }));
    site.api.wait_for(CALL, 3);
    assert_eq!(site.told(), vec![json!({ "tags": ["news"] }); 3]);
    let last = until(|| {
        let receipt = site.purge(&json!({ "tags": ["next"] }));
        receipt["channels"]["zone"]["last_answer"].as_u64().filter(|status| *status == 200)
    });
    assert_eq!(last, 200);
    until(|| (site.told().last() == Some(&json!({ "tags": ["next"] }))).then_some(()));
}

#[test]
fn what_the_zone_refuses_is_not_tried_again_and_the_next_receipt_says_so() {
    let site = Site::start(&[(403, &[])], &json!({}));
    site.purge(&json!({ "everything": true }));
    site.api.wait_for(CALL, 1);
    let refused = until(|| {
        let receipt = site.purge(&json!({ "tags": ["next"] }));
        receipt["channels"]["zone"]["last_answer"].as_u64()
    });
    assert_eq!(refused, 403);
    site.api.wait_for(CALL, 2);
    assert_eq!(site.told(), [json!({ "purge_everything": true }), json!({ "tags": ["next"] })]);
    let log = site.worker.log();
    assert!(log.contains("larder: the zone answered 403 to a purge of 1 everything"), "{log}");
    assert!(!log.contains("zone-token"), "{log}");
}

#[test]
fn redis_loses_what_is_purged_at_once() {
    let redis = Redis::start();
    let webdis = Webdis::start(&redis);
    let origin = Origin::start();
    let more = json!({
        "REDIS": { "protocol": "webdis", "url": webdis.url() },
        "CACHES": { "default": { "tiers": ["redis"] } },
    });
    let mut options = Options::default();
    options.secrets["REDIS_TOKEN"] = Webdis::TOKEN.into();
    let worker = Worker::with(&vars(&origin.url(), &more), &options);
    let client = worker.client("site.test");
    for path in ["/a", "/b"] {
        client.get(path, &[]);
        until(|| client.get(path, &[]).is_hit().then_some(()));
    }
    let urls = ["http://site.test/a", "http://site.test/b", "http://site.test/never"];
    let receipt = purge(&client, &json!({ "urls": urls, "tags": ["news"] }));
    assert_eq!(receipt["channels"]["redis"], json!({ "status": "deleted", "deleted": 2, "left_to_ledger": 1 }));
    assert_eq!(receipt["channels"]["zone"]["status"], "not-configured");
    assert_eq!(redis.cli(&["KEYS", "*"]), "");
    redis.stop();
    let receipt = purge(&client, &json!({ "urls": urls }));
    assert_eq!(receipt["channels"]["redis"]["status"], "failed");
    assert_eq!(receipt["channels"]["ledger"], "recorded");
}
