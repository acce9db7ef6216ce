//! VA: `Vary`, and the variants of a page.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::{State, brought_to, trial};
use crate::support::{Answer, Asked, Client, Origin, Reply, Worker, vars};

struct World {
    origin: Origin,
    worker: Worker,
}

/// A plain site, of which the origin sees the fields `X-L` and `X-M`.
static WORLD: LazyLock<World> = LazyLock::new(|| {
    let origin = Origin::start();
    let site = json!({ "jitter": "0", "forward_header": ["x-l", "x-m"] });
    let worker = Worker::start(&vars(&origin.url(), &json!({ "SITE": site })));
    World { origin, worker }
});

fn client() -> Client {
    WORLD.worker.client("site.test")
}

/// The page says what the origin saw of these fields.
fn varies(path: &str, vary: &'static str, names: &'static [&'static str]) {
    WORLD.origin.on(path, move |asked: &Asked| {
        let seen = |name: &&str| {
            let lines = asked.headers.iter().filter(|(line, _)| line.eq_ignore_ascii_case(name));
            format!("{name}={:?};", lines.map(|(_, value)| value.as_str()).collect::<Vec<_>>())
        };
        let text: String = names.iter().map(seen).collect();
        Answer::ok(&[("Cache-Control", "max-age=60"), ("Vary", vary)], format!("{text} n={}", asked.number))
    });
}

/// What the origin saw, according to the page.
fn seen(reply: &Reply) -> String {
    reply.text().split(" n=").next().unwrap_or_default().to_owned()
}

/// Each of these requests gets the page that the origin makes for it, in whatever order they come.
fn stay_apart(case: &str, name: &'static str, requests: &[&[&str]]) {
    let alone = format!("/{}-alone", case.to_lowercase().replace(' ', "-"));
    for (number, lines) in requests.iter().enumerate() {
        let fields: Vec<_> = lines.iter().map(|line| (name, *line)).collect();
        let path = format!("{alone}-{number}");
        varies(&path, "X-L, Accept, Accept-Language", &["x-l", "accept", "accept-language"]);
        let expected = seen(&client().get(&path, &fields));
        let together = format!("/{}-{number}", case.to_lowercase().replace(' ', "-"));
        varies(&together, "X-L, Accept, Accept-Language", &["x-l", "accept", "accept-language"]);
        for (other, lines) in requests.iter().enumerate().filter(|(other, _)| *other != number) {
            trial(&format!("{case} {number}-{other}"), State::Fresh, || {
                let before: Vec<_> = lines.iter().map(|line| (name, *line)).collect();
                client().get(&together, &before);
                assert_eq!(
                    seen(&client().get(&together, &fields)),
                    expected,
                    "{name}: {:?} after {lines:?}",
                    requests[number]
                );
            });
        }
    }
}

#[test]
fn va_01_no_field_an_empty_field_and_a_comma_are_three_things() {
    stay_apart("VA-01", "X-L", &[&[], &[""], &[","], &["a"], &["a,"], &[",a"], &["A"], &["\"a"], &["a;b"]]);
}

#[test]
fn va_01_what_a_weighted_list_says_beside_ranges_and_weights_counts() {
    stay_apart(
        "VA-01 accept",
        "Accept",
        &[
            &["application/json"],
            &["application/json;version=1"],
            &["application/json;version=2"],
            &["application/json;q=evil"],
            &["application/json;q=0"],
            &["application/json,"],
        ],
    );
    stay_apart("VA-01 language", "Accept-Language", &[&["en"], &["en;q=0.5"], &["en;x=evil"], &["en;q=2"], &["en,"]]);
}

#[test]
fn va_02_all_lines_are_compared() {
    stay_apart("VA-02", "Accept-Language", &[&["en", "fr"], &["en", "de"], &["en"], &["en", "fr", "de"]]);
    stay_apart("VA-02 other", "X-L", &[&["en", "fr"], &["en", "de"], &["en"], &["fr", "en"]]);
}

#[test]
fn va_03_the_latest_rule_counts() {
    // First by one field, then by another, then by none: each answer is for the request that brought it about, or one like it.
    const RULES: [&str; 4] = ["X-L", "X-M", "X-L, X-M", ""];
    for (first, one) in RULES.iter().enumerate() {
        for (second, other) in RULES.iter().enumerate().filter(|(second, _)| *second != first) {
            trial(&format!("VA-03 {first}{second}"), State::Fresh, || {
                let path = format!("/va-03-{first}-{second}");
                let count = AtomicUsize::new(0);
                WORLD.origin.on(&path, move |asked| {
                    let rule = if count.fetch_add(1, Ordering::SeqCst) < 2 { one } else { other };
                    let text: Vec<_> = ["x-l", "x-m"]
                        .iter()
                        .filter(|name| rule.to_lowercase().contains(**name))
                        .map(|name| format!("{name}={}", asked.header(name).unwrap_or("none")))
                        .collect();
                    Answer::ok(&[("Cache-Control", "max-age=60"), ("Vary", rule)], text.join(" "))
                });
                for round in 0..3 {
                    for (l, m) in [("1", "1"), ("2", "1"), ("1", "2"), ("2", "2")] {
                        let again = [("Cache-Control", "no-cache")];
                        let fields: Vec<_> =
                            [("X-L", l), ("X-M", m)].into_iter().chain(again.into_iter().take(round)).collect();
                        let text = client().get(&path, &fields).text();
                        for (name, value) in [("x-l", l), ("x-m", m)] {
                            let shown = text.split(' ').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
                            assert!(
                                shown.is_none_or(|shown| shown == value),
                                "{one:?} then {other:?}: {l}{m} saw {text}"
                            );
                        }
                    }
                }
            });
        }
    }
}

#[test]
fn va_05_a_vary_that_cannot_be_read_is_delivered_and_not_reused() {
    let names = |count: usize| (0..count).map(|number| format!("x-{number}")).collect::<Vec<_>>().join(",");
    let long = "x".repeat(64 << 10);
    for (case, lines, reused) in [
        ("long", vec![long.clone()], false),
        ("longer", vec![format!("{},{long}", names(1000))], false),
        ("many", vec![names(1000)], false),
        ("lines", (0..200).map(|number| format!("x-{number}")).collect(), false),
        ("colon", vec!["a:b".to_owned()], false),
        ("space", vec!["a b".to_owned()], false),
        ("quoted", vec!["\"x-l\"".to_owned()], false),
        ("latin", vec!["caf\u{e9}".to_owned()], false),
        ("unheard-of", vec!["X-Unheard-Of".to_owned()], true),
        ("commas", vec![",,,".to_owned()], true),
    ] {
        trial(&format!("VA-05 {case}"), State::Any, || {
            let path = format!("/va-05-{case}");
            WORLD.origin.on(&path, move |asked| {
                let fields: Vec<_> = lines.iter().map(|line| ("Vary", line.as_str())).collect();
                Answer::ok(&[&[("Cache-Control", "max-age=60")], &fields[..]].concat(), asked.marker())
            });
            let replies = [(); 3].map(|()| client().get(&path, &[]));
            for reply in &replies {
                assert_eq!((reply.status, reply.text().contains(" n=")), (200, true), "{case}");
            }
            assert_eq!(replies[1].text() == replies[2].text(), reused, "{case}");
        });
    }
}

#[test]
fn va_06_a_url_has_so_many_variants_and_no_more() {
    for name in ["User-Agent", "Accept-Language", "X-L"] {
        trial(&format!("VA-06 {name}"), State::Fresh, || {
            let path = format!("/va-06-{name}");
            varies(&path, "User-Agent, Accept-Language, X-L", &["user-agent", "accept-language", "x-l"]);
            let ask = |number: u32| client().get(&path, &[(name, &format!("v{number}"))]);
            let first: Vec<_> = (0..40).map(ask).collect();
            let stored = first.iter().filter(|reply| reply.cache_status().contains("stored")).count();
            let refused = first.iter().filter(|reply| reply.detail().as_deref() == Some("variant-limit")).count();
            assert_eq!((stored, refused), (17, 23), "the page, sixteen beside it, and the others say why not");
            let again: Vec<_> = (0..40).map(ask).collect();
            assert_eq!(again.iter().filter(|reply| reply.is_hit()).count(), 17);
            for (first, again) in first.iter().zip(&again) {
                assert_eq!(seen(first), seen(again));
            }
        });
    }
}

#[test]
fn va_07_one_coding_is_stored_and_nobody_gets_what_they_cannot_read() {
    let gzipped: &[u8] = include_bytes!("../../../fixtures/esi/fragment.gz");
    for state in State::SWEEP {
        for prefix in ["/pub/", "/plain/"] {
            trial(&format!("VA-07 {prefix}"), state, || {
                let origin = move |asked: &Asked| {
                    let fields = [("Cache-Control", "max-age=60"), ("Vary", "Accept-Encoding")];
                    match asked.header("accept-encoding") {
                        Some("gzip") => Answer::ok(&[&fields[..], &[("Content-Encoding", "gzip")]].concat(), gzipped),
                        other => Answer::ok(&fields, format!("asked for {other:?}")),
                    }
                };
                let mut page = brought_to(state, &format!("{prefix}va-07-{state}"), &[], origin);
                let long = format!("x{}", ", x".repeat(2000));
                for accepted in [
                    "gzip",
                    "gzip, br",
                    "br;q=0",
                    "identity;q=0",
                    "*;q=0",
                    "invalid;q=xx",
                    "",
                    "gzip;q=0, *",
                    "*",
                    &long,
                ] {
                    let reply = page.ask(|client, path| client.get(path, &[("Accept-Encoding", accepted)]));
                    let takes = ["gzip", "gzip, br", "*", "identity;q=0"].contains(&accepted);
                    match reply.header("content-encoding").as_deref() {
                        Some("gzip") => assert!(takes && reply.body == gzipped, "{accepted}"),
                        None => assert_eq!(reply.text(), "hello world", "{accepted}"),
                        other => panic!("{accepted}: {other:?}"),
                    }
                }
                let asked = page.origin.asked(&page.path);
                assert!(asked.iter().all(|asked| asked.header("accept-encoding") == Some("gzip")));
                assert!(asked.len() <= 2 || state == State::StaleIfError, "{}", asked.len());
            });
        }
    }
}
