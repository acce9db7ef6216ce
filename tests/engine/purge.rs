//! Purges: in this isolate at once, in every other within the bound, and never undone by what began before.

use std::time::Duration;

use http::Method;
use larder::name::Name;
use larder::purge::{Purge, What, command};
use serde_json::{Value, json};

use crate::support::test;
use crate::support::world::{Asked, Fault, Scripted, World};

const TAGGED: &[(&str, &str)] =
    &[("cache-control", "max-age=6000"), ("cache-tag", "news, front"), ("cache-groups", "\"g\""), ("etag", "\"1\"")];

/// Two isolates over one ledger, and an origin whose pages are tagged.
fn worlds(site: Value) -> (World, World) {
    let vars = json!({ "SITE": site, "PURGE_BOUND": "10s" });
    let mut number = 0;
    let first = World::with_admin(&vars, move |asked: &Asked| match asked.method {
        Method::POST => Scripted::new(200, &[], ""),
        _ => {
            number += 1;
            Scripted::new(200, TAGGED, &format!("page {number}"))
        }
    });
    first.ports.ledger.is_there.set(true);
    let second = first.another_isolate(&vars);
    (first, second)
}

fn purge(world: &World, body: &Value) -> (u16, Value) {
    let answer = world.admin(Method::POST, "/_larder/purge", &body.to_string());
    (answer.status, serde_json::from_str(&answer.body).expect("it is JSON"))
}

#[test]
fn every_kind_purges_what_it_names_and_nothing_else() {
    for (body, expected) in [
        (json!({ "urls": ["https://site.test/news/a"] }), [true, false, false]),
        (json!({ "urls": ["https://site.test/news/a?x=1"] }), [false; 3]),
        (json!({ "urls": ["https://other.test/news/a"] }), [false; 3]),
        (json!({ "tags": ["news"] }), [true; 3]),
        (json!({ "tags": ["News"] }), [false; 3]),
        (json!({ "groups": ["g"] }), [true; 3]),
        (json!({ "hosts": ["SITE.test"] }), [true; 3]),
        (json!({ "hosts": ["other.test"] }), [false; 3]),
        (json!({ "prefixes": ["/news/"] }), [true, true, false]),
        (json!({ "prefixes": ["site.test/news/b"] }), [false, true, false]),
        (json!({ "prefixes": ["other.test/news/"] }), [false; 3]),
        (json!({ "patterns": ["/*/b"] }), [false, true, false]),
        (json!({ "patterns": ["/a"] }), [false, false, true]),
        (json!({ "everything": true }), [true; 3]),
        (json!({ "tags": ["news"], "dry_run": true }), [false; 3]),
    ] {
        for soft in [false, true] {
            let (first, second) = worlds(json!({}));
            let paths = ["/news/a", "/news/b", "/a"];
            let seen = |world: &World| paths.map(|path| world.get(path, &[]).body);
            let (before, elsewhere) = (seen(&first), seen(&second));
            let mut body = body.clone();
            body["soft"] = soft.into();
            let (status, receipt) = purge(&first, &body);
            assert_eq!((status, receipt["bound_seconds"].as_u64()), (200, Some(10)), "{receipt}");
            let changed = |world: &World, before: [String; 3]| {
                let after = seen(world);
                [0, 1, 2].map(|page| before[page] != after[page])
            };
            assert_eq!(changed(&first, before), expected, "{body} here, at once");
            second.advance(11);
            assert_eq!(changed(&second, elsewhere), expected, "{body} elsewhere, after the bound");
        }
    }
}

#[test]
fn a_soft_purge_leaves_what_may_stand_in_for_a_failing_origin() {
    for (soft, status) in [(true, 200), (false, 502)] {
        let (first, _) = worlds(json!({ "stale_if_error": "1h" }));
        first.get("/a", &[]);
        purge(&first, &json!({ "tags": ["news"], "soft": soft }));
        first.ports.replace_origin(|_| Scripted::error(larder::engine::ports::FetchError::Unreachable));
        assert_eq!(first.get("/a", &[]).status, status, "soft {soft}");
    }
}

#[test]
fn an_isolate_that_was_idle_looks_before_it_serves() {
    let (first, second) = worlds(json!({}));
    second.get("/a", &[]);
    assert!(second.get("/a", &[]).is_hit());
    purge(&first, &json!({ "tags": ["news"] }));
    assert!(second.get("/a", &[]).is_hit(), "within the bound");
    second.advance(3600);
    let answer = second.get("/a", &[]);
    assert_eq!((answer.is_hit(), answer.reason()), (false, Some("purged")));
    let cold = first.another_isolate(&json!({ "PURGE_BOUND": "10s" }));
    assert_eq!(cold.get("/a", &[]).body, answer.body, "what was stored after the purge is good");
}

#[test]
fn a_busy_isolate_looks_in_the_background() {
    let (first, second) = worlds(json!({}));
    second.get("/a", &[]);
    let reads = || first.ports.ledger.reads.get();
    let before = reads();
    for _ in 0..40 {
        second.advance(1);
        assert!(second.get("/a", &[]).is_hit());
    }
    let looked = reads() - before;
    assert!((4..=8).contains(&looked), "every five seconds or so, not {looked} times");
    purge(&first, &json!({ "tags": ["news"] }));
    second.advance(6);
    let hits = [second.get("/a", &[]).is_hit(), second.get("/a", &[]).is_hit()];
    assert!(hits.contains(&false), "it looked before the first of the two or after it");
}

#[test]
fn strictly_a_purge_is_seen_at_once_everywhere() {
    let (first, second) = worlds(json!({ "strict_purge": true }));
    second.get("/a", &[]);
    assert!(second.get("/a", &[]).is_hit());
    purge(&first, &json!({ "tags": ["news"] }));
    assert!(!second.get("/a", &[]).is_hit());
    first.ports.ledger.fault.set(Fault { fails: true, ..Fault::default() });
    let passed = second.get("/a", &[]);
    assert_eq!((passed.status, passed.reason()), (200, Some("ledger-unavailable")));
}

#[test]
fn what_began_before_a_purge_does_not_survive_it() {
    let (first, second) = worlds(json!({}));
    second.get("/known", &[]);
    second.runs_deferred.set(false);
    // Asked for, and not stored yet, when the purge comes.
    second.get("/a", &[]);
    purge(&first, &json!({ "everything": true }));
    second.run_left();
    second.runs_deferred.set(true);
    second.advance(11);
    assert!(!second.get("/a", &[]).is_hit());
    assert!(second.get("/a", &[]).is_hit());
}

#[test]
fn without_the_ledger_nothing_is_claimed_and_nothing_fails() {
    let (first, second) = worlds(json!({}));
    second.get("/a", &[]);
    for fault in
        [Fault { fails: true, ..Fault::default() }, Fault { delay: Duration::from_secs(600), ..Fault::default() }]
    {
        first.ports.ledger.fault.set(fault);
        let (status, problem) = purge(&first, &json!({ "tags": ["x"] }));
        assert_eq!((status, problem["status"].as_u64()), (503, Some(503)));
    }
    second.advance(30);
    assert!(second.get("/a", &[]).is_hit(), "the last index holds for a while");
    second.advance(60);
    let doubted = second.get("/a", &[]);
    assert_eq!((doubted.status, doubted.is_hit()), (200, false), "then what is stored is validated");
    let cold = first.another_isolate(&json!({ "PURGE_BOUND": "10s" }));
    assert_eq!(cold.get("/b", &[]).status, 200);
    assert_eq!(first.request(Method::POST, "/a", &[]).status, 200, "a visitor's own request succeeds");
    first.ports.ledger.fault.set(Fault::default());
    first.ports.ledger.is_there.set(false);
    assert_eq!(purge(&first, &json!({ "tags": ["x"] })).0, 503);
}

#[test]
fn a_ledger_that_was_lost_brings_nothing_back() {
    let (first, second) = worlds(json!({}));
    second.get("/a", &[]);
    purge(&first, &json!({ "tags": ["news"] }));
    first.ports.ledger.lose();
    second.advance(11);
    assert!(!second.get("/a", &[]).is_hit());
    assert!(second.get("/a", &[]).is_hit());
}

#[test]
fn what_somebody_posts_is_invalid_everywhere() {
    let (first, second) = worlds(json!({}));
    second.get("/form", &[]);
    first.request(Method::POST, "/form", &[]);
    assert!(!first.get("/form", &[]).is_hit());
    second.advance(11);
    assert_eq!(second.get("/form", &[]).body, first.get("/form", &[]).body);
}

#[test]
fn the_method_purges_one_url() {
    let (first, _) = worlds(json!({}));
    first.get("/a", &[]);
    first.get("/b", &[]);
    let purge = Method::from_bytes(b"PURGE").expect("a method");
    assert_eq!(first.admin(purge, "/a", "").status, 200);
    assert_eq!((first.get("/a", &[]).is_hit(), first.get("/b", &[]).is_hit()), (false, true));
}

#[test]
fn a_request_that_makes_no_sense_says_where() {
    let (world, _) = worlds(json!({}));
    let many = json!({ "tags": (0..1001).map(|number| number.to_string()).collect::<Vec<_>>() });
    for (body, expected) in [
        ("", "the body is not JSON"),
        ("[]", "the body is not a JSON object"),
        ("{}", "there is nothing to purge"),
        (r#"{"tag":["x"]}"#, "tag: unknown; there are urls, tags"),
        (r#"{"tags":"x"}"#, "tags: found \"x\"; wanted a list"),
        (r#"{"tags":["x",7]}"#, "tags[1]: found 7; wanted a tag"),
        (r#"{"urls":["/a"]}"#, "urls[0]: found \"/a\"; wanted an absolute URL"),
        (r#"{"prefixes":["news"]}"#, "prefixes[0]: found \"news\"; wanted /path, or host/path"),
        (r#"{"everything":1}"#, "everything: found 1; wanted true or false"),
        (r#"{"identities":[{"cookie":"sid"}]}"#, "identities[0]: wanted"),
        (many.to_string().as_str(), "there are 1001 things to purge; 1000 are allowed"),
    ] {
        let answer = world.admin(Method::POST, "/_larder/purge", body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.body.contains(&expected.replace('"', "\\\"")), "{body}: {}", answer.body);
    }
}

#[test]
fn who_purges_too_often_is_told_when_to_come_again_and_the_ledger_is_spared() {
    let (world, _) = worlds(json!({}));
    let one = json!({ "tags": ["news"] });
    let statuses = |times: usize| (0..times).map(|_| purge(&world, &one).0).collect::<Vec<_>>();
    assert_eq!(statuses(200), [200; 200]);
    let refused = world.admin(Method::POST, "/_larder/purge", &one.to_string());
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    let by_method = Method::from_bytes(b"PURGE").expect("a method");
    assert_eq!(world.admin(by_method, "/a", "").status, 429);
    world.advance(1);
    assert_eq!(statuses(21), [vec![200; 20], vec![429]].concat(), "twenty more a second later");
    // Who only asks what would be done asks the ledger nothing, and an invalidation by POST is not theirs.
    assert_eq!(purge(&world, &json!({ "tags": ["news"], "dry_run": true })).0, 200);
    world.get("/a", &[]);
    world.request(Method::POST, "/a", &[]);
    assert!(!world.get("/a", &[]).is_hit());
}

#[test]
fn an_identity_is_hashed_on_arrival_and_its_value_goes_no_further() {
    let read = command::read(br#"{"identities":[{"cookie":"sid","value":"secret-1"}]}"#, |_, _| vec![7, 8]);
    let command = read.expect("it can be read");
    assert_eq!(command.items[0].value, "sid");
    let hard = |digest| Purge { what: What::Named(Name::identity(digest)), hard: true };
    assert_eq!(command.items[0].purges, [hard(7), hard(8)]);
    let (first, second) = worlds(json!({ "cache": "force", "ttl": "1h", "vary_cookie": ["sid"] }));
    let own = |world: &World, who: &str| world.get("/a", &[("cookie", who)]).is_hit();
    for who in ["sid=alice", "sid=bob"] {
        assert_eq!([own(&first, who), own(&second, who)], [false, true]);
    }
    let (status, receipt) = purge(&first, &json!({ "identities": [{ "cookie": "sid", "value": "alice" }] }));
    assert_eq!(status, 200);
    assert!(!receipt.to_string().contains("alice"), "{receipt}");
    second.advance(11);
    assert_eq!((own(&second, "sid=alice"), own(&second, "sid=bob")), (false, true));
}

#[test]
fn who_only_waited_for_a_ledger_that_did_not_answer_relies_on_nothing() {
    let (first, second) = worlds(json!({}));
    let old = second.get("/a", &[]).body;
    assert!(second.get("/a", &[]).is_hit());
    assert_eq!(purge(&first, &json!({ "urls": ["https://site.test/a"] })).0, 200);
    second.ports.ledger.fault.set(Fault { fails: true, delay: Duration::from_millis(100), ..Fault::default() });
    second.advance(10 + 60 + 1);
    for answer in second.at_once(&[("/a", &[]), ("/a", &[])]) {
        assert_ne!(answer.body, old, "{:?}", answer.reason());
    }
}

#[test]
fn a_request_that_dies_while_it_asks_the_ledger_leaves_no_one_waiting_for_it() {
    let (_, second) = worlds(json!({}));
    second.ports.ledger.fault.set(Fault { delay: Duration::from_millis(100), ..Fault::default() });
    second.begin_and_die("/a");
    second.get("/a", &[]);
    second.get("/a", &[]);
    assert!(second.get("/a", &[]).is_hit());
}

#[test]
fn a_broken_configuration_still_records_what_forms_change() {
    let (first, second) = worlds(json!({}));
    let old = first.get("/a", &[]).body;
    let broken = second.another_isolate(&json!({ "SITE": 1 }));
    assert_eq!(broken.request(Method::POST, "/a", &[]).status, 200);
    first.advance(11);
    assert_ne!(first.get("/a", &[]).body, old);
}

#[test]
fn a_clock_that_is_ahead_does_not_hide_what_a_visitor_did() {
    let vars = json!({
        "SITE": { "cache": "force", "ttl": "1h", "vary_cookie": ["sid"] },
        "CACHES": { "default": { "tiers": ["memory", "kv"] } },
    });
    let alice = ("cookie", "sid=alice");
    let reload = ("cache-control", "no-cache");
    for (posts, fields) in [(true, &[alice][..]), (false, &[alice, reload])] {
        let mut number = 0;
        let ahead = World::new(&vars, move |asked: &Asked| match asked.method {
            Method::POST => Scripted::new(204, &[], ""),
            _ => {
                number += 1;
                Scripted::new(200, &[], &format!("page {number}"))
            }
        });
        ahead.ports.ledger.is_there.set(true);
        let own = ahead.another_isolate(&vars);
        let fetch_by_a_clock_that_is_ahead = || {
            ahead.ports.ahead.set(300_000);
            ahead.get("/a", &[alice, reload]);
            ahead.ports.ahead.set(0);
            ahead.advance(2);
        };
        // One is in memory, and one that is younger, but older than what she does, far away.
        fetch_by_a_clock_that_is_ahead();
        assert_eq!(own.get("/a", &[alice]).body, "page 1");
        fetch_by_a_clock_that_is_ahead();
        if posts {
            own.request(Method::POST, "/b", &[alice]);
        }
        assert_eq!(own.get("/a", fields).body, "page 3", "posts: {posts}");
    }
}
