//! What is spared: refreshes ahead of expiry, writes that cost, lifetimes that would end together.

use std::rc::Rc;

use larder::cache::ahead::refreshes;
use larder::cache::freshness::with_jitter;
use larder::fields::{Seconds, Timestamp};
use larder::policy::{Config, Policy, Tier};
use serde_json::{Value, json};

use crate::support::test;
use crate::support::world::{Asked, Scripted, World};

fn policy(site: &Value) -> Rc<Policy> {
    let vars = json!({ "ORIGIN": "https://origin.test", "SITE": site });
    Config::read(vars.as_object().expect("a table")).expect("no mistakes").table.site.clone()
}

fn numbered() -> impl FnMut(&Asked) -> Scripted {
    let mut number = 0;
    move |_| {
        number += 1;
        Scripted::new(200, &[("cache-control", "max-age=100")], &format!("page {number}"))
    }
}

#[test]
fn a_share_of_the_lifetime_before_its_end_the_page_is_fetched_anew() {
    let world = World::new(&json!({ "SITE": { "refresh_ahead": "20%" } }), numbered());
    world.get("/a", &[]);
    world.advance(79);
    assert_eq!(world.get("/a", &[]).body, "page 1");
    assert_eq!(world.asked(), 1);
    world.advance(1);
    let served = world.get("/a", &[]);
    assert_eq!((served.body.as_str(), served.is_hit()), ("page 1", true), "nobody waits");
    assert_eq!(world.get("/a", &[]).body, "page 2");
}

#[test]
fn xfetch_refreshes_by_chance_that_grows_with_the_time_it_takes() {
    // Vattani, Chierichetti, Lowenstein, VLDB 2015: now - delta * beta * ln(draw) >= expiry
    let world = World::new(&json!({}), numbered());
    world.get("/a", &[]);
    let stored = world.stored("/a");
    let received = stored.fetched.received.as_millis();
    let head = |delta: u64| {
        let mut head = stored.clone();
        head.fetched.requested = Timestamp::from_millis(received - delta * 1000);
        head
    };
    for (delta, beta, after, draw, expected) in [
        (2, 1.0, 98, 0.5, false),
        (2, 1.0, 99, 0.5, true),
        (2, 1.0, 50, 1.0, false),
        (2, 1.0, 50, 0.0, true),
        (2, 2.0, 98, 0.5, true),
        (20, 1.0, 87, 0.5, true),
        (0, 1.0, 99, 0.000_001, false),
        (0, 1.0, 100, 1.0, true),
    ] {
        let policy = policy(&json!({ "jitter": "0", "refresh_ahead": "xfetch", "refresh_beta": beta }));
        let now = Timestamp::from_millis(received + after * 1000);
        assert_eq!(refreshes(&head(delta), &policy, now, draw), expected, "{delta} s, {beta}, after {after} s, {draw}");
    }
}

#[test]
fn tiers_that_charge_for_writes_take_an_entry_on_its_second_request() {
    for tier in [Tier::Kv, Tier::D1, Tier::R2] {
        let vars = json!({
            "SITE": { "admission": "second-hit" },
            "REDIS": { "protocol": "webdis", "url": "http://redis.test" },
            "CACHES": { "default": { "tiers": ["memory", "colo", tier.as_str(), "redis"] } },
        });
        let world = World::new(&vars, numbered());
        world.ports.tiers.replace(vec![Tier::Colo, tier]);
        let there = || world.ports.stores.borrow().keys().filter(|(of, _)| *of == tier).count();
        world.get("/a", &[]);
        assert_eq!((there(), world.ports.redis.values.borrow().len()), (0, 1), "{tier:?}: Redis takes every one");
        world.get("/a", &[]);
        assert_eq!(there(), 1, "{tier:?}");
        world.get("/b", &[]);
        let elsewhere = world.another_isolate(&vars);
        assert!(elsewhere.get("/b", &[]).is_hit());
        assert_eq!(there(), 2, "{tier:?}: the data centre's second request, by another isolate");
        world.ports.stores.borrow_mut().retain(|(of, _), _| *of != tier);
        assert!(world.another_isolate(&vars).get("/b", &[]).is_hit());
        assert_eq!(there(), 0, "{tier:?}: it was offered once");
        world.ports.stores.borrow_mut().clear();
        assert!(world.another_isolate(&vars).get("/b", &[]).is_hit(), "{tier:?}: another data centre, from Redis");
        assert_eq!(there(), 0, "{tier:?}: its first request there");
    }
}

#[test]
fn a_key_is_written_once_a_second_where_that_is_the_limit_and_the_last_one_counts() {
    for (tier, milliseconds, writes) in [(Tier::Kv, 1000, 2), (Tier::R2, 1000, 2), (Tier::D1, 0, 4)] {
        let vars = json!({
            "SITE": { "collapse": "off" },
            "CACHES": { "default": { "tiers": ["memory", "colo", tier.as_str()] } },
        });
        let world = World::new(&vars, numbered());
        world.ports.tiers.replace(vec![Tier::Colo, tier]);
        world.runs_deferred.set(false);
        for _ in 0..4 {
            world.get("/a", &[("cache-control", "no-cache")]);
        }
        let began = world.ports.executor.now();
        world.run_left_at_once();
        let took = world.ports.executor.now() - began;
        assert!((milliseconds..milliseconds + 200).contains(&took), "{tier:?}: {took} ms");
        assert_eq!(world.ports.writes.take().iter().filter(|of| **of == tier).count(), writes, "{tier:?}");
        let other = world.another_isolate(&vars);
        world.ports.stores.borrow_mut().retain(|(of, _), _| *of == tier);
        assert_eq!(other.get("/a", &[]).body, "page 4", "{tier:?}");
    }
}

#[test]
fn after_a_purge_lifetimes_are_spread_over_twice_the_share() {
    let world = World::new(&json!({ "SITE": { "jitter": "20%" } }), numbered());
    world.ports.draws.set(0.5);
    world.get("/a", &[]);
    assert_eq!(world.get("/a", &[]).report.ttl, Some(90));
    let before = world.ports.stores.borrow().clone();
    world.advance(1);
    world.request(http::Method::POST, "/a", &[]);
    // A write that was late brings back what was purged.
    world.ports.stores.replace(before);
    assert_eq!(world.get("/a", &[]).reason(), Some("purged"));
    assert_eq!(world.get("/a", &[]).report.ttl, Some(80));
    for (draw, jitter, expected) in [(1.0, "20%", 80), (2.0, "20%", 60), (2.0, "50%", 10), (9.0, "20%", 60)] {
        let policy = policy(&json!({ "jitter": jitter }));
        assert_eq!(with_jitter(Seconds::new(100), draw, &policy).get(), expected, "{draw} of {jitter}");
    }
}
