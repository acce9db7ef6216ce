//! What is served past its lifetime, and when.

use std::cell::Cell;
use std::rc::Rc;

use larder::engine::ports::FetchError;
use serde_json::{Value, json};

use crate::support::test;
use crate::support::world::{Scripted, World};

/// A world whose origin answers with `later` once the page was stored.
fn world_then(site: &Value, first: &'static [(&'static str, &'static str)], later: Scripted) -> World {
    let asked = Rc::new(Cell::new(0));
    let origin = move |_: &crate::support::world::Asked| {
        asked.set(asked.get() + 1);
        if asked.get() == 1 { Scripted::new(200, first, "good") } else { later.clone() }
    };
    let world = World::new(&json!({ "SITE": site }), origin);
    world.get("/a", &[]);
    world
}

#[test]
fn a_stale_page_stands_in_for_a_failing_origin() {
    let failures = [500, 502, 503, 504]
        .map(|status| Scripted::new(status, &[], "broken"))
        .into_iter()
        .chain([FetchError::Unreachable, FetchError::Timeout].map(Scripted::error));
    for failure in failures {
        let what = format!("{:?}", failure.result);
        let world = world_then(&json!({ "stale_if_error": "1h" }), &[("cache-control", "max-age=60")], failure);
        world.advance(61);
        let answer = world.get("/a", &[]);
        assert_eq!(
            (answer.status, answer.body.as_str(), answer.reason()),
            (200, "good", Some("stale-if-error")),
            "{what}"
        );
    }
}

#[test]
fn it_does_not_stand_in_for_an_answer() {
    for status in [200, 204, 301, 302, 400, 401, 403, 404, 410, 451, 501] {
        let later = Scripted::new(status, &[], "answer");
        let world = world_then(&json!({ "stale_if_error": "1h" }), &[("cache-control", "max-age=60")], later);
        world.advance(61);
        assert_eq!(world.get("/a", &[]).status, status);
    }
}

#[test]
fn signed_out_or_gone_is_final_even_if_the_origin_fails_later() {
    for status in [302, 401, 403, 404, 410] {
        let asked = Rc::new(Cell::new(0));
        let origin = move |_: &crate::support::world::Asked| {
            asked.set(asked.get() + 1);
            match asked.get() {
                1 => Scripted::new(200, &[("cache-control", "max-age=60")], "good"),
                2 => Scripted::new(status, &[], "no more"),
                _ => Scripted::new(503, &[], "broken"),
            }
        };
        let world = World::new(&json!({ "SITE": { "stale_if_error": "1d" } }), origin);
        world.get("/a", &[]);
        world.advance(61);
        assert_eq!(world.get("/a", &[]).status, status);
        assert_eq!(world.get("/a", &[]).status, 503, "after {status}");
    }
}

#[test]
fn nothing_is_served_stale_where_the_origin_forbids_it() {
    for control in
        ["max-age=60, must-revalidate", "max-age=60, proxy-revalidate", "s-maxage=60", "max-age=60, no-cache"]
    {
        let fields: &'static [(&'static str, &'static str)] =
            Box::leak(Box::new([("cache-control", control), ("etag", "\"v\"")]));
        let site = json!({ "stale_if_error": "1h", "stale_while_revalidate": "1h" });
        let world = world_then(&site, fields, Scripted::error(FetchError::Unreachable));
        world.advance(61);
        let answer = world.get("/a", &[("cache-control", "max-stale=999999")]);
        assert!(answer.status >= 500, "{control}: {}", answer.status);
    }
}

#[test]
fn a_window_ends() {
    let world = world_then(
        &json!({}),
        &[("cache-control", "max-age=60, stale-if-error=30")],
        Scripted::new(503, &[], "broken"),
    );
    world.advance(89);
    assert_eq!(world.get("/a", &[]).status, 200);
    world.advance(1);
    assert_eq!(world.get("/a", &[]).status, 503);
}

#[test]
fn while_it_is_refreshed_the_stale_page_is_served() {
    let later = Scripted::new(200, &[("cache-control", "max-age=60")], "new");
    let world = world_then(&json!({ "stale_while_revalidate": "30s" }), &[("cache-control", "max-age=60")], later);
    world.advance(61);
    world.runs_deferred.set(false);
    let stale = world.get("/a", &[]);
    assert_eq!((stale.body.as_str(), stale.reason(), stale.is_hit()), ("good", Some("stale-while-revalidate"), true));
    assert_eq!(world.asked(), 1, "the origin is asked after the answer");
    world.run_left();
    assert_eq!(world.get("/a", &[]).body, "new");
}

#[test]
fn an_error_never_takes_the_place_of_a_good_page() {
    for status in [204, 404, 500, 503] {
        let later = Scripted::new(status, &[("cache-control", "max-age=600")], "poor");
        let world = world_then(&json!({}), &[("cache-control", "max-age=60")], later);
        let answer = world.get("/a", &[("cache-control", "no-cache")]);
        assert_eq!((answer.status, answer.reason()), (status, Some("not-replaced")));
        assert_eq!(world.get("/a", &[]).body, "good", "after {status}");
    }
}

#[test]
fn a_client_may_accept_a_stale_page() {
    let world = world_then(&json!({}), &[("cache-control", "max-age=60")], Scripted::new(200, &[], "new"));
    world.advance(90);
    assert_eq!(world.get("/a", &[("cache-control", "max-stale=40")]).body, "good");
    assert_eq!(world.get("/a", &[("cache-control", "max-stale=20")]).body, "new");
}

#[test]
fn a_304_that_nobody_asked_for_is_no_page() {
    let world = World::new(&json!({}), |_| Scripted::new(304, &[("cache-control", "max-age=60")], ""));
    let answer = world.get("/a", &[]);
    assert_eq!((answer.status, answer.reason()), (502, Some("unexpected-304")));
    assert_eq!(world.asked(), 2, "it is asked once more");
}
