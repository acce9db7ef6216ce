//! Hits, misses, validation, passes.

use http::Method;
use larder::reason::Reason;
use serde_json::json;

use crate::support::test;
use crate::support::world::{Scripted, World};

fn counting(fields: &'static [(&'static str, &'static str)]) -> impl FnMut(&crate::support::world::Asked) -> Scripted {
    let mut number = 0;
    move |_| {
        number += 1;
        Scripted::new(200, fields, &format!("page {number}"))
    }
}

#[test]
fn a_page_that_may_be_stored_is_fetched_once() {
    let world = World::new(&json!({}), counting(&[("cache-control", "max-age=60")]));
    let first = world.get("/a", &[]);
    assert_eq!((first.body.as_str(), first.is_hit()), ("page 1", false));
    let second = world.get("/a", &[]);
    assert_eq!((second.body.as_str(), second.is_hit()), ("page 1", true));
    assert_eq!(world.asked(), 1);
}

#[test]
fn a_hit_grows_older_and_ends_with_its_lifetime() {
    let world = World::new(&json!({}), counting(&[("cache-control", "max-age=60")]));
    world.get("/a", &[]);
    world.advance(59);
    assert_eq!(world.get("/a", &[]).header("age"), Some("59"));
    world.advance(1);
    assert_eq!(world.get("/a", &[]).body, "page 2");
}

#[test]
fn what_says_nothing_of_its_lifetime_is_not_stored_on_a_plain_route() {
    let world = World::new(&json!({}), counting(&[]));
    assert_eq!(world.get("/a", &[]).reason(), Some("no-freshness"));
    assert_eq!(world.get("/a", &[]).body, "page 2");
}

#[test]
fn a_force_route_gives_it_one() {
    let world = World::new(&json!({ "SITE": { "cache": "force", "ttl": "5m" } }), counting(&[]));
    world.get("/a", &[]);
    world.advance(299);
    assert!(world.get("/a", &[]).is_hit());
    world.advance(1);
    assert!(!world.get("/a", &[]).is_hit());
}

#[test]
fn a_stale_page_is_validated_and_fresh_again() {
    let origin = |asked: &crate::support::world::Asked| match asked.header("if-none-match") {
        Some("\"v1\"") => {
            Scripted::new(304, &[("etag", "\"v1\""), ("cache-control", "max-age=60"), ("x-seen", "again")], "")
        }
        _ => Scripted::new(200, &[("etag", "\"v1\""), ("cache-control", "max-age=60"), ("x-seen", "once")], "page"),
    };
    let world = World::new(&json!({}), origin);
    world.get("/a", &[]);
    world.advance(61);
    let validated = world.get("/a", &[]);
    assert_eq!((validated.status, validated.body.as_str(), validated.header("x-seen")), (200, "page", Some("again")));
    world.advance(59);
    assert!(world.get("/a", &[]).is_hit());
    assert_eq!(world.asked(), 2);
}

#[test]
fn a_client_that_has_the_page_gets_304_from_the_store() {
    let world = World::new(&json!({}), counting(&[("cache-control", "max-age=60"), ("etag", "\"v1\"")]));
    world.get("/a", &[]);
    let answer = world.get("/a", &[("if-none-match", "W/\"v1\"")]);
    assert_eq!((answer.status, answer.body.as_str()), (304, ""));
}

#[test]
fn head_is_answered_from_a_stored_get() {
    let world = World::new(&json!({}), counting(&[("cache-control", "max-age=60")]));
    world.get("/a", &[]);
    let answer = world.request(Method::HEAD, "/a", &[]);
    assert_eq!((answer.status, answer.body.as_str(), answer.header("content-length")), (200, "", Some("6")));
}

#[test]
fn an_answer_to_head_is_not_stored_as_the_page() {
    let world = World::new(&json!({}), counting(&[("cache-control", "max-age=60")]));
    world.request(Method::HEAD, "/a", &[]);
    assert_eq!(world.get("/a", &[]).body, "page 2");
}

#[test]
fn a_range_of_a_stored_page_is_cut_here() {
    let world = World::new(&json!({}), counting(&[("cache-control", "max-age=60")]));
    world.get("/a", &[]);
    for (range, status, body) in [
        ("bytes=0-3", 206, "page"),
        ("bytes=-1", 206, "1"),
        ("bytes=5-", 206, "1"),
        ("bytes=9-", 416, ""),
        ("bytes=3-1", 200, "page 1"),
        ("bites=0-1", 200, "page 1"),
        ("bytes=18446744073709551615-", 416, ""),
        ("bytes=-9223372036854775808", 206, "page 1"),
        ("bytes=--1", 200, "page 1"),
    ] {
        let answer = world.get("/a", &[("range", range)]);
        assert_eq!((answer.status, answer.body.as_str()), (status, body), "{range}");
    }
}

#[test]
fn an_unsafe_request_invalidates_before_it_is_answered() {
    let world = World::new(&json!({}), counting(&[("cache-control", "max-age=60")]));
    world.get("/a", &[]);
    world.runs_deferred.set(false);
    assert_eq!(world.request(Method::POST, "/a", &[]).status, 200);
    assert_eq!(world.get("/a", &[]).body, "page 3");
}

#[test]
fn an_unsafe_request_invalidates_what_is_stored_for_its_url_however_that_is_written() {
    let mut number = 0;
    let origin = move |asked: &crate::support::world::Asked| {
        number += 1;
        let control = if asked.method == Method::POST { "no-store" } else { "max-age=60" };
        Scripted::new(200, &[("cache-control", control)], &format!("page {number}"))
    };
    let query = json!({ "sort": true, "ignore": ["utm_*"] });
    let world = World::new(&json!({ "SITE": { "query": query } }), origin);
    for url in ["/a?b=2&a=1", "/a?a=1&b=2&utm_source=letter"] {
        world.get("/a?a=1&b=2", &[]);
        assert!(world.get(url, &[]).is_hit(), "{url}");
        world.request(Method::POST, url, &[]);
        assert!(!world.get(url, &[]).is_hit(), "{url}");
    }
}

#[test]
fn a_failed_unsafe_request_invalidates_nothing() {
    let origin = |asked: &crate::support::world::Asked| {
        let status = if asked.method == Method::POST { 500 } else { 200 };
        Scripted::new(status, &[("cache-control", "max-age=60")], "page")
    };
    let world = World::new(&json!({}), origin);
    world.get("/a", &[]);
    world.request(Method::POST, "/a", &[]);
    assert!(world.get("/a", &[]).is_hit());
}

#[test]
fn variants_live_side_by_side_and_the_newest_rule_counts() {
    let origin = |asked: &crate::support::world::Asked| {
        let language = asked.header("accept-language").unwrap_or("none").to_owned();
        Scripted::new(200, &[("cache-control", "max-age=60"), ("vary", "accept-language")], &language)
    };
    let world = World::new(&json!({}), origin);
    for language in ["en", "de", "fr"] {
        assert_eq!(world.get("/a", &[("accept-language", language)]).body, language);
    }
    for language in ["en", "de", "fr"] {
        let answer = world.get("/a", &[("accept-language", language)]);
        assert!(answer.is_hit(), "{language}");
        assert_eq!(answer.body, language);
    }
    assert_eq!(world.asked(), 3);
}

#[test]
fn a_url_has_a_bounded_number_of_variants() {
    let origin = |asked: &crate::support::world::Asked| {
        Scripted::new(
            200,
            &[("cache-control", "max-age=600"), ("vary", "user-agent")],
            asked.header("user-agent").unwrap_or_default(),
        )
    };
    let world = World::new(&json!({}), origin);
    for number in 0..100 {
        let answer = world.get("/a", &[("user-agent", &format!("agent {number}"))]);
        let (stored, reason) = if number < 17 { (true, None) } else { (false, Some(Reason::VariantLimit)) };
        assert_eq!((answer.report.stored, answer.report.reason), (stored, reason), "{number}");
    }
    assert!(world.ports.stores.borrow().len() <= 2 * 17, "{}", world.ports.stores.borrow().len());
}

#[test]
fn a_configuration_with_a_mistake_passes_everything() {
    let world = World::new(&json!({ "SITE": { "cash": "force" } }), counting(&[("cache-control", "max-age=60")]));
    assert_eq!(
        world.get("/a", &[]).header("cache-status"),
        Some("Larder; fwd=bypass; fwd-status=200; detail=config-invalid")
    );
    assert_eq!(world.get("/a", &[]).body, "page 2");
}

#[test]
fn what_the_worker_died_of_goes_past_every_rule_and_is_kept_nowhere() {
    let world = World::new(
        &json!({ "HOSTS": ["site.test"], "SITE": { "cache": "force", "ttl": "1m" } }),
        counting(&[("cache-control", "max-age=60")]),
    );
    assert_eq!(world.get("/a", &[]).body, "page 1");
    for number in 2..4 {
        let answer = world.get_again("/a", &[("cookie", "sid=alice"), ("authorization", "Basic x")]);
        assert_eq!((answer.body.as_str(), answer.reason()), (format!("page {number}").as_str(), Some("worker-failed")));
        assert_eq!(world.last_asked().header("cookie"), Some("sid=alice"));
    }
    assert_eq!(world.get("/a", &[]).body, "page 1");
    for (path, host, status) in [("/_larder/health", "site.test", 500), ("/a", "evil.test", 421)] {
        assert_eq!(world.get_again(path, &[("host", host)]).status, status, "{host}{path}");
    }
    assert_eq!(world.asked(), 3);
}

#[test]
fn without_an_origin_there_is_an_error_that_says_what_is_missing() {
    let world = World::new(&json!({ "ORIGIN": "nowhere" }), counting(&[]));
    let answer = world.get("/a", &[]);
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("ORIGIN: found \"nowhere\"; wanted scheme and host"), "{}", answer.body);
}

#[test]
fn a_host_that_is_not_served_is_turned_away() {
    let world = World::new(&json!({ "HOSTS": ["www.test"] }), counting(&[("cache-control", "max-age=60")]));
    assert_eq!(world.get("/a", &[]).status, 421);
    assert_eq!(world.get("/_larder/health", &[]).status, 421);
    assert_eq!(world.get("/a", &[("host", "www.test")]).status, 200);
}

#[test]
fn a_request_that_comes_back_is_stopped() {
    let world = World::new(&json!({}), counting(&[]));
    world.get("/a", &[]);
    let mark = world.last_asked().header("larder-loop").expect("requests are marked").to_owned();
    assert_eq!(world.get("/b", &[("larder-loop", &mark)]).status, 508);
    assert_eq!(world.get("/b", &[("larder-loop", "another deployment")]).status, 200);
}

#[test]
fn only_if_cached_never_reaches_the_origin() {
    let world = World::new(&json!({}), counting(&[("cache-control", "max-age=60")]));
    assert_eq!(world.get("/a", &[("cache-control", "only-if-cached")]).status, 504);
    assert_eq!(world.asked(), 0);
    world.get("/a", &[]);
    assert_eq!(world.get("/a", &[("cache-control", "only-if-cached")]).status, 200);
}

#[test]
fn what_a_user_does_makes_that_users_own_pages_stale_and_nobody_elses() {
    let site = json!({ "SITE": { "cache": "force", "ttl": 600, "stale_while_revalidate": 600 }, "ROUTES": [
        { "path": "/own/*", "vary_cookie": ["sid"] },
        { "path": "/form", "cache": "pass" },
    ] });
    let world = World::new(&site, counting(&[("etag", "\"v\"")]));
    let (alice, bob) = ([("cookie", "sid=alice")], [("cookie", "sid=bob")]);
    let pages = [&alice, &bob].map(|who| world.get("/own/page", who).body);
    let public = world.get("/public", &[]).body;
    world.request(Method::POST, "/form", &alice);
    assert_ne!(world.get("/own/page", &alice).body, pages[0]);
    assert_eq!(world.get("/own/page", &bob).body, pages[1]);
    assert_eq!(world.get("/public", &[]).body, public);
}
