//! SC: what somebody learns who only asks and looks.

use super::{FIXTURE, State, brought_to, sweep, trial};
use crate::support::{Answer, Asked, Reply};

/// What differs between any two answers.
fn shape(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> =
        reply.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    headers.retain(|(name, _)| !["date", "server-timing"].contains(&name.as_str()));
    headers.sort();
    let text = reply.text();
    let (head, _) = text.split_once(" n=").unwrap_or((&text, ""));
    (reply.status, headers, head.to_owned())
}

#[test]
fn sc_01_whether_somebody_else_was_there_does_not_show() {
    let probes: [(&str, &[(&str, &str)]); 7] = [
        ("plain", &[]),
        ("only-if-cached", &[("Cache-Control", "only-if-cached")]),
        ("max-stale", &[("Cache-Control", "only-if-cached, max-stale")]),
        ("etag", &[("If-None-Match", "\"bob\"")]),
        ("any", &[("If-None-Match", "*")]),
        ("match", &[("If-Match", "\"bob\"")]),
        ("range", &[("Range", "bytes=0-0"), ("If-Range", "\"bob\"")]),
    ];
    for (probe, fields) in probes {
        sweep(&format!("SC-01 {probe}"), |state| {
            let origin = |asked: &Asked| {
                let tag = format!("\"{}\"", asked.cookie("sid"));
                Answer::ok(&[("Cache-Control", "max-age=60"), ("ETag", &tag)], asked.cookie("sid"))
            };
            // Of two pages that are the same but for their names, bob has been to one.
            let mut visited =
                brought_to(state, &format!("/user/sc-01-{probe}-{state}-a"), &[("Cookie", "sid=bob")], origin);
            let untouched = brought_to(State::Cold, &format!("/user/sc-01-{probe}-{state}-b"), &[], origin);
            for who in [&[][..], &[("Cookie", "sid=eve")]] {
                let fields = [who, fields].concat();
                let seen = visited.ask(|client, path| client.get(path, &fields));
                assert!(!seen.contains("bob"), "{probe}: {:?} {}", seen.headers, seen.text());
                // An origin that fails, fails for both, and the twin is not before one that does.
                if state != State::StaleIfError {
                    assert_eq!(shape(&seen), shape(&untouched.client.get(&untouched.path, &fields)), "{probe}");
                }
            }
        });
    }
}

#[test]
fn sc_02_what_is_shared_shows_that_it_was_fetched_unless_the_route_keys_who_asks() {
    // A page that all share tells its age, and that it is a hit. A route that must not tell keys the visitor, or passes.
    for (prefix, tells) in [("/pub/", true), ("/user/", false), ("/pass/", false)] {
        trial(&format!("SC-02 {prefix}"), State::Fresh, || {
            let client = FIXTURE.client();
            let target = format!("{prefix}sc-02?id=7");
            client.get(&target, &[("Cookie", "sid=alice")]);
            let seen = client.get(&target, &[("Cookie", "sid=eve")]);
            assert_eq!((seen.is_hit(), seen.header("age").is_some()), (tells, tells), "{}", seen.cache_status());
        });
    }
}

#[test]
fn sc_03_who_has_no_token_learns_nothing_of_what_there_is() {
    let client = FIXTURE.client();
    client.request("PUT", "/_larder/cache/default/keys/sc-03", &[("Authorization", "Bearer admin-token")], "1");
    let expected = shape(&client.get("/_larder/nothing", &[]));
    assert_eq!(expected.0, 401);
    for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PURGE"] {
        for target in [
            "/_larder/",
            "/_larder/stats",
            "/_larder/metrics",
            "/_larder/purge",
            "/_larder/explain",
            "/_larder/cache/default/keys/sc-03",
            "/_larder/cache/default/keys/never",
            "/_larder/cache/never/keys/x",
            "/_larder/cache/default/many",
            "/_larder/nothing/at/all",
        ] {
            trial(&format!("SC-03 {method} {target}"), State::Any, || {
                for fields in [&[][..], &[("Authorization", "Bearer wrong")], &[("Authorization", "Bearer admin-toke")]]
                {
                    assert_eq!(shape(&client.request(method, target, fields, "")), expected, "{method} {target}");
                }
            });
        }
    }
    trial("SC-03 head", State::Any, || {
        let reply = client.request("HEAD", "/_larder/purge", &[], "");
        assert_eq!((reply.status, reply.body.len()), (401, 0));
    });
    trial("SC-03 known", State::Any, || {
        let known = client.get("/_larder/cache/default/keys/sc-03", &[("Authorization", "Bearer admin-token")]);
        assert_eq!(known.status, 200, "or the trials above could not tell");
    });
}
