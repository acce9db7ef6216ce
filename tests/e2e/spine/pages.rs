//! What a visitor sees of an ordinary day.

use super::{FRESH, STALE, WORLD, client, get, serves};
use crate::support::{Answer, Asked};

#[test]
fn a_page_is_fetched_once_and_says_so() {
    let (first, second) = (get("/ordinary"), get("/ordinary"));
    assert_eq!(first.text(), second.text());
    assert_eq!(WORLD.origin.asked("/ordinary").len(), 1);
    assert_eq!(first.cache_status(), "Larder; fwd=uri-miss; fwd-status=200; ttl=60; stored");
    assert!(second.cache_status().starts_with("Larder; hit; ttl="), "{}", second.cache_status());
    assert_eq!(second.header("age").as_deref(), Some("0"));
    assert!(second.header("etag").is_some() && first.header("etag").is_none(), "a stream does not know its digest yet");
    assert!(second.header("server-timing").is_some_and(|timing| timing.starts_with("cache;desc=hit")));
}

#[test]
fn our_word_comes_after_that_of_caches_before_us() {
    serves("/status", &[FRESH, ("Cache-Status", "Inner; hit")]);
    for _ in 0..2 {
        let lines: Vec<_> = get("/status")
            .headers
            .into_iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("cache-status"))
            .map(|(_, value)| value)
            .collect();
        assert!(lines.join(", ").starts_with("Inner; hit, Larder; "), "{lines:?}");
    }
}

#[test]
fn a_visitor_who_has_the_page_gets_304() {
    serves("/known", &[FRESH, ("ETag", "\"v1\"")]);
    get("/known");
    let reply = client().get("/known", &[("If-None-Match", "\"v1\"")]);
    assert_eq!((reply.status, reply.body.len()), (304, 0));
    assert_eq!(reply.header("etag").as_deref(), Some("\"v1\""));
    let own = get("/page-304");
    assert_eq!(own.status, 200);
    let etag = get("/page-304").header("etag").expect("hits carry one");
    assert_eq!(client().get("/page-304", &[("If-None-Match", &etag)]).status, 304);
    assert_eq!(WORLD.origin.asked("/page-304").len(), 1);
}

#[test]
fn a_stale_page_is_validated_with_what_the_origin_gave() {
    WORLD.origin.on("/stale", |asked: &Asked| match asked.header("if-none-match") {
        Some("\"v1\"") => Answer::new(304, &[FRESH, ("ETag", "\"v1\""), ("X-Round", "2")], ""),
        _ => Answer::ok(&[FRESH, STALE, ("ETag", "\"v1\""), ("X-Round", "1")], asked.marker()),
    });
    let first = get("/stale");
    let validated = get("/stale");
    assert_eq!((validated.text(), validated.header("x-round").as_deref()), (first.text(), Some("2")));
    assert!(validated.cache_status().contains("fwd=stale; fwd-status=304"), "{}", validated.cache_status());
    assert!(get("/stale").is_hit());
    assert_eq!(WORLD.origin.asked("/stale").len(), 2);
}

#[test]
fn our_own_entity_tag_is_never_sent_to_the_origin() {
    serves("/no-validator", &[FRESH, STALE]);
    get("/no-validator");
    get("/no-validator");
    assert!(WORLD.origin.asked("/no-validator").iter().all(|asked| asked.header("if-none-match").is_none()));
}

#[test]
fn head_is_answered_from_the_page_and_an_answer_to_head_is_no_page() {
    let page = get("/head");
    let head = client().request("HEAD", "/head", &[], "");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(page.body.len().to_string()));
    client().request("HEAD", "/head-first", &[], "");
    assert!(!get("/head-first").body.is_empty());
    let methods: Vec<_> = WORLD.origin.asked("/head-first").into_iter().map(|asked| asked.method).collect();
    assert_eq!(methods, ["HEAD", "GET"]);
}

#[test]
fn ranges_are_cut_from_the_stored_page() {
    WORLD.origin.on("/range", |_| Answer::ok(&[FRESH, ("ETag", "\"v1\"")], "0123456789"));
    get("/range");
    for (range, status, body, content_range) in [
        ("bytes=0-4", 206, "01234", Some("bytes 0-4/10")),
        ("bytes=-3", 206, "789", Some("bytes 7-9/10")),
        ("bytes=10-", 416, "", Some("bytes */10")),
        ("bytes=5-2", 200, "0123456789", None),
    ] {
        let reply = client().get("/range", &[("Range", range)]);
        assert_eq!(
            (reply.status, reply.text().as_str(), reply.header("content-range").as_deref()),
            (status, body, content_range),
            "{range}"
        );
        assert_eq!(reply.header("content-length"), Some(body.len().to_string()), "{range}");
    }
    let condition = client().get("/range", &[("Range", "bytes=0-4"), ("If-Range", "\"v0\"")]);
    assert_eq!((condition.status, condition.body.len()), (200, 10));
    assert_eq!(WORLD.origin.asked("/range").len(), 1);
}

#[test]
fn a_post_shows_on_the_next_page_and_a_failed_one_does_not() {
    let before = get("/form");
    assert_eq!(client().request("POST", "/form", &[], "name=x").status, 200);
    assert_ne!(get("/form").text(), before.text());
    WORLD.origin.on("/form-failed", |asked: &Asked| {
        let status = if asked.method == "POST" { 500 } else { 200 };
        Answer::new(status, &[FRESH], asked.marker())
    });
    get("/form-failed");
    client().request("POST", "/form-failed", &[], "x");
    assert!(get("/form-failed").is_hit());
    let post = WORLD.origin.asked("/form").into_iter().find(|asked| asked.method == "POST").expect("it was posted");
    assert_eq!(post.body, b"name=x");
}

#[test]
fn a_method_that_we_do_not_know_never_becomes_get() {
    for method in ["QUERY", "PROPFIND", "OPTIONS", "PATCH", "DELETE"] {
        let path = format!("/method-{}", method.to_lowercase());
        client().request(method, &path, &[], "");
        let methods: Vec<_> = WORLD.origin.asked(&path).into_iter().map(|asked| asked.method).collect();
        assert_eq!(methods, [method]);
    }
    for method in ["BREW", "M-SEARCH", "get", "PURGE"] {
        let reply = client().request(method, "/method-unknown", &[], "");
        assert!(reply.status >= 400, "{method}: {}", reply.status);
    }
    assert!(WORLD.origin.asked("/method-unknown").is_empty());
}
