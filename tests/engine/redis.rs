//! The origin's own Redis: written through, read before the origin, and not noticed when it is down.

use std::time::Duration;

use larder::policy::Tier;
use serde_json::{Value, json};

use crate::support::test;
use crate::support::world::{Asked, Fault, Scripted, World};

fn vars() -> Value {
    json!({ "REDIS": { "protocol": "webdis", "url": "http://redis.test" }, "KEY_PREFIX": "prod" })
}

fn cacheable(_: &Asked) -> Scripted {
    Scripted::new(200, &[("cache-control", "max-age=600")], "page")
}

#[test]
fn every_entry_is_written_through_under_the_prefix() {
    let world = World::new(&vars(), cacheable);
    world.get("/a", &[]);
    let keys: Vec<_> = world.ports.redis.values.borrow().keys().cloned().collect();
    assert_eq!(keys.len(), 1);
    assert!(keys[0].starts_with("prod%3Alarder%3A1%3A"), "{keys:?}");
}

#[test]
fn it_is_read_before_the_origin_and_fills_what_is_nearer() {
    let world = World::new(&vars(), cacheable);
    world.get("/a", &[]);
    world.ports.stores.borrow_mut().clear();
    let answer = world.another_isolate(&vars()).get("/a", &[]);
    assert!(answer.is_hit() && answer.report.redis_millis.is_some());
    assert!(answer.header("server-timing").is_some_and(|timing| timing.contains("redis;dur=")));
    let tiers = |tier| world.ports.stores.borrow().keys().any(|(there, _)| *there == tier);
    assert!(tiers(Tier::Colo) && tiers(Tier::Kv));
    assert_eq!(world.asked(), 1);
}

#[test]
fn the_site_does_not_notice_when_it_is_down() {
    for fault in [
        Fault { fails: true, ..Fault::default() },
        Fault { delay: Duration::from_secs(60), ..Fault::default() },
        Fault { corrupts: true, ..Fault::default() },
    ] {
        let world = World::new(&vars(), cacheable);
        world.get("/known", &[]);
        world.ports.stores.borrow_mut().clear();
        world.fault(Tier::Redis, fault);
        let isolate = world.another_isolate(&vars());
        for number in 0..20 {
            let before = world.ports.executor.now();
            let answer =
                isolate.get(if number == 0 { "/known" } else { "/other" }, &[("cookie", &format!("_ga={number}"))]);
            assert_eq!(answer.status, 200, "{fault:?}");
            let took = world.ports.executor.now() - before;
            assert!(took <= 8000, "{fault:?}: {took} ms with all that is left to do");
        }
        assert!(world.ports.stores.borrow().keys().any(|(tier, _)| *tier == Tier::Kv), "it is in KV all the same");
    }
}

#[test]
fn after_five_failures_nobody_waits_for_it_until_a_trial_works() {
    let world = World::new(&vars(), |asked: &Asked| Scripted::new(200, &[("cache-control", "no-store")], &asked.url));
    world.runs_deferred.set(false);
    world.fault(Tier::Redis, Fault { delay: Duration::from_secs(60), ..Fault::default() });
    let wait = |path: &str| {
        let before = world.ports.executor.now();
        world.get(path, &[]);
        world.ports.executor.now() - before
    };
    let waits: Vec<_> = (0..8).map(|number| wait(&format!("/{number}"))).collect();
    assert_eq!(waits, [510, 510, 510, 510, 510, 10, 10, 10], "one deadline each, and then none");
    world.advance(5);
    assert_eq!([wait("/trial"), wait("/after-it")], [510, 10]);
    world.fault(Tier::Redis, Fault::default());
    world.advance(6);
    assert_eq!([wait("/works"), wait("/again")], [10, 10]);
    assert_eq!(world.get("/last", &[]).report.redis_millis, Some(0));
}

#[test]
fn several_stand_side_by_side() {
    let vars = json!({
        "REDIS": {
            "default": { "protocol": "webdis", "url": "http://redis.test" },
            "sessions": { "protocol": "webdis", "url": "http://redis.test" },
        },
        "CACHES": { "sessions": { "tiers": ["redis"], "redis": "sessions", "key_prefix": "own" } },
        "ROUTES": [{ "path": "/s/*", "store": "sessions" }],
    });
    let world = World::new(&vars, cacheable);
    world.get("/a", &[]);
    world.get("/s/a", &[]);
    let mut keys: Vec<_> = world.ports.redis.values.borrow().keys().cloned().collect();
    keys.sort();
    assert!(keys[0].starts_with("larder%3A1%3A") && keys[1].starts_with("own%3Alarder%3A1%3A"), "{keys:?}");
    assert!(world.get("/s/a", &[]).is_hit());
}
