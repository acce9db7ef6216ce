//! What is told of a purge beside the ledger: Redis at once, the zone's own cache in its API's words.

use std::time::Duration;

use http::Method;
use larder::engine::Secrets;
use larder::fields::Seconds;
use larder::policy::Tier;
use larder::purge::command::read;
use larder::purge::zone::{Next, next, tell};
use serde_json::{Value, json};

use crate::support::test;
use crate::support::world::{Answer, Asked, Fault, Scripted, World};

#[test]
fn the_zone_is_told_what_it_has_a_word_for() {
    let two = ["a.test".to_owned(), "b.test".to_owned()];
    for (asked, hosts, lines) in [
        (json!({ "urls": ["https://A.test/x?b=1"] }), &two[..], Some("files https://a.test/x?b=1\n")),
        (json!({ "tags": ["news", "two words"] }), &two, Some("tags news\ntags two words\n")),
        (json!({ "hosts": ["a.test"] }), &two, Some("hosts a.test\n")),
        (json!({ "everything": true }), &two, Some("everything *\n")),
        (json!({ "prefixes": ["c.test/news/"] }), &two, Some("prefixes c.test/news/\n")),
        (json!({ "prefixes": ["/news/"] }), &two, Some("prefixes a.test/news/\nprefixes b.test/news/\n")),
        // It has no word for any host.
        (json!({ "prefixes": ["/news/"] }), &[], None),
        (json!({ "patterns": ["/*/feed"] }), &two, None),
        (json!({ "groups": ["g"] }), &two, None),
        (json!({ "identities": [{ "cookie": "sid", "value": "secret" }] }), &two, None),
        // A second line would be another purge.
        (json!({ "tags": ["news\neverything *"] }), &two, None),
    ] {
        let command = read(asked.to_string().as_bytes(), |_, _| vec![7]).expect("it is a purge");
        let mut told = String::new();
        let all = command.items.iter().all(|item| tell(item, hosts, &mut told));
        assert_eq!((all, told.as_str()), (lines.is_some(), lines.unwrap_or_default()), "{asked}");
    }
}

#[test]
fn what_failed_is_tried_again_later_each_time_and_not_for_ever() {
    let again = |seconds| Next::Again(Duration::from_secs(seconds));
    for (status, retry_after, failures, expected) in [
        (Some(200), None, 0, Next::Done),
        (Some(200), None, 7, Next::Done),
        (Some(429), Some(30), 0, again(30)),
        (Some(429), Some(0), 0, again(1)),
        (Some(429), Some(86_400), 0, again(600)),
        (Some(429), None, 0, again(5)),
        (Some(429), None, 3, again(40)),
        (Some(500), None, 6, again(320)),
        (Some(503), Some(7), 6, again(7)),
        (Some(503), Some(7), 7, Next::GiveUp),
        (None, None, 0, again(5)),
        (None, None, 7, Next::GiveUp),
        (Some(400), None, 0, Next::GiveUp),
        (Some(401), Some(1), 0, Next::GiveUp),
        (Some(403), None, 0, Next::GiveUp),
        (Some(302), None, 0, Next::GiveUp),
    ] {
        let stated = retry_after.map(Seconds::new);
        assert_eq!(next(status, stated, failures), expected, "{status:?} {retry_after:?} after {failures}");
    }
}

fn cacheable(_: &Asked) -> Scripted {
    Scripted::new(200, &[("cache-control", "max-age=600")], "page")
}

fn world(token: &str) -> World {
    let vars = json!({
        "ZONE_ID": "0123456789abcdef0123456789abcdef",
        "REDIS": { "protocol": "webdis", "url": "http://redis.test" },
        "CACHES": { "default": { "tiers": ["memory", "kv", "redis"] } },
    });
    let secrets = Secrets { admin_token: Some("admin".into()), cf_api_token: Some(token.into()), ..Secrets::default() };
    let world = World::with_secrets(&vars, &secrets, cacheable);
    world.ports.ledger.is_there.set(true);
    world.get("/a", &[]);
    world
}

fn channels(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str::<Value>(&answer.body).expect("it is JSON")["channels"].clone()
}

#[test]
fn the_receipt_says_what_became_of_each() {
    let purge = json!({ "urls": ["https://site.test/a"], "groups": ["g"] }).to_string();
    let world = world("token");
    let shown = channels(&world.admin(Method::POST, "/_larder/purge", &purge));
    assert_eq!(
        shown,
        json!({
            "ledger": "recorded",
            "redis": { "status": "deleted", "deleted": 1, "left_to_ledger": 1 },
            "zone": { "status": "queued", "last_answer": 200, "unsupported": ["group"] },
        })
    );
    assert_eq!(world.ports.ledger.queued.borrow().as_deref(), Some("files https://site.test/a\n"));
    assert!(world.ports.redis.values.borrow().is_empty() && world.ports.stores.borrow().is_empty());
    let soft = channels(&world.admin(Method::POST, "/_larder/purge", r#"{"tags":["x"],"soft":true}"#));
    assert_eq!(soft["redis"], json!({ "status": "none", "deleted": 0, "left_to_ledger": 1 }));
    let dry = world.admin(Method::POST, "/_larder/purge", r#"{"tags":["y"],"dry_run":true}"#);
    assert!(!dry.body.contains("channels"), "{}", dry.body);
    assert!(world.ports.ledger.queued.borrow().as_deref().is_some_and(|lines| lines.ends_with("tags x\n")));
}

#[test]
fn what_fails_beside_the_ledger_fails_no_purge() {
    let world = world("token");
    world.ports.ledger.queued.replace(None);
    world.fault(Tier::Redis, Fault { fails: true, ..Fault::default() });
    let shown = channels(&world.admin(Method::POST, "/_larder/purge", r#"{"urls":["https://site.test/a"]}"#));
    assert_eq!(shown["ledger"], "recorded");
    assert_eq!(shown["redis"]["status"], "failed");
    assert_eq!(shown["zone"]["status"], "failed");
    assert!(!world.get("/a", &[]).is_hit());
}

#[test]
fn without_the_token_the_zone_is_not_configured() {
    let world = world("");
    let shown = channels(&world.admin(Method::POST, "/_larder/purge", r#"{"tags":["x"]}"#));
    assert_eq!(shown["zone"], json!({ "status": "not-configured", "unsupported": [] }));
    assert_eq!(world.ports.ledger.queued.borrow().as_deref(), Some(""));
}
