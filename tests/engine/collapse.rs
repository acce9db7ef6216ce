//! Concurrent misses.

use std::time::Duration;

use larder::engine::ports::FetchError;
use serde_json::json;

use crate::support::test;
use crate::support::world::{Asked, Fault, Scripted, World};

#[test]
fn a_thousand_concurrent_misses_are_one_request() {
    let origin =
        |_: &Asked| Scripted::new(200, &[("cache-control", "max-age=60")], "page").after(Duration::from_millis(300));
    let world = World::new(&json!({}), origin);
    let answers = world.at_once(&vec![("/a", &[] as &[(&str, &str)]); 1000]);
    assert_eq!(world.asked(), 1);
    assert!(answers.iter().all(|answer| answer.body == "page"));
    assert_eq!(answers.iter().filter(|answer| answer.report.collapsed).count(), 999);
}

#[test]
fn of_more_than_can_wait_the_others_ask_for_themselves() {
    let origin =
        |_: &Asked| Scripted::new(200, &[("cache-control", "max-age=60")], "page").after(Duration::from_millis(300));
    let world = World::new(&json!({}), origin);
    let answers = world.at_once(&vec![("/a", &[] as &[(&str, &str)]); 4196]);
    assert!(answers.iter().all(|answer| answer.body == "page"));
    // Four thousand and ninety-six hold on to a fetch: whoever leads, and the table of fetches, among them.
    assert!((100..=104).contains(&world.asked()), "{}", world.asked());
}

#[test]
fn nobody_waits_for_another_users_page() {
    let origin = |asked: &Asked| {
        let body = asked.header("cookie").unwrap_or("nobody").to_owned();
        Scripted::new(200, &[], &body).after(Duration::from_millis(300))
    };
    let world = World::new(&json!({ "SITE": { "cache": "force", "ttl": 60, "vary_cookie": ["sid"] } }), origin);
    let users: Vec<String> = (0..50).map(|number| format!("sid=user{number}")).collect();
    let fields: Vec<[(&str, &str); 1]> = users.iter().map(|user| [("cookie", user.as_str())]).collect();
    let requests: Vec<(&str, &[(&str, &str)])> = fields.iter().map(|fields| ("/a", &fields[..])).collect();
    for (answer, user) in world.at_once(&requests).iter().zip(&users) {
        assert_eq!(&answer.body, user);
    }
}

#[test]
fn what_cannot_be_shared_is_fetched_by_each() {
    let mut number = 0;
    let origin = move |_: &Asked| {
        number += 1;
        Scripted::new(200, &[("cache-control", "private")], &format!("page {number}")).after(Duration::from_millis(300))
    };
    let world = World::new(&json!({}), origin);
    let answers = world.at_once(&vec![("/a", &[] as &[(&str, &str)]); 20]);
    assert_eq!(world.asked(), 20);
    let mut bodies: Vec<_> = answers.iter().map(|answer| answer.body.clone()).collect();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 20);
    let before = world.ports.executor.now();
    world.at_once(&vec![("/a", &[] as &[(&str, &str)]); 20]);
    assert!(world.ports.executor.now() - before < 600, "once that is known nobody waits for another");
}

#[test]
fn all_who_waited_learn_at_once_that_the_origin_failed() {
    let world = World::new(&json!({ "SITE": { "timeout": "2s" } }), |_| {
        Scripted::error(FetchError::Unreachable).after(Duration::from_secs(5))
    });
    let before = world.ports.executor.now();
    let answers = world.at_once(&vec![("/a", &[] as &[(&str, &str)]); 100]);
    assert!(answers.iter().all(|answer| answer.status == 504));
    assert!(world.ports.executor.now() - before < 4000);
    assert!(world.asked() <= 2, "{}", world.asked());
}

#[test]
fn a_fill_that_began_before_a_purge_does_not_survive_it() {
    let origin = |asked: &Asked| {
        let body = if asked.method == http::Method::POST { "saved" } else { "old" };
        let delay = if asked.method == http::Method::POST { 10 } else { 500 };
        Scripted::new(200, &[("cache-control", "max-age=60")], body).after(Duration::from_millis(delay))
    };
    let world = World::new(&json!({}), origin);
    world.request_after(Duration::from_millis(100), http::Method::POST, "/a");
    world.at_once(&[("/a", &[])]);
    assert!(!world.get("/a", &[]).is_hit());
}

#[test]
fn a_purge_does_not_send_all_who_waited_to_the_origin() {
    let origin = |asked: &Asked| {
        let (status, delay) = if asked.method == http::Method::POST { (204, 10) } else { (200, 500) };
        Scripted::new(status, &[("cache-control", "max-age=60")], "page").after(Duration::from_millis(delay))
    };
    let world = World::new(&json!({}), origin);
    world.request_after(Duration::from_millis(100), http::Method::POST, "/a");
    let answers = world.at_once(&vec![("/a", &[] as &[(&str, &str)]); 100]);
    assert!(answers.iter().all(|answer| answer.body == "page"));
    assert_eq!(world.asked(), 3, "the page, the form, and the page once more");
}

#[test]
fn whoever_comes_to_lead_looks_nearby_once_more() {
    let origin = |_: &Asked| Scripted::new(200, &[("cache-control", "max-age=600")], "page");
    let world = World::new(&json!({}), origin);
    // The second request looks far away for longer than the first takes for everything.
    world.fault(larder::policy::Tier::Colo, Fault { delay: Duration::from_millis(50), ..Fault::default() });
    world.request_after(Duration::from_millis(55), http::Method::GET, "/a");
    world.at_once(&[("/a", &[])]);
    assert_eq!(world.asked(), 1);
}

#[test]
fn those_who_come_later_and_must_validate_are_one_more_request() {
    for (control, knows_of_purges) in [("no-cache", true), ("max-age=60", false)] {
        let origin = move |_: &Asked| {
            let fields = [("cache-control", control), ("etag", "\"1\"")];
            Scripted::new(200, &fields, "page").after(Duration::from_millis(500))
        };
        let world = World::new(&json!({}), origin);
        world.ports.ledger.is_there.set(true);
        world.ports.ledger.fault.set(Fault { fails: !knows_of_purges, ..Fault::default() });
        for millis in 1..100 {
            world.request_after(Duration::from_millis(millis), http::Method::GET, "/a");
        }
        world.at_once(&[("/a", &[])]);
        assert_eq!(world.asked(), 2, "{control}, knows of purges: {knows_of_purges}");
    }
}
