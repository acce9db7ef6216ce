//! What else changes what is stored, or finds it: 304s, answers to HEAD and POST, groups, queries that do not matter.

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::support::test;
use crate::support::world::{Asked, Scripted, World};

const FRESH: (&str, &str) = ("cache-control", "max-age=60");
const TAG: (&str, &str) = ("etag", "\"1\"");

#[test]
fn a_304_with_a_cookie_is_for_the_one_who_gets_it() {
    for (field, again) in [
        (("set-cookie", "sid=alice"), 304),
        (("cache-control", "private, max-age=60"), 200),
        (("cache-control", "no-store"), 200),
    ] {
        let origin = move |asked: &Asked| match asked.header("if-none-match") {
            Some(_) => Scripted::new(304, &[TAG, FRESH, field], ""),
            None => Scripted::new(200, &[TAG, FRESH], "page"),
        };
        let world = World::new(&json!({}), origin);
        world.get("/a", &[]);
        world.advance(61);
        let own = world.get("/a", &[]);
        assert_eq!((own.status, own.body.as_str(), own.report.stored), (200, "page", false), "{field:?}");
        assert!(own.headers.get_all(field.0).iter().any(|value| value == field.1), "{field:?}");
        let next = world.get("/a", &[]);
        assert!(!next.is_hit(), "{field:?}");
        assert_eq!(next.report.forward_status, Some(again), "{field:?}");
    }
}

#[test]
fn a_304_that_sets_a_withheld_cookie_is_asked_for_once_more_with_all_cookies() {
    let origin = |asked: &Asked| match (asked.header("cookie"), asked.header("if-none-match")) {
        (Some(_), _) => Scripted::new(200, &[TAG, ("set-cookie", "sid=new")], "own"),
        (None, Some(_)) => Scripted::new(304, &[TAG, ("set-cookie", "sid=out")], ""),
        (None, None) => Scripted::new(200, &[TAG], "page"),
    };
    let world = World::new(&json!({ "SITE": { "cache": "force", "ttl": "1m" } }), origin);
    world.get("/a", &[]);
    world.advance(61);
    let answer = world.get("/a", &[("cookie", "sid=old")]);
    assert_eq!((answer.body.as_str(), answer.reason()), ("own", Some("withheld-cookie-set")));
}

#[test]
fn a_304_that_a_purge_overtook_is_asked_for_once_more_whole() {
    let origin = |asked: &Asked| match (&asked.method, asked.header("if-none-match")) {
        (&Method::POST, _) => Scripted::new(204, &[], "").after(Duration::from_millis(10)),
        (_, Some(_)) => Scripted::new(304, &[TAG, FRESH], "").after(Duration::from_millis(500)),
        (_, None) => Scripted::new(200, &[TAG, FRESH], "page"),
    };
    for (purged, asked) in [(true, 4), (false, 2)] {
        let world = World::new(&json!({}), origin);
        world.get("/a", &[]);
        world.advance(61);
        if purged {
            world.request_after(Duration::from_millis(100), Method::POST, "/a");
        }
        let answers = world.at_once(&[("/a", &[])]);
        assert_eq!((answers[0].body.as_str(), world.asked()), ("page", asked), "purged: {purged}");
        // What was asked for after the purge is of use after it.
        assert!(world.get("/a", &[]).is_hit(), "purged: {purged}");
    }
}

#[test]
fn the_answer_to_a_head_keeps_a_page_or_ends_it() {
    // RFC 9111 §4.3.5
    for (head, outcome) in
        [(&[TAG, FRESH, ("x-new", "1")][..], "kept"), (&[("etag", "\"2\""), FRESH], "ended"), (&[FRESH], "left")]
    {
        let origin = move |asked: &Asked| match asked.method {
            Method::HEAD => Scripted::new(200, head, ""),
            _ => Scripted::new(200, &[TAG, FRESH], "page"),
        };
        let world = World::new(&json!({}), origin);
        world.get("/a", &[]);
        world.advance(61);
        assert_eq!(world.request(Method::HEAD, "/a", &[]).status, 200);
        let next = world.get("/a", &[("cache-control", "only-if-cached, max-stale")]);
        let found = match (next.status, next.header("x-new")) {
            (200, Some(_)) if next.report.reason.is_none() => "kept",
            (200, None) => "left",
            (504, _) => "ended",
            other => panic!("{other:?}"),
        };
        assert_eq!(found, outcome);
    }
}

#[test]
fn a_post_that_says_what_a_get_would_get_answers_it() {
    // RFC 9110 §9.3.3
    let origin = |asked: &Asked| match asked.method {
        Method::POST => Scripted::new(200, &[FRESH, ("content-location", "/a")], "posted"),
        _ => Scripted::new(200, &[FRESH], "got"),
    };
    let world = World::new(&json!({}), origin);
    assert_eq!(world.get("/a", &[]).body, "got");
    let posted = world.request(Method::POST, "/a", &[("content-type", "text/plain")]);
    assert_eq!((posted.body.as_str(), posted.report.stored, posted.reason()), ("posted", true, Some("method")));
    let next = world.get("/a", &[]);
    assert_eq!((next.body.as_str(), next.is_hit()), ("posted", true));
    assert_eq!(world.request(Method::POST, "/a", &[]).body, "posted", "a POST itself always goes to the origin");
    assert_eq!(world.asked(), 3);
    for fields in [&[("cookie", "sid=1")][..], &[("authorization", "Basic eA==")], &[("x-original-url", "/admin")]] {
        world.request(Method::POST, "/a", fields);
        assert_eq!(world.get("/a", &[]).body, "got", "{fields:?}");
    }
}

#[test]
fn what_was_asked_for_before_a_purge_takes_the_place_of_nothing_that_came_after() {
    let origin = |asked: &Asked| match asked.method {
        Method::POST => Scripted::new(200, &[FRESH, ("content-location", "/a")], "new"),
        _ => Scripted::new(200, &[FRESH], "old").after(Duration::from_millis(500)),
    };
    let world = World::new(&json!({}), origin);
    world.request_after(Duration::from_millis(100), Method::POST, "/a");
    assert_eq!(world.at_once(&[("/a", &[])])[0].body, "old", "who asked before gets what was then");
    let next = world.get("/a", &[]);
    assert_eq!((next.body.as_str(), next.is_hit()), ("new", true));
    let elsewhere = world.another_isolate(&json!({})).get("/a", &[]);
    assert_eq!((elsewhere.body.as_str(), elsewhere.is_hit()), ("new", true), "in the data centre too");
}

#[test]
fn a_post_that_was_overtaken_by_another_answers_nobody_else() {
    let origin = |asked: &Asked| {
        let slow = if asked.url.ends_with("utm=mail") { 500 } else { 10 };
        let rule = ("no-vary-search", "params=(\"utm\")");
        let fields =
            [FRESH, rule, ("content-location", asked.url.strip_prefix("http://origin.test").expect("its own"))];
        Scripted::new(200, &fields, "then").after(Duration::from_millis(slow))
    };
    let world = World::new(&json!({}), origin);
    world.request_after(Duration::ZERO, Method::POST, "/a?utm=mail");
    world.runs_deferred.set(false);
    world.ports.executor.run(world.ports.executor.sleep(Duration::from_millis(100)));
    world.request(Method::POST, "/a?utm=feed", &[]);
    world.ports.executor.settle();
    assert!(!world.get("/a?utm=feed", &[]).is_hit(), "who posted there sees the new page");
}

#[test]
fn a_group_falls_together_at_its_own_origin() {
    // RFC 9875 §2.1, §3
    let origin = |asked: &Asked| match asked.method {
        Method::POST => Scripted::new(200, &[("cache-group-invalidation", "\"news\"")], ""),
        _ if asked.url.ends_with("/other") => Scripted::new(200, &[FRESH, ("cache-groups", "\"News\"")], "page"),
        _ => Scripted::new(200, &[FRESH, ("cache-groups", "\"front\", \"news\"")], "page"),
    };
    let world = World::new(&json!({}), origin);
    let hits = |paths: [(&str, &str); 4]| paths.map(|(host, path)| world.get(path, &[("host", host)]).is_hit());
    let paths = [("site.test", "/a"), ("site.test", "/b"), ("site.test", "/other"), ("else.test", "/a")];
    assert_eq!(hits(paths), [false; 4]);
    assert_eq!(hits(paths), [true; 4]);
    world.request(Method::GET, "/form", &[]);
    assert_eq!(hits(paths), [true; 4]);
    world.request(Method::POST, "/form", &[]);
    assert_eq!(hits(paths), [false, false, true, true]);
}

#[test]
fn a_query_that_does_not_matter_finds_what_is_stored_under_another() {
    // draft-ietf-httpbis-no-vary-search §7
    let origin = |asked: &Asked| match asked.method {
        Method::POST => Scripted::new(200, &[], ""),
        _ => {
            let rule = ("no-vary-search", "params=(\"utm\"), key-order");
            Scripted::new(200, &[FRESH, rule], &asked.url)
        }
    };
    let vars = json!({});
    let world = World::new(&vars, origin);
    let first = world.get("/a?x=1&utm=mail", &[]);
    for (path, hit) in [
        ("/a?x=1&utm=mail", true),
        ("/a?x=1&utm=feed", true),
        ("/a?utm=feed&x=1", true),
        ("/a?x=1", true),
        ("/a?x=2", false),
        ("/a", false),
        ("/b?x=1", false),
    ] {
        let answer = world.get(path, &[]);
        assert_eq!(answer.is_hit(), hit, "{path}");
        assert_eq!(answer.body == first.body, hit, "{path}");
    }
    assert!(!world.get("/a?x=1&utm=feed", &[("host", "else.test")]).is_hit());
    world.request(Method::POST, "/a?x=1&utm=feed", &[]);
    let after = world.get("/a?x=1&utm=feed", &[]);
    assert!(!after.is_hit(), "who posted there sees the new page");
    world.advance(61);
    assert_eq!(world.get("/a?x=1&utm=new", &[]).body, "http://origin.test/a?x=1&utm=new", "what is stale is of no use");
    let elsewhere = world.another_isolate(&vars);
    assert!(elsewhere.get("/a?x=1&utm=new", &[]).is_hit(), "under its own query it is found by everyone");
    assert!(elsewhere.get("/a?x=1&utm=other", &[]).is_hit(), "and what it says is learnt");
}
