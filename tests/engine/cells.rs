//! The low-level cache: where a step is taken, who waits for a lease and how long, and what is said when a store fails.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::test;
use crate::support::world::{Answer, Asked, Fault, Scripted, World, admin_arrival, answer_of};

fn world() -> World {
    let vars = json!({
        "KEY_PREFIX": "prod",
        "REDIS": { "protocol": "webdis", "url": "http://gateway.test" },
        "CACHES": {
            "default": { "tiers": ["memory", "colo", "kv"] },
            "other": { "tiers": ["kv"], "key_prefix": "own", "version": 4, "default_ttl": 9, "timeout": 1 },
            "redis": { "tiers": ["memory", "redis"], "version": 2 },
            "nowhere": { "tiers": ["dummy"] },
        },
    });
    // Webdis, to which every command is a success.
    let world = World::with_admin(&vars, |_: &Asked| Scripted::new(200, &[], "*2\r\n$2\r\nok\r\n$1\r\n7\r\n"));
    world.ports.cells.is_there.set(true);
    world
}

fn ask(world: &World, method: Method, path: &str, body: &str) -> Answer {
    world.admin(method, &format!("/_larder/cache/{path}"), body)
}

fn put(world: &World, path: &str, body: &str) -> u16 {
    ask(world, Method::PUT, path, body).status
}

fn get(world: &World, path: &str) -> Option<String> {
    let answer = ask(world, Method::GET, path, "");
    (answer.status == 200).then_some(answer.body)
}

/// Asks for leases side by side: when each was answered, in milliseconds, and how.
fn leases(world: &World, count: usize, path: &str) -> Rc<RefCell<Vec<(u64, u16, String)>>> {
    let answers = Rc::new(RefCell::new(Vec::new()));
    for _ in 0..count {
        let arrival = admin_arrival(Method::POST, &format!("/_larder/cache/{path}"), "");
        let (engine, executor, answers) = (world.engine.clone(), world.ports.executor.clone(), answers.clone());
        let began = executor.now();
        world.ports.executor.spawn(async move {
            let outcome = engine.handle(arrival).await;
            let answer = answer_of(outcome.response, outcome.report);
            answers.borrow_mut().push((executor.now() - began, answer.status, answer.body));
        });
    }
    answers
}

fn token(answer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).expect("it is JSON");
    answer["token"].as_str().expect("a token").to_owned()
}

#[test]
fn values_have_the_names_that_django_gives_them() {
    let world = world();
    for (path, name) in [
        ("default/keys/a:b", "prod:1:a:b"),
        ("default/keys/a?version=3", "prod:3:a"),
        ("other/keys/a", "own:4:a"),
        ("other/keys/%C3%A4%2Fb", "own:4:ä/b"),
    ] {
        assert_eq!(put(&world, path, "x"), 204);
        let tables = world.ports.cells.tables.borrow();
        assert!(tables.values().any(|table| table.contains_key(name)), "{path}: {name}");
    }
    let tables = world.ports.cells.tables.borrow();
    assert!(tables.keys().all(|object| object.starts_with("cells-default-") || object.starts_with("cells-other-")));
}

#[test]
fn all_versions_of_a_key_are_in_one_object_and_different_keys_in_many() {
    let world = world();
    for number in 0..200 {
        for version in 1..4 {
            put(&world, &format!("default/keys/k{number}?version={version}"), "x");
        }
    }
    let tables = world.ports.cells.tables.borrow();
    assert_eq!(tables.len(), larder::cells::OBJECTS);
    assert!(tables.values().all(|table| table.len() % 3 == 0 && table.len() < 100));
}

#[test]
fn many_keys_are_one_question_for_each_object_that_has_any() {
    let world = world();
    let keys: Vec<_> = (0..100).map(|number| format!("k{number}")).collect();
    let values: serde_json::Map<_, _> = keys.iter().map(|key| (key.clone(), json!({ "of": key }))).collect();
    ask(&world, Method::POST, "default/many", &json!({ "set": values }).to_string());
    assert_eq!(world.ports.cells.asked.replace(0), larder::cells::OBJECTS);
    let found = ask(&world, Method::POST, "default/many", &json!({ "get": keys }).to_string()).body;
    assert_eq!(serde_json::from_str::<Value>(&found).expect("JSON"), json!({ "values": values }));
    assert_eq!(world.ports.cells.asked.get(), larder::cells::OBJECTS);
    assert_eq!(
        ask(&world, Method::POST, "default/many", &json!({ "delete": keys }).to_string()).body,
        r#"{"deleted":100}"#
    );
}

#[test]
fn an_alias_with_redis_is_in_redis_and_nowhere_else() {
    let world = world();
    assert_eq!(put(&world, "redis/keys/a", "x"), 204);
    let asked = world.last_asked();
    assert_eq!((asked.method, asked.url.as_str()), (Method::POST, "http://gateway.test/"));
    assert_eq!(ask(&world, Method::POST, "redis/keys/a/incr", "").body, "7");
    assert_eq!((world.asked(), world.ports.cells.asked.get()), (2, 0));
    assert!(world.ports.stores.borrow().is_empty(), "memory, colo and kv are never used");
    assert_eq!(put(&world, "nowhere/keys/a", "x"), 204);
    assert_eq!((get(&world, "nowhere/keys/a"), world.ports.cells.asked.get()), (None, 0));
}

#[test]
fn a_store_that_fails_is_said_and_left_alone_after_five_times() {
    let world = world();
    put(&world, "default/keys/a", "x");
    for fault in
        [Fault { fails: true, ..Fault::default() }, Fault { delay: Duration::from_secs(60), ..Fault::default() }]
    {
        world.ports.cells.fault.set(fault);
        let mut waits = Vec::new();
        for _ in 0..7 {
            let before = world.ports.executor.now();
            let answer = ask(&world, Method::GET, "other/keys/a", "");
            assert_eq!((answer.status, answer.header("content-type")), (503, Some("application/problem+json")));
            waits.push(world.ports.executor.now() - before);
        }
        let deadline = if fault.fails { 0 } else { 1000 };
        assert_eq!(waits, [deadline, deadline, deadline, deadline, deadline, 0, 0]);
        world.ports.cells.fault.set(Fault::default());
        world.advance(7);
        assert_eq!(get(&world, "default/keys/a").as_deref(), Some("x"));
    }
    world.ports.replace_origin(|_| Scripted::new(500, &[], "an error of the gateway, with secret values in it"));
    let answer = ask(&world, Method::GET, "redis/keys/a", "");
    assert!(answer.status == 503 && !answer.body.contains("secret"), "{}", answer.body);
    assert!(world.ports.logged.borrow().iter().all(|line| !line.contains("secret")));
    world.ports.replace_origin(|_| Scripted::new(200, &[], "-WRONGTYPE Operation against a key\r\n"));
    assert_eq!(ask(&world, Method::GET, "redis/keys/a", "").status, 409);
}

#[test]
fn without_objects_the_answer_says_what_to_bind() {
    let world = world();
    world.ports.cells.is_there.set(false);
    let answer = ask(&world, Method::GET, "default/keys/a", "");
    assert!(answer.status == 503 && answer.body.contains("CELLS"), "{}", answer.body);
}

#[test]
fn one_of_many_fills_and_the_others_have_it_a_quarter_of_a_second_later() {
    let world = world();
    let answers = leases(&world, 20, "default/keys/a/lease?ttl=10&wait=5");
    let (engine, executor, seen) = (world.engine.clone(), world.ports.executor.clone(), answers.clone());
    world.ports.executor.spawn(async move {
        executor.sleep(Duration::from_secs(3)).await;
        let token = token(&seen.borrow()[0].2);
        let path = format!("/_larder/cache/default/keys/a?lease={token}");
        assert_eq!(engine.handle(admin_arrival(Method::PUT, &path, "made")).await.response.status.as_u16(), 204);
    });
    world.ports.executor.settle();
    let answers = answers.take();
    assert_eq!(answers.iter().filter(|(_, status, _)| *status == 202).count(), 1);
    for (after, status, body) in answers.iter().filter(|(_, status, _)| *status == 200) {
        assert_eq!((*status, body.as_str()), (200, "made"));
        assert!((3000..=3250).contains(after), "{after}");
    }
    assert_eq!(answers.len(), 20);
    assert!(world.ports.cells.asked.get() < 20 * 26, "{} questions", world.ports.cells.asked.get());
}

#[test]
fn a_lease_passes_on_when_its_time_is_over_and_the_wait_has_an_end() {
    let world = world();
    world.ports.draws.set(0.1);
    let first = ask(&world, Method::POST, "default/keys/a/lease?ttl=4&wait=0", "");
    world.ports.draws.set(0.2);
    // The first is dead: one of these inherits, the others wait for it in vain.
    let answers = leases(&world, 3, "default/keys/a/lease?ttl=10&wait=5");
    world.ports.executor.settle();
    let mut answers = answers.take();
    answers.sort();
    let afters: Vec<_> = answers.iter().map(|(after, ..)| *after).collect();
    assert!((4000..=4250).contains(&afters[0]), "{afters:?}");
    assert_eq!(afters[1..], [5000, 5000], "a turn of their own");
    assert!(answers.iter().all(|(_, status, body)| *status == 202 && body == &answers[0].2));
    assert_ne!(token(&answers[0].2), token(&first.body));
    assert_eq!(put(&world, &format!("default/keys/a?lease={}", token(&first.body)), "late"), 409);
    assert_eq!(put(&world, &format!("default/keys/a?lease={}", token(&answers[0].2)), "made"), 204);
    assert_eq!(get(&world, "default/keys/a").as_deref(), Some("made"));
}

#[test]
fn what_a_lease_filled_stands_in_as_long_again_and_then_no_more() {
    let world = world();
    let fill = |value: &str| {
        let lease = ask(&world, Method::POST, "default/keys/a/lease?ttl=300&wait=0", "");
        assert_eq!(lease.status, 202, "{value}");
        put(&world, &format!("default/keys/a?ttl=60&lease={}", token(&lease.body)), value)
    };
    let lease = || ask(&world, Method::POST, "default/keys/a/lease?ttl=300&wait=0", "");
    assert_eq!(fill("old"), 204);
    world.advance(61);
    assert_eq!(lease().status, 202, "one makes it anew");
    let stale = lease();
    assert_eq!((stale.status, stale.body.as_str(), stale.header("larder-ttl")), (200, "old", Some("0")));
    world.advance(60);
    assert_eq!(lease().status, 202, "nothing to stand in");
}

#[test]
fn a_page_has_a_thousand_names_and_a_cursor_to_the_rest() {
    let world = world();
    let keys: Vec<_> = (0..3000).map(|number| format!("k{number:04}")).collect();
    for keys in keys.chunks(1000) {
        let values: serde_json::Map<_, _> = keys.iter().map(|key| (key.clone(), Value::Null)).collect();
        ask(&world, Method::POST, "default/many", &json!({ "set": values }).to_string());
    }
    let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = ask(&world, Method::GET, &format!("default/pattern/k*{cursor}"), "").body;
        let page: Value = serde_json::from_str(&page).expect("JSON");
        let found = page["keys"].as_array().expect("keys");
        assert!(found.len() <= larder::cells::PAGE, "{}", found.len());
        seen.extend(found.iter().map(|key| key.as_str().expect("text").to_owned()));
        pages += 1;
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = format!("?cursor={}", next.replace(':', "%3A"));
    }
    seen.sort();
    assert!(seen == keys && pages < 6, "each once, in {pages} pages");
}
