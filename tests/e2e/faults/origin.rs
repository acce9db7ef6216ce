//! The origin does not answer, or not as it should.

use super::{FRESH, STALE, Site};
use crate::support::{Answer, Asked, Gate, until};

/// Whether an answer of our own says no more than that something is wrong.
fn is_generic(text: &str) -> bool {
    !["127.0.0.1", "invalid", "panicked", "Error"].iter().any(|word| text.contains(word))
}

/// In every state: nothing stored, fetched by several at once, stale. Afterwards the page is fetched as if nothing had been.
fn bears(site: &Site, name: &str, status: u16, fault: impl Fn() -> Answer + Clone + Send + Sync + 'static) {
    let path = |state: &str| format!("/{name}/{state}");
    let cold = path("cold");
    site.origin.on(&cold, {
        let fault = fault.clone();
        move |_| fault()
    });
    let reply = site.get(&cold);
    assert_eq!(reply.status, status, "{name}: {}", reply.text());
    assert!(is_generic(&reply.text()), "{name}: {}", reply.text());
    assert_eq!(site.stored(&cold).detail().as_deref(), Some("only-if-cached"), "{name}: nothing is stored");
    site.origin.on(&cold, |asked: &Asked| Answer::ok(&[FRESH], asked.marker()));
    assert_eq!(site.get(&cold).status, 200, "{name}: nothing is locked");
    assert!(site.get(&cold).is_hit(), "{name}");

    let crowd = site.crowd(&path("crowd"), fault.clone());
    assert!(crowd.iter().all(|reply| reply.status == status), "{name}: {crowd:?}");

    let page = site.fails_later(&path("stale"), fault);
    for _ in 0..2 {
        let reply = site.get(&path("stale"));
        let seen = (reply.status, reply.text(), reply.detail());
        assert_eq!(seen, (200, page.text(), Some("stale-if-error".to_owned())), "{name}");
    }
}

#[test]
fn f_01_an_origin_that_is_not_there_is_said_and_no_more() {
    let site = Site::of("f01.test");
    bears(&site, "reset", 502, || Answer::Reset);
    for what in ["dns", "tls", "port"] {
        let reply = site.get(&format!("/{what}/page"));
        assert_eq!((reply.status, reply.detail().as_deref()), (502, Some("origin-unreachable")), "{what}");
        assert!(is_generic(&reply.text()), "{what}: {}", reply.text());
        assert_eq!(site.stored(&format!("/{what}/page")).detail().as_deref(), Some("only-if-cached"), "{what}");
    }
}

#[test]
fn f_02_who_waits_for_headers_waits_once() {
    let site = Site::of("f02.test");
    let never = Gate::new();
    let script = never.clone();
    bears(&site, "headers", 504, move || Answer::Gated(script.clone(), Box::new(Answer::ok(&[FRESH], "late"))));
    let asked = site.origin.asked("/headers/crowd").len();
    assert!(asked < 5, "those who waited got the same verdict, not a turn of their own: {asked}");
    never.open();
}

#[test]
fn f_07_what_is_no_http_is_no_answer() {
    let site = Site::of("f07.test");
    for (name, raw) in [
        ("garbage", &b"this is not HTTP\r\n\r\n"[..]),
        ("nothing", b""),
        ("http09", b"<html>a page without a head</html>"),
        (
            "lengths",
            b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\nokok",
        ),
        ("nul", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nX-A: a\0b\r\nContent-Length: 2\r\n\r\nok"),
        ("version", b"HTTP/9.9 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok"),
        ("negative", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: -2\r\n\r\nok"),
    ] {
        bears(&site, name, 502, move || Answer::raw(raw));
    }
    let fields: String = (0..10_000).map(|number| format!("X-{number}:\r\n")).collect();
    let many = format!("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n{fields}Content-Length: 2\r\n\r\nok");
    bears(&site, "fields", 502, move || Answer::raw(many.clone()));
    let asked = site
        .client
        .raw(format!("GET /fields/asked HTTP/1.1\r\nHost: f07.test\r\n{fields}Connection: close\r\n\r\n").as_bytes());
    assert_eq!(asked.status, 400, "{}", asked.text());
    // What the runtime lets through is no way to write a field of ours.
    for (name, value) in [("cr", "a\rX-Injected: yes"), ("bell", "a\x07b")] {
        let raw =
            format!("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nX-A: {value}\r\nContent-Length: 2\r\n\r\nok");
        site.origin.on(&format!("/{name}"), move |_| Answer::raw(raw.clone()));
        for _ in 0..2 {
            let reply = site.get(&format!("/{name}"));
            assert!([200, 502].contains(&reply.status), "{name}: {}", reply.status);
            assert_eq!(reply.header("x-injected"), None, "{name}");
        }
    }
}

#[test]
fn f_08_no_status_becomes_our_error() {
    let site = Site::of("f08.test");
    for (code, seen) in [(600, 600), (999, 999), (299, 299), (599, 599), (99, 502), (0, 502)] {
        let raw =
            format!("HTTP/1.1 {code:03} Odd\r\nCache-Control: no-store\r\nX-Own: kept\r\nContent-Length: 2\r\n\r\nok");
        let path = format!("/odd-{code:03}");
        site.origin.on(&path, move |_| Answer::raw(raw.clone()));
        for asked in 1..=2 {
            let reply = site.get(&path);
            assert_eq!((reply.status, site.origin.asked(&path).len()), (seen, asked), "{code}");
            assert_eq!(reply.header("x-own").is_some(), seen == code, "{code}");
        }
    }
    // Beyond what a response can be built with, nothing is stored whatever it says.
    for code in [600, 999] {
        let raw = format!("HTTP/1.1 {code} Odd\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok");
        let path = format!("/stored-{code}");
        site.origin.on(&path, move |_| Answer::raw(raw.clone()));
        assert_eq!((site.get(&path).status, site.get(&path).status), (code, code));
        assert_eq!(site.origin.asked(&path).len(), 2);
    }
    for (name, raw) in [
        ("204", "HTTP/1.1 204 No Content\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok"),
        ("205", "HTTP/1.1 205 Reset\r\nCache-Control: max-age=60\r\nContent-Length: 0\r\n\r\n"),
    ] {
        site.origin.on(&format!("/{name}"), move |_| Answer::raw(raw));
        for _ in 0..2 {
            let reply = site.get(&format!("/{name}"));
            assert_eq!((reply.status.to_string().as_str(), reply.body.len()), (name, 0));
        }
    }
    let fields: String = (0..1000).map(|number| format!("X-{number}: {}\r\n", "v".repeat(50))).collect();
    let many = format!("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n{fields}Content-Length: 2\r\n\r\nok");
    site.origin.on("/many", move |_| Answer::raw(many.clone()));
    assert_eq!((site.get("/many").status, site.get("/many").status), (200, 200));
    bears(&site, "101", 502, || Answer::raw("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"));
    bears(&site, "304", 502, || Answer::raw("HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\n\r\n"));
    assert_eq!(site.get("/after-all-that").status, 200);
}

#[test]
fn f_09_a_burst_of_errors_is_not_seen_and_not_answered_with_one() {
    let site = Site::of("f09.test");
    let page = site.fails_later("/burst", || Answer::new(500, &[FRESH], "oops"));
    for _ in 0..40 {
        let reply = site.get("/burst");
        assert_eq!((reply.status, reply.text()), (200, page.text()), "{}", reply.cache_status());
    }
    let asked = site.origin.asked("/burst").len();
    assert!(asked <= 8, "whoever has something else to serve does not ask an origin that fails: {asked}");
    // It is not replaced: once the origin works, and somebody is let through to see that, it is fetched anew.
    site.origin.on("/burst", |asked: &Asked| Answer::ok(&[FRESH], format!("again {}", asked.number)));
    let fresh = until(|| Some(site.get("/burst")).filter(|reply| reply.text() != page.text()));
    assert!(fresh.text().starts_with("again"), "{}", fresh.text());
    assert_eq!(site.origin.asked("/burst").len(), asked + 1, "one request tries");
}

#[test]
fn f_11_redirects_are_for_the_client() {
    let site = Site::of("f11.test");
    for (path, to) in
        [("/loop", "/loop"), ("/away", "https://elsewhere.example/x"), ("/there", "/back"), ("/back", "/there")]
    {
        site.origin.on(path, move |_| Answer::new(302, &[("Location", to), FRESH], ""));
        let reply = site.get(path);
        let location = reply.header("location").unwrap_or_default();
        assert_eq!((reply.status, location.ends_with(to)), (302, true), "{path}: {location}");
        assert_eq!(site.origin.asked(path).len(), 1, "{path}: it is not followed");
    }
    site.get("/loop");
    assert_eq!(site.origin.asked("/loop").len(), 2, "a redirect to itself is not stored");
}

#[test]
fn f_12_a_clock_that_is_wrong_makes_nothing_immortal() {
    let site = Site::of("f12.test");
    for (name, field, hits) in [
        ("ahead", ("Date", "Mon, 01 Jan 2046 00:00:00 GMT"), true),
        ("behind", ("Date", "Fri, 01 Jan 2016 00:00:00 GMT"), false),
        ("senseless", ("Date", "yesterday"), true),
        ("age", ("Age", "99999999999999999999"), false),
        ("negative", ("Age", "-100"), true),
        ("modified", ("Last-Modified", "Mon, 01 Jan 2046 00:00:00 GMT"), true),
    ] {
        let path = format!("/{name}");
        site.origin.on(&path, move |asked: &Asked| Answer::ok(&[FRESH, field], asked.marker()));
        let first = site.get(&path);
        assert_eq!(first.status, 200, "{name}");
        let second = site.get(&path);
        assert_eq!((second.status, second.is_hit()), (200, hits), "{name}: {}", second.cache_status());
        if hits {
            let age: u32 = second.header("age").and_then(|age| age.parse().ok()).expect("a number");
            assert!(age < 60, "{name}: {age}");
        }
    }
}

#[test]
fn f_16_what_a_late_replica_answers_after_a_purge_goes_with_the_next_purge() {
    let site = Site::of("f16.test");
    let purge = || super::purge(&site.client, &serde_json::json!({ "urls": ["http://f16.test/lag"] }));
    site.origin.on("/lag", |_| Answer::ok(&[("Cache-Control", "max-age=6000")], "old"));
    site.get("/lag");
    assert_eq!(purge().status, 200);
    // The origin itself does not know better yet.
    assert_eq!(site.get("/lag").text(), "old");
    site.origin.on("/lag", |_| Answer::ok(&[("Cache-Control", "max-age=6000")], "new"));
    assert_eq!(purge().status, 200);
    assert_eq!(site.get("/lag").text(), "new");
}

#[test]
fn f_17_what_alternates_is_never_mixed() {
    let site = Site::of("f17.test");
    site.origin.on("/flaps", |asked: &Asked| {
        let (tag, kind, body) = match asked.number % 2 {
            0 => ("\"a\"", "text/a", "a".repeat(100)),
            _ => ("\"b\"", "text/b", "b".repeat(50)),
        };
        if asked.header("if-none-match") == Some(tag) {
            return Answer::new(304, &[FRESH, STALE, ("ETag", tag)], "");
        }
        Answer::ok(&[FRESH, STALE, ("ETag", tag), ("Content-Type", kind)], body)
    });
    for number in 0..30 {
        let range: &[(&str, &str)] = if number % 3 == 0 { &[("Range", "bytes=10-29")] } else { &[] };
        let reply = site.client.get("/flaps", range);
        let of =
            if reply.header("etag").as_deref() == Some("\"a\"") { ("text/a", 'a', 100) } else { ("text/b", 'b', 50) };
        let length = if reply.status == 206 { 20 } else { of.2 };
        assert_eq!(reply.header("content-type").as_deref(), Some(of.0), "{number}");
        assert_eq!(reply.text(), of.1.to_string().repeat(length), "{number}");
        if let Some(range) = reply.header("content-range") {
            assert_eq!(range, format!("bytes 10-29/{}", of.2), "{number}");
        }
    }
}

#[test]
fn f_18_an_origin_that_starts_slowly_meets_one_of_a_crowd() {
    let site = Site::of("f18.test");
    let gate = Gate::new();
    let script = gate.clone();
    site.origin.on("/crowd", move |asked: &Asked| {
        Answer::Gated(script.clone(), Box::new(Answer::ok(&[FRESH], asked.marker())))
    });
    let replies = super::at_once(site.client, "/crowd", 100, || {
        site.origin.wait_for("/crowd", 1);
        gate.open();
    });
    assert!(replies.iter().all(|reply| (reply.status, reply.text()) == (200, replies[0].text())));
    assert_eq!(site.origin.asked("/crowd").len(), 1);
    assert!(replies.iter().any(|reply| reply.cache_status().contains("collapsed")));
}
