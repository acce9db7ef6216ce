//! Tiers: nearest first, backfill, faults that cost no more than time.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use larder::engine::ports::FetchError;
use larder::policy::Tier;
use serde_json::json;

use crate::support::test;
use crate::support::world::{Asked, Fault, Scripted, World};

fn cacheable(_: &Asked) -> Scripted {
    Scripted::new(200, &[("cache-control", "max-age=600")], "page")
}

#[test]
fn another_isolate_finds_what_one_has_stored() {
    for only in [Tier::Colo, Tier::Kv, Tier::D1, Tier::R2] {
        let vars = json!({ "CACHES": { "default": { "tiers": ["memory", only.as_str()] } } });
        let world = World::new(&vars, cacheable);
        world.ports.tiers.replace(vec![only]);
        world.get("/a", &[]);
        let other = world.another_isolate(&vars);
        assert!(other.get("/a", &[]).is_hit(), "{only:?}");
        assert_eq!(world.asked(), 1);
    }
}

#[test]
fn a_hit_far_away_is_kept_nearby() {
    let world = World::new(&json!({}), cacheable);
    world.get("/a", &[]);
    world.ports.stores.borrow_mut().retain(|(tier, _), _| *tier == Tier::Kv);
    let other = world.another_isolate(&json!({}));
    other.get("/a", &[]);
    assert!(world.ports.stores.borrow().keys().any(|(tier, _)| *tier == Tier::Colo));
    world.ports.stores.borrow_mut().clear();
    assert!(other.get("/a", &[]).is_hit(), "from the isolate's own memory");
}

#[test]
fn a_tier_gets_only_what_it_takes() {
    let kib = |count: usize| "x".repeat(count << 10);
    let all = json!({
        "SITE": { "max_body": "4MiB" },
        "CACHES": { "default": { "tiers": ["colo", "kv", "d1", "r2", "dummy"] } },
    });
    for (what, lifetime, body, expected) in [
        ("KV keeps nothing for less than a minute", 30, kib(1), &[Tier::Colo, Tier::D1, Tier::R2][..]),
        ("as large as D1 takes", 60, kib(1460), &[Tier::Colo, Tier::D1, Tier::Kv, Tier::R2]),
        ("larger than a row of D1", 60, kib(1470), &[Tier::Colo, Tier::Kv, Tier::R2]),
        ("what ends at once is kept nowhere", 0, kib(1), &[]),
    ] {
        let field = format!("max-age={lifetime}");
        let origin = move |_: &Asked| Scripted::new(200, &[("cache-control", &field)], &body);
        let world = World::new(&all, origin);
        world.ports.tiers.replace(vec![Tier::Colo, Tier::Kv, Tier::D1, Tier::R2]);
        world.get("/a", &[]);
        let mut tiers: Vec<_> = world.ports.stores.borrow().keys().map(|(tier, _)| *tier).collect();
        tiers.sort_by_key(|tier| tier.as_str());
        assert_eq!(tiers, expected, "{what}");
    }
}

#[test]
fn a_tier_that_fails_is_a_miss_that_says_so() {
    for fault in [
        Fault { fails: true, ..Fault::default() },
        Fault { delay: Duration::from_secs(60), ..Fault::default() },
        Fault { corrupts: true, ..Fault::default() },
    ] {
        let tiers = [Tier::Colo, Tier::Kv, Tier::D1, Tier::R2];
        let vars = json!({ "CACHES": { "default": { "tiers": ["colo", "kv", "d1", "r2"] } } });
        let world = World::new(&vars, cacheable);
        world.ports.tiers.replace(tiers.into());
        world.get("/a", &[]);
        tiers.iter().for_each(|tier| world.fault(*tier, fault));
        let other = world.another_isolate(&vars);
        let before = world.ports.executor.now();
        let answer = other.get("/a", &[]);
        assert_eq!((answer.status, answer.body.as_str(), answer.is_hit()), (200, "page", false), "{fault:?}");
        assert!(
            matches!(answer.reason(), Some("store-failed" | "record-unreadable")),
            "{fault:?}: {:?}",
            answer.reason()
        );
        assert!(world.ports.executor.now() - before < 20_000, "{fault:?}");
    }
}

#[test]
fn a_record_under_another_key_is_not_used() {
    let world = World::new(&json!({}), |asked| Scripted::new(200, &[("cache-control", "max-age=600")], &asked.url));
    world.get("/a", &[]);
    world.get("/b", &[]);
    let mut records: Vec<_> =
        world.ports.stores.borrow().iter().map(|(slot, record)| (*slot, record.clone())).collect();
    records.sort_by_key(|((tier, key), _)| (tier.as_str(), *key));
    let swapped: Vec<_> =
        records.iter().map(|(slot, _)| *slot).zip(records.iter().rev().map(|(_, record)| record.clone())).collect();
    world.ports.stores.replace(swapped.into_iter().collect());
    let other = world.another_isolate(&json!({}));
    assert_eq!(other.get("/a", &[]).body, "http://origin.test/a");
}

#[test]
fn a_body_that_breaks_off_is_not_stored() {
    let origin = |_: &Asked| Scripted::new(200, &[("cache-control", "max-age=600")], "half of a pa").breaking_off();
    let world = World::new(&json!({}), origin);
    world.get("/a", &[]);
    assert!(world.ports.stores.borrow().is_empty());
    assert!(!world.get("/a", &[]).is_hit());
}

#[test]
fn a_body_over_the_limit_is_delivered_and_not_stored() {
    let origin = |_: &Asked| Scripted::new(200, &[("cache-control", "max-age=600")], &"x".repeat(2000));
    let world = World::new(&json!({ "SITE": { "max_body": 1999 } }), origin);
    assert_eq!(world.get("/a", &[]).body.len(), 2000);
    assert!(world.ports.stores.borrow().is_empty());
}

#[test]
fn jitter_shortens_a_lifetime_and_never_lengthens_it() {
    for (draw, fresh_until) in [(0.0, 600), (0.5, 540), (1.0, 480), (7.0, 480), (-3.0, 600), (f64::INFINITY, 480)] {
        let world = World::new(&json!({ "SITE": { "jitter": "20%" } }), cacheable);
        world.ports.draws.set(draw);
        world.get("/a", &[]);
        world.advance(fresh_until - 1);
        assert!(world.get("/a", &[]).is_hit(), "draw {draw}");
        world.advance(1);
        assert!(!world.get("/a", &[]).is_hit(), "draw {draw}");
    }
}

#[test]
fn a_tightened_policy_retires_what_was_stored_under_the_old_one() {
    let world = World::new(&json!({}), cacheable);
    world.get("/a", &[]);
    let tightened = world.another_isolate(&json!({ "SITE": { "vary_cookie": ["sid"] } }));
    assert!(!tightened.get("/a", &[]).is_hit());
    let shortened = world.another_isolate(&json!({ "SITE": { "max_ttl": "30s" } }));
    assert!(shortened.get("/a", &[]).is_hit());
    world.advance(30);
    assert!(!shortened.get("/a", &[]).is_hit(), "a shorter lifetime applies to what is stored");
}

#[test]
fn what_may_not_be_used_takes_the_place_of_nothing_that_may() {
    let is_down = Rc::new(Cell::new(false));
    let switch = is_down.clone();
    let mut number = 0;
    let origin = move |asked: &Asked| {
        number += 1;
        let page = |text| Scripted::new(200, &[("cache-control", "max-age=60, stale-if-error=600")], text);
        match (asked.method.as_str(), number) {
            _ if switch.get() => Scripted::error(FetchError::Unreachable),
            ("POST", _) => Scripted::new(204, &[], ""),
            // Before the form, and slow.
            (_, 1) => page("old").after(Duration::from_secs(1)),
            _ => page("new"),
        }
    };
    let vars = json!({});
    let world = World::new(&vars, origin);
    let other = world.another_isolate(&vars);
    let executor = world.ports.executor.clone();
    other.request_after(Duration::ZERO, http::Method::GET, "/a");
    world.runs_deferred.set(false);
    executor.run(executor.sleep(Duration::from_millis(100)));
    world.request(http::Method::POST, "/a", &[]);
    assert_eq!(world.get("/a", &[]).body, "new");
    world.run_left();
    // The slow one is stored last, in the data centre.
    executor.settle();
    world.advance(61);
    is_down.set(true);
    let answer = world.get("/a", &[]);
    assert_eq!((answer.status, answer.body.as_str(), answer.reason()), (200, "new", Some("stale-if-error")));
}

#[test]
fn what_was_looked_up_far_away_takes_the_place_of_nothing_younger() {
    let mut number = 0;
    let origin = move |_: &Asked| {
        number += 1;
        Scripted::new(200, &[("cache-control", "max-age=600")], &format!("page {number}"))
    };
    let vars = json!({});
    let first = World::new(&vars, origin);
    first.get("/a", &[]);
    first.advance(5);
    let world = first.another_isolate(&vars);
    world.runs_deferred.set(false);
    assert_eq!(world.get("/a", &[]).body, "page 1");
    let late = world.left.take();
    world.runs_deferred.set(true);
    assert_eq!(world.get("/a", &[("cache-control", "no-cache")]).body, "page 2");
    *world.left.borrow_mut() = late;
    world.run_left();
    assert_eq!(world.get("/a", &[]).body, "page 2");
}
