//! HTTP beyond the plain page: fields of one hop, parts, updates by HEAD and 304, POST, groups, queries that do not matter.

use super::{FRESH, WORLD, client, get};
use crate::support::{Answer, Asked};

const TAG: (&str, &str) = ("ETag", "\"v1\"");

#[test]
fn fields_of_one_hop_end_here() {
    // RFC 9110 §7.6.1, RFC 9111 §3.1
    let response = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nConnection: X-One, x-two\r\nX-One: 1\r\nX-Two: 2\r\nX-Kept: 3\r\n\
        Keep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nProxy-Authentication-Info: x\r\nTrailer: X\r\nUpgrade: h2c\r\n\
        Proxy-Connection: close\r\nContent-Length: 4\r\n\r\npage";
    WORLD.origin.on("/hop", move |_| Answer::raw(response));
    let sent = [
        ("Connection", "X-Secret, close"),
        ("X-Secret", "1"),
        ("Accept", "text/html"),
        ("Keep-Alive", "timeout=5"),
        ("TE", "trailers"),
        ("Proxy-Authorization", "Basic eA=="),
        ("Proxy-Connection", "close"),
        ("Upgrade", "h2c"),
    ];
    let ended =
        ["keep-alive", "proxy-authenticate", "proxy-authentication-info", "trailer", "upgrade", "proxy-connection"];
    for hit in [false, true] {
        let reply = client().get("/hop", &sent);
        assert_eq!(
            (reply.text().as_str(), reply.is_hit(), reply.header("x-kept").as_deref()),
            ("page", hit, Some("3"))
        );
        for name in ended.into_iter().chain(["x-one", "x-two"]) {
            assert_eq!(reply.header(name), None, "{name}, hit {hit}");
        }
    }
    let asked = WORLD.origin.asked("/hop");
    assert_eq!((asked.len(), asked[0].header("accept")), (1, Some("text/html")));
    for name in ["x-secret", "keep-alive", "te", "proxy-authorization", "proxy-connection", "upgrade"] {
        assert_eq!(asked[0].header(name), None, "{name}");
    }
}

/// Ten bytes, with ranges of them.
fn serves_ranges(path: &str) {
    WORLD.origin.on(path, |asked: &Asked| {
        let Some(range) = asked.header("range") else { return Answer::ok(&[FRESH, TAG], "0123456789") };
        let (first, last) = range.trim_start_matches("bytes=").split_once('-').expect("one range");
        let (first, last): (usize, usize) = (first.parse().expect("a number"), last.parse().unwrap_or(9));
        let content_range = format!("bytes {first}-{last}/10");
        Answer::new(206, &[FRESH, TAG, ("Content-Range", &content_range)], &"0123456789"[first..=last])
    });
}

#[test]
fn a_part_is_kept_and_completed() {
    serves_ranges("/part");
    for (range, body, hit) in [("bytes=4-9", "456789", false), ("bytes=6-7", "67", true), ("bytes=-1", "9", true)] {
        let reply = client().get("/part", &[("Range", range)]);
        assert_eq!((reply.status, reply.text().as_str(), reply.is_hit()), (206, body, hit), "{range}");
    }
    let whole = get("/part");
    assert_eq!((whole.status, whole.text().as_str()), (200, "0123456789"));
    let status = whole.header("cache-status").expect("it says what happened");
    assert!(status.contains("fwd=partial; fwd-status=206") && status.contains("stored"), "{status}");
    assert!(get("/part").is_hit());
    let asked = WORLD.origin.asked("/part");
    let ranges: Vec<_> = asked.iter().map(|asked| (asked.header("range"), asked.header("if-range"))).collect();
    assert_eq!(ranges, [(Some("bytes=4-9"), None), (Some("bytes=0-3"), Some("\"v1\""))]);
}

#[test]
fn several_ranges_come_as_parts_of_one_body() {
    serves_ranges("/parts");
    get("/parts");
    let reply = client().get("/parts", &[("Range", "bytes=0-1,8-9")]);
    let media_type = reply.header("content-type").expect("it has a type");
    let boundary = media_type.strip_prefix("multipart/byteranges; boundary=").expect("it has a boundary");
    let part = |range: &str, bytes: &str| format!("\r\n--{boundary}\r\nContent-Range: bytes {range}/10\r\n\r\n{bytes}");
    assert_eq!((reply.status, reply.is_hit()), (206, true));
    assert_eq!(reply.text(), format!("{}{}\r\n--{boundary}--\r\n", part("0-1", "01"), part("8-9", "89")));
}

#[test]
fn the_cookie_of_a_304_is_for_the_one_who_gets_it() {
    WORLD.origin.on("/304-cookie", |asked: &Asked| match asked.header("if-none-match") {
        Some(_) => Answer::new(304, &[FRESH, TAG, ("Set-Cookie", "sid=alice")], ""),
        None => Answer::ok(&[FRESH, TAG], "page"),
    });
    get("/304-cookie");
    let own = client().get("/304-cookie", &[("Cache-Control", "no-cache")]);
    assert_eq!((own.text().as_str(), own.header("set-cookie").as_deref()), ("page", Some("sid=alice")));
    let other = get("/304-cookie");
    assert_eq!((other.is_hit(), other.header("set-cookie")), (true, None), "the page as it was stored first");
}

#[test]
fn the_answer_to_a_head_can_end_a_page() {
    WORLD.origin.on("/head-ends", |asked: &Asked| {
        let tag = if asked.method == "HEAD" { ("ETag", "\"v2\"") } else { TAG };
        Answer::ok(&[FRESH, tag], "page")
    });
    get("/head-ends");
    assert!(get("/head-ends").is_hit());
    client().request("HEAD", "/head-ends", &[("Cache-Control", "no-cache")], "");
    assert!(!get("/head-ends").is_hit());
}

#[test]
fn a_post_may_answer_the_next_get() {
    WORLD.origin.on("/post-answers", |asked: &Asked| match asked.method.as_str() {
        "POST" => Answer::ok(&[FRESH, ("Content-Location", "/post-answers")], "posted"),
        _ => Answer::ok(&[FRESH], "got"),
    });
    assert_eq!(get("/post-answers").text(), "got");
    client().request("POST", "/post-answers", &[("Content-Type", "text/plain")], "x");
    let next = get("/post-answers");
    assert_eq!((next.text().as_str(), next.is_hit()), ("posted", true));
    client().request("POST", "/post-answers", &[("Cookie", "sid=1")], "x");
    assert_eq!(get("/post-answers").text(), "got", "not what was posted with a cookie");
}

#[test]
fn an_unsafe_request_invalidates_the_groups_that_its_answer_names() {
    for path in ["/group/a", "/group/b"] {
        WORLD.origin.on(path, |_| Answer::ok(&[FRESH, ("Cache-Groups", "\"news\", \"front\"")], "page"));
        get(path);
        assert!(get(path).is_hit());
    }
    WORLD.origin.on("/group/form", |_| Answer::ok(&[("Cache-Group-Invalidation", "\"news\"")], ""));
    client().request("POST", "/group/form", &[], "x");
    assert!(!get("/group/a").is_hit() && !get("/group/b").is_hit());
}

#[test]
fn a_query_that_does_not_matter_finds_the_page() {
    WORLD.origin.on("/search", |asked: &Asked| {
        Answer::ok(&[FRESH, ("No-Vary-Search", "params=(\"utm_source\")")], asked.target.clone())
    });
    get("/search?q=1&utm_source=mail");
    for (target, hit) in [("/search?q=1&utm_source=feed", true), ("/search?q=1", true), ("/search?q=2", false)] {
        assert_eq!(get(target).is_hit(), hit, "{target}");
    }
}
