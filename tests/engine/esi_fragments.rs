//! Fragments: how they are fetched, what becomes of one that fails, and how many there may be.

use std::time::Duration;

use serde_json::json;

use crate::support::NOW;
use crate::support::test;
use crate::support::world::{Asked, Scripted, World};

const HTML: (&str, &str) = ("content-type", "text/html");
const ESI: (&str, &str) = ("surrogate-control", "content=\"ESI/1.0\"");
const FRESH: (&str, &str) = ("cache-control", "max-age=60");

/// What is a template by its path, and what it says.
fn site(pages: &'static [(&'static str, &'static str)]) -> impl FnMut(&Asked) -> Scripted {
    move |asked| {
        let url = asked.url.strip_prefix("http://origin.test").unwrap_or(&asked.url);
        if let Some((_, page)) = pages.iter().find(|(path, _)| *path == url) {
            return Scripted::new(200, &[HTML, ESI, FRESH], page);
        }
        match url.split('?').next().unwrap_or_default() {
            "/fails" => Scripted::new(500, &[], "sorry"),
            "/moved" => Scripted::new(302, &[("location", "/elsewhere")], "moved"),
            "/breaks" => Scripted::new(200, &[FRESH], "half").breaking_off(),
            "/packed" => Scripted::new(200, &[FRESH, ("content-encoding", "zstd")], "\u{1}"),
            "/slow" => Scripted::new(200, &[FRESH], "SLOW").after(Duration::from_secs(3)),
            "/never" => Scripted::new(200, &[FRESH], "NEVER").after(Duration::from_secs(3600)),
            "/large" => Scripted::new(200, &[FRESH], &"x".repeat(3 << 20)),
            _ => Scripted::new(200, &[HTML, FRESH], &format!("[{url}]")),
        }
    }
}

fn world(pages: &'static [(&'static str, &'static str)]) -> World {
    World::new(&json!({ "SITE": { "esi": true, "timeout": 60 } }), site(pages))
}

fn page(template: &'static str) -> World {
    world(Box::leak(Box::new([("/page", template)])))
}

fn count(world: &World, path: &str) -> usize {
    world
        .ports
        .asked
        .borrow()
        .iter()
        .filter(|asked| asked.url.starts_with(&format!("http://origin.test{path}")))
        .count()
}

#[test]
fn fragments_are_fetched_side_by_side_and_written_in_order_as_they_come() {
    let world = page("a<esi:include src=\"/slow?1\"/>b<esi:include src=\"/fast\"/>c<esi:include src=\"/slow?2\"/>d");
    let answer = world.get("/page", &[]);
    assert_eq!((answer.body.as_str(), answer.is_whole), ("aSLOWb[/fast]cSLOWd", true));
    let since = |at: u64| at - NOW.as_millis();
    let [(first, start), (last, rest)] = &answer.pieces[..] else { panic!("{:?}", answer.pieces) };
    assert!((start.as_str(), rest.as_str()) == ("a", "SLOWb[/fast]cSLOWd"), "{:?}", answer.pieces);
    assert!(since(*first) <= 300, "the start does not wait: {}", since(*first));
    assert!((3000..3300).contains(&since(*last)), "one slow one takes as long as two: {}", since(*last));
    assert_eq!(world.get("/page", &[]).header("cache-control"), Some("max-age=57"), "now all of it is at hand");
}

#[test]
fn the_start_of_a_page_that_is_for_one_visitor_waits_for_nothing() {
    let vars = json!({
        "SITE": { "esi": true },
        "ROUTES": [{ "path": "/slow", "cache": "force", "ttl": 60, "vary_cookie": ["sid"] }],
    });
    let world = World::new(&vars, site(&[("/page", "a<esi:include src=\"/slow\"/>b")]));
    let answer = world.get("/page", &[]);
    let (at, start) = answer.pieces.first().expect("it comes in pieces");
    assert_eq!((at - NOW.as_millis(), start.as_str()), (10, "a"));
    assert_eq!(answer.body, "aSLOWb");
}

#[test]
fn a_fragment_that_fails_is_not_the_visitors_error() {
    for (template, expected) in [
        ("a<esi:include src=\"/fails\"/>b", "ab"),
        ("a<esi:include src=\"/moved\"/>b", "ab"),
        ("a<esi:include src=\"/breaks\"/>b", "ab"),
        ("a<esi:include src=\"/packed\"/>b", "ab"),
        ("a<esi:include src=\"/_larder/health\"/>b", "ab"),
        ("a<esi:include src=\"http://evil.test/\"/>b", "ab"),
        ("a<esi:include src=\"/fails\" alt=\"/b\"/>c", "a[/b]c"),
        ("a<esi:include src=\"/breaks\" alt=\"/fails\" onerror=\"continue\"/>c", "ac"),
        (
            "<esi:try><esi:attempt>a<esi:include src=\"/breaks\"/></esi:attempt><esi:except>b<esi:include src=\"/c\"/></esi:except></esi:try>",
            "b[/c]",
        ),
    ] {
        let answer = page(template).get("/page", &[]);
        assert_eq!((answer.status, answer.body.as_str(), answer.is_whole), (200, expected, true), "{template}");
    }
}

#[test]
fn a_fragment_that_never_comes_does_not_hold_the_page_for_ever() {
    let world = page("a<esi:include src=\"/never\"/>b");
    let answer = world.get("/page", &[]);
    assert_eq!((answer.body.as_str(), answer.is_whole), ("ab", true));
    let (last, _) = answer.pieces.last().expect("it comes in pieces");
    assert_eq!((last - NOW.as_millis()) / 1000, 20);
}

#[test]
fn a_template_that_breaks_off_is_not_passed_off_as_a_page() {
    let origin = |_: &Asked| Scripted::new(200, &[HTML, ESI, FRESH], "a<esi:include src=\"/page\"/>").breaking_off();
    let answer = World::new(&json!({ "SITE": { "esi": true } }), origin).get("/page", &[]);
    assert_eq!((answer.body.as_str(), answer.is_whole), ("a", false));
}

#[test]
fn a_fragment_has_its_own_lifetime() {
    let vars = json!({ "SITE": { "esi": true, "jitter": "0" }, "ROUTES": [{ "path": "/forced/*", "cache": "force", "ttl": 10 }] });
    let origin = |asked: &Asked| match asked.url.ends_with("/page") {
        true => Scripted::new(200, &[HTML, ESI, FRESH], "<esi:include src=\"/forced/x\"/>"),
        false => Scripted::new(200, &[], "x"),
    };
    let world = World::new(&vars, origin);
    for (seconds, pages, fragments) in [(0, 1, 1), (9, 1, 1), (1, 1, 2), (49, 1, 3), (9, 2, 3)] {
        world.advance(seconds);
        world.get("/page", &[]);
        assert_eq!((count(&world, "/page"), count(&world, "/forced/x")), (pages, fragments));
    }
}

#[test]
fn a_template_may_say_more_about_a_fragment_where_a_lifetime_may_be_forced() {
    let vars = json!({ "SITE": { "esi": true, "jitter": "0" }, "ROUTES": [{ "path": "/forced/*", "cache": "force", "ttl": 10 }] });
    let origin = |asked: &Asked| match asked.url.ends_with("/page") {
        true => Scripted::new(
            200,
            &[HTML, ESI, FRESH],
            "<esi:include src=\"/forced/x\" ttl=\"30s\" tags=\"one, two\"/><esi:include src=\"/plain\" ttl=\"30s\"/>",
        ),
        false => Scripted::new(200, &[], "x"),
    };
    let world = World::with_admin(&vars, origin);
    world.ports.ledger.is_there.set(true);
    for seconds in [0, 29] {
        world.advance(seconds);
        world.get("/page", &[]);
        assert_eq!(count(&world, "/forced/x"), 1);
    }
    assert_eq!(count(&world, "/plain"), 2, "what no rule and no response shares, no template does");
    world.admin(http::Method::POST, "/_larder/purge", r#"{ "tags": ["two"] }"#);
    world.get("/page", &[]);
    assert_eq!(count(&world, "/forced/x"), 2);
}

#[test]
fn the_same_fragment_twice_is_fetched_once() {
    let world = page("<esi:include src=\"/f\"/><esi:include src=\"/f\"/>");
    assert_eq!(world.get("/page", &[]).body, "[/f][/f]");
    assert_eq!(count(&world, "/f"), 1);
}

#[test]
fn fragments_that_contain_each_other_end() {
    let world = world(&[
        ("/self", "a<esi:include src=\"/self\"/>b"),
        ("/one", "1<esi:include src=\"/two\"/>"),
        ("/two", "2<esi:include src=\"/one\"/>"),
        ("/d0", "0<esi:include src=\"/d1\"/>"),
        ("/d1", "1<esi:include src=\"/d2\"/>"),
        ("/d2", "2<esi:include src=\"/d3\"/>"),
        ("/d3", "3<esi:include src=\"/d4\"/>"),
    ]);
    for (path, expected) in [("/self", "ab"), ("/one", "12"), ("/d0", "0123")] {
        let answer = world.get(path, &[]);
        assert_eq!((answer.body.as_str(), answer.is_whole), (expected, true), "{path}");
    }
    assert_eq!(count(&world, "/d4"), 0);
}

#[test]
fn what_is_no_template_is_not_read_as_one_in_a_fragment_either() {
    let origin = |asked: &Asked| match asked.url.ends_with("/page") {
        true => Scripted::new(200, &[HTML, ESI, FRESH], "<esi:include src=\"/f\"/>"),
        false => Scripted::new(200, &[HTML, FRESH], "<esi:include src=\"/g\"/>"),
    };
    let world = World::new(&json!({ "SITE": { "esi": true } }), origin);
    assert_eq!(world.get("/page", &[]).body, "<esi:include src=\"/g\"/>");
}

#[test]
fn a_page_has_twenty_fragments_at_most() {
    let template: String = (0..1000).map(|number| format!("<esi:include src=\"/f{number}\"/>")).collect();
    let world = page(Box::leak(template.into_boxed_str()));
    let answer = world.get("/page", &[]);
    assert_eq!((count(&world, "/f"), answer.body.matches('[').count()), (20, 20));
}

#[test]
fn fragments_of_a_page_are_no_larger_than_eight_mebibytes_together() {
    let world =
        page("a<esi:include src=\"/large?1\"/>b<esi:include src=\"/large?2\"/>c<esi:include src=\"/large?3\"/>d");
    assert_eq!(world.get("/page", &[]).body.len(), (6 << 20) + 4);
}

#[test]
fn a_budget_of_subrequests_is_kept_and_what_costs_nothing_is_shown() {
    let template: String = (0..20).map(|number| format!("<esi:include src=\"/f{number}\"/>")).collect();
    let template: &'static str = Box::leak(template.into_boxed_str());
    let vars = json!({ "SITE": { "esi": true }, "BUDGET": { "subrequests": 50 }, "CACHES": { "default": { "tiers": ["memory", "colo"] } } });
    let world = World::new(&vars, site(Box::leak(Box::new([("/page", template)]))));
    let mut shown = 0;
    for request in 1..=4 {
        // Each request has a budget of its own.
        let world = world.another_request();
        let now = world.get("/page", &[]).body.matches('[').count();
        assert!(now >= shown && (now < 20 || request > 1), "{shown}, then {now}");
        shown = now;
    }
    assert_eq!(shown, 20, "what was stored before costs nothing");
}

#[test]
fn only_cookies_that_its_route_names_reach_a_fragment() {
    let vars = json!({
        "HOSTS": ["site.test", "other.test"],
        "SITE": { "esi": true },
        "ROUTES": [
            { "path": "/keyed", "cache": "force", "ttl": 60, "vary_cookie": ["sid"] },
            { "path": "/class", "cache": "force", "ttl": 60, "cookie_class": { "plan": ["free", "pro"] } },
            { "path": "/bypassed", "bypass_cookie": ["cart*"] },
            { "path": "/passed", "cache": "pass" },
        ],
    });
    let pages = [
        ("/a", "<esi:include src=\"/keyed\"/>"),
        ("/b", "<esi:include src=\"/class\"/>"),
        ("/c", "<esi:include src=\"/bypassed\"/>"),
        ("/d", "<esi:include src=\"/passed\"/>"),
        ("/e", "<esi:include src=\"/plain\"/>"),
        ("/f", "<esi:include src=\"//other.test/keyed\"/>"),
    ];
    for (path, cookies, authorization) in [
        ("/a", Some("sid=1"), None),
        ("/b", Some("plan=pro"), None),
        ("/c", Some("cart1=2; cart2=3"), None),
        ("/d", None, Some("Basic x")),
        ("/e", None, Some("Basic x")),
        ("/f", None, None),
    ] {
        let world = World::new(&vars, site(Box::leak(Box::new(pages))));
        let basic = [
            ("cookie", "sid=1; plan=pro; cart1=2; cart2=3; csrftoken=x"),
            ("authorization", "Basic x"),
            ("x-unknown", "1"),
            ("hx-request", "true"),
        ];
        let fields = if authorization.is_some() { &basic[..] } else { &basic[..1] };
        world.get(path, fields);
        let asked = world.last_asked();
        assert_eq!(
            (asked.header("cookie"), asked.header("authorization")),
            (cookies, authorization),
            "{path} {}",
            asked.url
        );
        assert_eq!((asked.header("x-unknown"), asked.header("hx-request")), (None, None), "{path}");
    }
}

#[test]
fn who_goes_away_leaves_nothing_waiting() {
    let world = page("a<esi:include src=\"/slow\"/>b");
    world.ports.is_deaf.set(true);
    let gone = world.get("/page", &[]);
    assert_eq!((gone.body.as_str(), gone.is_whole), ("", false));
    world.ports.is_deaf.set(false);
    assert_eq!(world.get("/page", &[]).body, "aSLOWb");
    assert_eq!(count(&world, "/slow"), 1, "what was being fetched is stored all the same");
}

#[test]
fn a_template_of_any_length_is_assembled_as_it_comes() {
    let pieces = |asked: &Asked| {
        let mut scripted = Scripted::new(200, &[HTML, ESI, ("cache-control", "no-store")], "<esi:remove>");
        if let (true, Ok((_, _, pieces))) = (asked.url.ends_with("/page"), &mut scripted.result) {
            // More than is read ahead, first of what is removed, then of what stays, with a fragment in between.
            for text in ["x", "y"] {
                pieces.extend((0..10).map(|_| bytes::Bytes::from(text.repeat(1 << 20))));
                pieces.push("</esi:remove><esi:include src=\"/f\"/>".into());
            }
        }
        scripted
    };
    let answer = World::new(&json!({ "SITE": { "esi": true } }), pieces).get("/page", &[]);
    assert_eq!((answer.body.len(), answer.is_whole), (10 << 20, true));
}
