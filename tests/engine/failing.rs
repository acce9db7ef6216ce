//! An origin that fails: it is asked less and less, as long as there is something else to serve.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use larder::engine::ports::FetchError;
use serde_json::json;

use crate::support::test;
use crate::support::world::{Asked, Scripted, World};

/// A world with a page that is stale by now, and an origin that answers with `failure` from now on.
fn failing(failure: Scripted) -> (World, Rc<Cell<bool>>) {
    let fails = Rc::new(Cell::new(false));
    let switch = fails.clone();
    let origin = move |_: &Asked| {
        if switch.get() { failure.clone() } else { Scripted::new(200, &[("cache-control", "max-age=60")], "good") }
    };
    let world = World::new(&json!({ "SITE": { "stale_if_error": "1d" } }), origin);
    for path in ["/a", "/b", "/c", "/d", "/e", "/f", "/g"] {
        world.get(path, &[]);
    }
    fails.set(true);
    world.advance(61);
    (world, fails)
}

fn asked_during(world: &World, paths: &[&str]) -> usize {
    let before = world.asked();
    for path in paths {
        let answer = world.get(path, &[]);
        assert_eq!((answer.status, answer.body.as_str(), answer.reason()), (200, "good", Some("stale-if-error")));
    }
    world.asked() - before
}

#[test]
fn what_failed_is_asked_for_again_later_each_time() {
    let (world, fails) = failing(Scripted::new(503, &[], ""));
    let mut waits = Vec::new();
    let mut since = world.ports.executor.now();
    while waits.len() < 4 {
        if asked_during(&world, &["/a"]) == 1 {
            waits.push((world.ports.executor.now() - since) / 1000);
            since = world.ports.executor.now();
        } else {
            assert!(world.get("/a", &[]).is_hit(), "it does not say that the origin was asked");
        }
        world.advance(1);
    }
    assert_eq!(waits[0], 0);
    assert!(waits.windows(2).all(|pair| pair[0] < pair[1]), "{waits:?}");
    fails.set(false);
    world.advance(60);
    let answer = world.get("/a", &[]);
    assert_eq!((answer.body.as_str(), answer.reason(), answer.report.forward_status), ("good", None, Some(200)));
}

#[test]
fn an_origin_that_says_when_is_believed() {
    for (field, wait) in [("120", 120), ("Sun, 06 Nov 1994 08:52:58 GMT", 140)] {
        let field: &'static str = field;
        let (world, _) = failing(Scripted::new(503, &[("retry-after", field)], ""));
        assert_eq!(asked_during(&world, &["/a"]), 1, "{field}");
        world.advance(wait - 2);
        assert_eq!(asked_during(&world, &["/a"]), 0, "{field}");
        world.advance(3);
        assert_eq!(asked_during(&world, &["/a"]), 1, "{field}");
    }
}

#[test]
fn after_five_failures_in_a_row_only_one_request_tries() {
    let (world, fails) = failing(Scripted::error(FetchError::Unreachable));
    assert_eq!(asked_during(&world, &["/a", "/b", "/c", "/d", "/e", "/f", "/g"]), 5);
    world.advance(6);
    assert_eq!(asked_during(&world, &["/f", "/g"]), 1, "a trial, which fails");
    fails.set(false);
    world.advance(7);
    for path in ["/f", "/g", "/a"] {
        assert_eq!(world.get(path, &[]).reason(), None, "{path}");
    }
}

#[test]
fn nobody_is_turned_away_while_there_is_nothing_else_to_serve() {
    let (world, _) = failing(Scripted::error(FetchError::Unreachable));
    asked_during(&world, &["/a", "/b", "/c", "/d", "/e"]);
    let before = world.asked();
    assert_eq!(world.get("/unknown", &[]).status, 502);
    assert_eq!(world.get("/a", &[("cache-control", "no-cache")]).status, 502);
    assert_eq!(world.asked() - before, 2, "the origin might be back, and then there is an answer");
}

#[test]
fn a_refresh_that_fails_is_not_tried_by_the_next_request() {
    let asked = Rc::new(Cell::new(0));
    let count = asked.clone();
    let origin = move |_: &Asked| {
        count.set(count.get() + 1);
        if count.get() == 1 {
            Scripted::new(200, &[("cache-control", "max-age=60, stale-while-revalidate=600")], "good")
        } else {
            Scripted::new(500, &[], "")
        }
    };
    let world = World::new(&json!({}), origin);
    world.get("/a", &[]);
    world.advance(61);
    for _ in 0..5 {
        assert_eq!(world.get("/a", &[]).reason(), Some("stale-while-revalidate"));
    }
    assert_eq!(asked.get(), 2);
}

#[test]
fn an_error_of_the_origins_says_nothing_of_whether_a_page_can_be_shared() {
    for site in [json!({}), json!({ "cache": "force", "ttl": 60 })] {
        let mut number = 0;
        let origin = move |_: &Asked| {
            number += 1;
            match number {
                1 => Scripted::new(503, &[], "later"),
                2 => Scripted::new(200, &[("cache-control", "max-age=60")], "page"),
                _ => Scripted::error(FetchError::Unreachable),
            }
        };
        let vars = json!({ "SITE": site });
        let world = World::new(&vars, origin);
        assert_eq!(world.get("/a", &[]).status, 503);
        assert_eq!(world.another_isolate(&vars).get("/a", &[]).body, "page");
        let next = world.get("/a", &[]);
        assert_eq!((next.body.as_str(), next.is_hit()), ("page", true), "the data centre has it: {site}");
    }
}

#[test]
fn an_origin_that_comes_back_meets_one_request_for_a_page() {
    let mut number = 0;
    let origin = move |_: &Asked| {
        number += 1;
        let status = if number == 1 { 503 } else { 200 };
        Scripted::new(status, &[("cache-control", "max-age=60")][..number.min(2) - 1], "page")
            .after(Duration::from_millis(300))
    };
    let world = World::new(&json!({}), origin);
    assert_eq!(world.get("/a", &[]).status, 503);
    let answers = world.at_once(&vec![("/a", &[] as &[(&str, &str)]); 100]);
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(world.asked(), 2);
}

#[test]
fn a_stored_failure_stands_in_for_no_other() {
    let number = Cell::new(0);
    let origin = move |_: &Asked| {
        number.set(number.get() + 1);
        Scripted::new(503, &[("cache-control", "max-age=5")], &number.get().to_string())
    };
    let world = World::new(&json!({ "SITE": { "stale_if_error": "1d" } }), origin);
    // Also while the breaker would rather leave the origin alone.
    for number in 1..=10 {
        assert_eq!(world.get("/a", &[]).body, number.to_string());
        world.advance(6);
    }
}
