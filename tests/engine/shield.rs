//! Concurrent misses in several isolates, and what they cost when the shield is slow, dead or mistaken.

use std::time::Duration;

use larder::engine::ports::FetchError;
use larder::key::CacheKey;
use larder::policy::Tier;
use larder::reason::Reason;
use larder::shield::{Ask, Role, Word, object_for};
use serde_json::{Value, json};

use crate::support::test;
use crate::support::world::{Asked, Fault, Scripted, World};

fn global() -> Value {
    json!({ "SITE": { "collapse": "global" } })
}

/// Three isolates before an origin that takes a second.
fn isolates(vars: &Value, origin: impl FnMut(&Asked) -> Scripted + 'static) -> [World; 3] {
    let first = World::new(vars, origin);
    first.ports.shield.is_there.set(true);
    let others = [first.another_isolate(vars), first.another_isolate(vars)];
    let [second, third] = others;
    [first, second, third]
}

fn slowly(status: u16, control: &'static str) -> impl FnMut(&Asked) -> Scripted {
    move |_| Scripted::new(status, &[("cache-control", control)], "page").after(Duration::from_secs(1))
}

fn all_ask(isolates: &[World], times: usize) -> Vec<crate::support::world::Answer> {
    let requests: Vec<_> = (0..times).flat_map(|_| isolates.iter().map(|world| (world, "/a", &[][..]))).collect();
    World::at_once_in(&requests)
}

#[test]
fn many_requests_in_many_isolates_are_one_for_the_origin() {
    let isolates = isolates(&global(), slowly(200, "max-age=60"));
    let answers = all_ask(&isolates, 100);
    assert!(answers.iter().all(|answer| answer.body == "page"));
    assert_eq!(isolates[0].asked(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.report.collapsed).count(), 299);
    assert!(isolates[2].get("/a", &[]).is_hit());
}

#[test]
fn what_is_for_one_is_fetched_by_each_without_a_queue() {
    let isolates = isolates(&global(), slowly(200, "private"));
    all_ask(&isolates, 2);
    assert_eq!(isolates[0].asked(), 6);
    let before = isolates[0].ports.executor.now();
    all_ask(&isolates, 10);
    assert_eq!(isolates[0].asked(), 36);
    let took = isolates[0].ports.executor.now() - before;
    assert!(took < 1200, "nobody waits for what proved private: {took} ms");
}

#[test]
fn a_failure_is_everyones_and_costs_one_timeout() {
    let isolates = isolates(&json!({ "SITE": { "collapse": "global", "timeout": 2 } }), |_| {
        Scripted::error(FetchError::Unreachable).after(Duration::from_secs(60))
    });
    let before = isolates[0].ports.executor.now();
    let answers = all_ask(&isolates, 10);
    assert!(answers.iter().all(|answer| answer.status == 504), "{:?}", answers[0]);
    assert_eq!(isolates[0].asked(), 1);
    assert!(isolates[0].ports.executor.now() - before < 3000);
}

#[test]
fn a_shield_that_is_slow_dead_or_absent_is_not_noticed() {
    for (there, fault) in [
        (true, Fault { fails: true, ..Fault::default() }),
        (true, Fault { delay: Duration::from_secs(600), ..Fault::default() }),
        (false, Fault::default()),
    ] {
        let isolates = isolates(&global(), slowly(200, "max-age=60"));
        isolates[0].ports.shield.is_there.set(there);
        isolates[0].ports.shield.fault.set(fault);
        let answers = all_ask(&isolates, 10);
        assert!(answers.iter().all(|answer| (answer.status, answer.body.as_str()) == (200, "page")), "{fault:?}");
        assert_eq!(isolates[0].asked(), 3, "each isolate for itself: {fault:?}");
    }
}

#[test]
fn a_leader_that_dies_is_succeeded_within_its_lease() {
    let isolates = isolates(&json!({ "SITE": { "collapse": "global", "timeout": 5 } }), slowly(200, "max-age=60"));
    let key = isolates[0].key_of("/a");
    let executor = &isolates[0].ports.executor;
    // Somebody took the lease and is never heard of again.
    let lease = Ask::Lead { key, lease: Duration::from_secs(5), nonce: 1 };
    let taken = executor.run(isolates[0].ports.shield.ask(executor, "shield-0", lease, None)).expect("it answers");
    assert_eq!(Role::parse(&taken.0), Some(Role::Lead(1)));
    let before = executor.now();
    let answers = all_ask(&isolates[1..], 10);
    assert!(answers.iter().all(|answer| answer.body == "page"));
    assert_eq!(isolates[0].asked(), 1, "one of those who waited took over");
    assert!((5000..8500).contains(&(executor.now() - before)), "{}", executor.now() - before);
}

#[test]
fn a_leader_that_dies_before_a_slow_origin_does_not_send_all_who_waited_there() {
    let origin =
        |_: &Asked| Scripted::new(200, &[("cache-control", "max-age=60")], "page").after(Duration::from_secs(4));
    let isolates = isolates(&json!({ "SITE": { "collapse": "global", "timeout": 5 } }), origin);
    let executor = &isolates[0].ports.executor;
    let lease = Ask::Lead { key: isolates[0].key_of("/a"), lease: Duration::from_secs(5), nonce: 1 };
    executor.run(isolates[0].ports.shield.ask(executor, "shield-0", lease, None)).expect("it answers");
    let answers = all_ask(&isolates[1..], 10);
    assert!(answers.iter().all(|answer| answer.body == "page"));
    assert_eq!(isolates[0].asked(), 1, "all waited for the one who took over");
}

#[test]
fn a_stale_page_is_refreshed_by_one_isolate() {
    let vars = json!({ "SITE": { "collapse": "global", "stale_while_revalidate": "1h" } });
    let isolates = isolates(&vars, slowly(200, "max-age=60"));
    isolates.iter().for_each(|world| drop(world.get("/a", &[])));
    assert_eq!(isolates[0].asked(), 1);
    isolates[0].advance(61);
    let answers = all_ask(&isolates, 10);
    assert!(answers.iter().all(|answer| answer.reason() == Some("stale-while-revalidate")));
    assert_eq!(isolates[0].asked(), 2);
}

#[test]
fn a_late_leader_changes_nothing() {
    let isolates = isolates(&global(), slowly(200, "max-age=60"));
    let key = isolates[0].key_of("/a");
    let (executor, shield) = (&isolates[0].ports.executor, &isolates[0].ports.shield);
    let ask = |ask| executor.run(shield.ask(executor, "shield-0", ask, None)).expect("it answers").0;
    assert_eq!(ask(Ask::Lead { key, lease: Duration::from_secs(1), nonce: 1 }), "lead 1");
    isolates[0].advance(2);
    assert_eq!(ask(Ask::Lead { key, lease: Duration::from_secs(9), nonce: 1 }), "lead 2");
    ask(Ask::Land { key, token: 1, word: Word::Stored });
    assert_eq!(
        ask(Ask::Lead { key, lease: Duration::from_secs(1), nonce: 1 }),
        "wait 2",
        "the second lease still holds"
    );
}

#[test]
fn writes_that_are_charged_for_end_with_the_budget_of_the_day() {
    let vars = json!({
        "BUDGET": { "kv_writes_per_day": 5, "d1_writes_per_day": 4, "r2_writes_per_day": 3 },
        "SITE": { "collapse": "off" },
        "CACHES": { "default": { "tiers": ["memory", "colo", "kv", "d1", "r2"] } },
    });
    let isolates = isolates(&vars, |asked| Scripted::new(200, &[("cache-control", "max-age=6000")], &asked.url));
    isolates[0].ports.tiers.replace(vec![Tier::Colo, Tier::Kv, Tier::D1, Tier::R2]);
    let written = || {
        let writes = isolates[0].ports.writes.borrow();
        [Tier::Kv, Tier::D1, Tier::R2].map(|tier| writes.iter().filter(|of| **of == tier).count())
    };
    for number in 0..9 {
        isolates[number % 3].get(&format!("/{number}"), &[]);
    }
    assert_eq!(written(), [5, 4, 3]);
    assert!(isolates[0].another_isolate(&vars).get("/8", &[]).is_hit(), "from the data centre");
    isolates[0].advance(86_400);
    isolates[0].get("/new", &[]);
    assert_eq!(written(), [6, 5, 4]);
    isolates[0].ports.shield.fault.set(Fault { fails: true, ..Fault::default() });
    isolates[1].get("/other", &[]);
    assert_eq!(written(), [6, 5, 4], "nobody knows what is left");
}

#[test]
fn both_sides_read_what_the_other_writes() {
    let key = CacheKey([0xab; 32]);
    let words =
        [Word::Stored, Word::Refused(Reason::NoStore), Word::Unreachable, Word::Timeout, Word::Failed, Word::Gone];
    let lands = words.map(|word| Ask::Land { key, token: 7, word });
    let asks = [
        Ask::Lead { key, lease: Duration::from_millis(1500), nonce: 1 },
        Ask::Wait { key, token: 7, patience: Duration::from_secs(3) },
        Ask::Spend { day: 20_000, limit: 900, wanted: 18 },
    ];
    for ask in asks.into_iter().chain(lands) {
        assert_eq!(Ask::parse(&ask.target()), Some(ask), "{}", ask.target());
    }
    for target in ["", "/", "/2/lead/ab/1", "/1/lead/zz/1", "/1/steal/ab", "/1/land/ab/1/never-heard-of"] {
        assert_eq!(Ask::parse(target), None, "{target}");
    }
    for role in [Role::Lead(0), Role::Wait(u64::MAX)] {
        assert_eq!(Role::parse(&role.to_string()), Some(role));
    }
    assert_eq!(object_for(&key), "shield-939");
}
