//! MR: methods, validators and ranges.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{FIXTURE, State, brought_to, echo, poison, sweep, trial};
use crate::support::{Answer, Asked, Client, Reply, until};

const FRESH: (&str, &str) = ("Cache-Control", "max-age=60");
const TEN: &str = "0123456789";

fn client() -> Client {
    FIXTURE.client()
}

/// One after the other on one connection, which the last one ends.
fn together(requests: &[String]) -> String {
    let mut stream = client().open(requests[0].as_bytes());
    for request in &requests[1..] {
        stream.write_all(request.as_bytes()).expect("the Worker reads");
    }
    let mut received = Vec::new();
    stream.read_to_end(&mut received).expect("it is answered");
    String::from_utf8_lossy(&received).into_owned()
}

/// The fields that are the same for HEAD and GET.
fn lasting(reply: &Reply) -> Vec<(String, String)> {
    let passing = ["date", "age", "server-timing", "cache-status", "transfer-encoding"];
    let mut fields = reply.headers.clone();
    fields.retain(|(name, _)| !passing.contains(&name.to_ascii_lowercase().as_str()));
    fields.sort();
    fields
}

#[test]
fn mr_01_no_other_method_fills_or_is_answered_from_the_store() {
    for method in ["POST", "PUT", "PATCH", "DELETE", "QUERY", "OPTIONS", "PROPFIND", "REPORT", "MKCOL", "LOCK"] {
        for prefix in ["/pub/", "/plain/"] {
            sweep(&format!("MR-01 {method} {prefix}"), |state| {
                let path = format!("{prefix}mr-01-{}-{state}", method.to_lowercase());
                let mut page = brought_to(state, &path, &[], echo);
                page.ask(|client, path| client.request(method, path, &[("Content-Type", "text/plain")], "cb=evil"));
                let reached = page.origin.asked(&path).iter().any(|asked| asked.method == method);
                assert!(reached, "{method} was answered here");
                // It may have invalidated the page, which is its right: what is there then is a page again.
                for seen in [page.first.clone(), Some(page.look()), Some(page.look())].into_iter().flatten() {
                    let fails = state == State::StaleIfError && seen.status == 503;
                    assert!(fails || seen.text().contains(&format!("p={path} ")), "{}", seen.text());
                    assert!(!seen.contains("evil"), "{}", seen.text());
                }
            });
        }
    }
}

#[test]
fn mr_01_an_answer_to_post_is_kept_for_a_get_only_if_it_names_the_same_page_and_is_nobodys_own() {
    let cookie = ("Cookie", "sid=alice");
    let token = ("Authorization", "Bearer alice");
    for (case, location, field) in [
        ("cookie", "SELF", Some(cookie)),
        ("token", "SELF", Some(token)),
        ("none", "", None),
        ("other-page", "/pub/elsewhere", None),
        ("other-host", "http://other.testSELF", None),
        ("other-host-short", "//other.testSELF", None),
        ("user", "http://site.test@evil.testSELF", None),
    ] {
        for prefix in ["/pub/", "/plain/"] {
            let path = format!("{prefix}mr-01-{case}");
            trial(&format!("MR-01 POST {case} {prefix}"), State::Fresh, || {
                let location = location.replace("SELF", &path);
                FIXTURE.site.on(&path, move |asked: &Asked| match asked.method.as_str() {
                    "POST" => Answer::ok(&[FRESH, ("Content-Location", &location)], "evil"),
                    _ => Answer::ok(&[FRESH], asked.marker()),
                });
                client().get(&path, &[]);
                let fields: Vec<_> = field.into_iter().chain([("Content-Type", "text/plain")]).collect();
                client().request("POST", &path, &fields, "x");
                for _ in 0..2 {
                    assert!(!client().get(&path, &[]).contains("evil"), "{path}");
                }
            });
        }
    }
}

#[test]
fn mr_02_head_leaves_no_empty_page() {
    for prefix in ["/pub/", "/plain/"] {
        let attack = |client: &Client, path: &str| client.request("HEAD", path, &[], "");
        poison(&format!("MR-02 {prefix}"), prefix, attack, "no such thing");
    }
}

#[test]
fn mr_03_head_has_the_fields_of_the_page_and_none_of_its_body() {
    for (prefix, state) in [("/pub/", State::Fresh), ("/plain/", State::Fresh)] {
        trial(&format!("MR-03 {prefix}"), state, || {
            let path = format!("{prefix}mr-03");
            FIXTURE.site.on(&path, |_| Answer::ok(&[FRESH, ("ETag", "\"v\""), ("X-A", "1")], TEN));
            client().get(&path, &[]);
            let (page, head) = (client().get(&path, &[]), client().request("HEAD", &path, &[], ""));
            assert!(page.is_hit() && head.is_hit() && head.body.is_empty());
            assert_eq!(lasting(&page), lasting(&head));
            assert_eq!(head.header("content-length").as_deref(), Some("10"));
            // What follows on the connection is the next answer, not a body that should not be there.
            let ask = |method: &str, end: &str| format!("{method} {path} HTTP/1.1\r\nHost: site.test\r\n{end}\r\n");
            let both = together(&[ask("HEAD", ""), ask("GET", "Connection: close\r\n")]);
            let answers: Vec<_> = both.split("\r\n\r\n").collect();
            assert!(answers.len() == 3 && answers[1].starts_with("HTTP/1.1 200") && answers[2] == TEN, "{both}");
        });
    }
}

#[test]
fn mr_05_what_a_post_invalidates_is_its_own_hosts() {
    let other = client().at("other.test");
    for (case, location) in [
        ("absolute", "http://other.test/pub/mr-05"),
        ("port", "http://other.test:80/pub/mr-05"),
        ("case", "HTTP://OTHER.TEST/pub/mr-05"),
        ("relative", "//other.test/pub/mr-05"),
        ("user", "http://site.test@other.test/pub/mr-05"),
        ("dots", "http://other.test/x/../pub/mr-05"),
    ] {
        trial(&format!("MR-05 {case}"), State::Fresh, || {
            until_hit(&other, "/pub/mr-05");
            let path = format!("/pub/mr-05-{case}");
            FIXTURE.site.on(&path, move |_| {
                let fields =
                    [("Location", location), ("Content-Location", location), ("Cache-Group-Invalidation", "\"g\"")];
                Answer::new(201, &fields, "")
            });
            assert_eq!(client().request("POST", &path, &[], "x").status, 201);
            assert!(other.get("/pub/mr-05", &[]).is_hit(), "{location}");
        });
    }
    trial("MR-05 own", State::Fresh, || {
        until_hit(&client(), "/pub/mr-05-target");
        FIXTURE.site.on("/pub/mr-05-own", |_| Answer::new(303, &[("Location", "/pub/mr-05-target")], ""));
        client().request("POST", "/pub/mr-05-own", &[], "x");
        assert!(!client().get("/pub/mr-05-target", &[]).is_hit(), "or the trials above could not fail");
    });
}

fn until_hit(client: &Client, path: &str) {
    until(|| client.get(path, &[]).is_hit().then_some(()));
}

#[test]
fn mr_06_a_304_that_nobody_asked_for_is_no_page() {
    for prefix in ["/pub/", "/plain/"] {
        sweep(&format!("MR-06 {prefix}"), |state| {
            // A page, if there is to be one, then nonsense, and in the end the page again.
            let pages = usize::from(!matches!(state, State::Cold | State::Filling));
            let (nonsense, count) = (pages..pages + 3, AtomicUsize::new(0));
            let script = move |asked: &Asked| match count.fetch_add(1, Ordering::SeqCst) {
                number if nonsense.contains(&number) => Answer::new(304, &[FRESH, ("ETag", "\"evil\"")], ""),
                _ => Answer::ok(&[FRESH], asked.marker()),
            };
            let mut page = brought_to(state, &format!("{prefix}mr-06-{state}"), &[], script);
            let seen = page.ask(|client, path| client.get(path, &[]));
            let is_page = |seen: &Reply| {
                assert!(!seen.contains("evil"), "{state}: {:?}", seen.headers);
                assert!(seen.status == 502 || seen.text().contains(" n="), "{state}: {} {}", seen.status, seen.text());
                seen.status == 200
            };
            page.first.iter().for_each(|first| assert!(is_page(first) || first.status == 502));
            assert!(is_page(&seen) || seen.status == 502);
            until(|| is_page(&page.look()).then_some(()));
        });
    }
}

#[test]
fn mr_06_a_304_for_another_representation_freshens_nothing() {
    trial("MR-06 other", State::StaleIfError, || {
        let count = AtomicUsize::new(0);
        FIXTURE.site.on("/plain/mr-06-other", move |asked| match count.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::ok(&[FRESH, ("Age", "60"), ("ETag", "\"v1\"")], "one"),
            1 => Answer::new(304, &[FRESH, ("ETag", "\"v2\"")], ""),
            _ => Answer::ok(&[FRESH], if asked.header("if-none-match").is_none() { "two" } else { "asked wrongly" }),
        });
        assert_eq!(client().get("/plain/mr-06-other", &[]).text(), "one");
        assert_eq!(client().get("/plain/mr-06-other", &[]).text(), "two");
    });
}

#[test]
fn mr_07_a_redirected_validation_is_not_followed_and_freshens_nothing() {
    let elsewhere = &FIXTURE.other;
    for status in [301, 302, 303, 307, 308] {
        for state in [State::StaleWhileRevalidate, State::StaleIfError] {
            trial(&format!("MR-07 {status}"), state, || {
                let path = format!("/pub/mr-07-{status}-{state}");
                elsewhere.on(&path, |_| Answer::new(304, &[FRESH, ("ETag", "\"v1\"")], ""));
                let (target, count) = (format!("{}{path}", elsewhere.url()), AtomicUsize::new(0));
                let page = brought_to(state, &path, &[], move |_| match count.fetch_add(1, Ordering::SeqCst) {
                    0 => Answer::ok(&[FRESH, ("ETag", "\"v1\"")], "old"),
                    _ => Answer::new(status, &[("Location", &target)], ""),
                });
                page.look();
                page.origin.wait_for(&path, 2);
                for seen in [page.look(), page.look()] {
                    let stands_in = seen.detail().is_some_and(|detail| detail.starts_with("stale-"));
                    assert!(seen.status == status || stands_in, "{}: {}", seen.status, seen.cache_status());
                }
                assert!(elsewhere.asked(&path).is_empty(), "the redirect was followed");
            });
        }
    }
}

#[test]
fn mr_09_a_condition_is_compared_in_ones_own_variant_only() {
    let page = |asked: &Asked| Answer::ok(&[FRESH, ("ETag", &format!("\"{}\"", asked.cookie("sid")))], asked.marker());
    for (number, (name, value)) in [
        ("If-None-Match", "\"alice\""),
        ("If-None-Match", "W/\"alice\", \"alice\""),
        ("If-Match", "\"alice\""),
        ("If-Range", "\"alice\""),
    ]
    .into_iter()
    .enumerate()
    {
        sweep(&format!("MR-09 {number} {name}"), |state| {
            let path = format!("/user/mr-09-{number}-{state}");
            let mut alices = brought_to(state, &path, &[("Cookie", "sid=alice")], page);
            for who in ["sid=bob", "", "sid=bob", ""] {
                let fields = [("Cookie", who), (name, value), ("Range", "bytes=0-99")];
                let reply = alices.ask(|client, path| client.get(path, &fields[usize::from(who.is_empty())..]));
                assert_ne!(reply.status, 304, "{who} {name}");
                assert!(!reply.contains("alice"), "{who} {name}: {}", reply.text());
            }
        });
    }
}

#[test]
fn mr_10_other_bytes_have_no_strong_tag_and_no_ranges_of_the_tagged_ones() {
    let gzipped: &[u8] = include_bytes!("../../../fixtures/esi/fragment.gz");
    trial("MR-10", State::Fresh, || {
        FIXTURE.site.on("/plain/mr-10", move |_| {
            Answer::ok(&[FRESH, ("Content-Encoding", "gzip"), ("ETag", "\"v1\"")], gzipped)
        });
        client().get("/plain/mr-10", &[("Accept-Encoding", "gzip")]);
        let hit = client().get("/plain/mr-10", &[]);
        assert_eq!((hit.text().as_str(), hit.header("etag").as_deref()), ("hello world", Some("W/\"v1\"")));
        for tag in ["\"v1\"", "W/\"v1\""] {
            let reply = client().get("/plain/mr-10", &[("Range", "bytes=4-7"), ("If-Range", tag)]);
            assert_eq!((reply.status, reply.text().as_str()), (200, "hello world"), "{tag}");
        }
        let known = client().get("/plain/mr-10", &[("If-None-Match", "\"v1\"")]);
        assert_eq!((known.status, known.body.len()), (304, 0), "weakly it is the same");
    });
}
