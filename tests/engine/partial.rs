//! Parts of a representation: kept, used, completed.

use std::cell::Cell;
use std::rc::Rc;

use http::Method;
use serde_json::json;

use crate::support::test;
use crate::support::world::{Asked, Scripted, World};

const WHOLE: &str = "0123456789";

/// An origin that knows ranges. What it has changes with `version`.
fn origin_of(version: &Rc<Cell<u32>>, tag: &'static str) -> impl FnMut(&Asked) -> Scripted + use<> {
    let version = version.clone();
    move |asked| {
        let body = WHOLE.replace('9', &version.get().to_string());
        let etag = tag.replace('N', &version.get().to_string());
        let mut fields = vec![("cache-control", "max-age=60"), ("content-type", "text/plain")];
        if !etag.is_empty() {
            fields.push(("etag", &etag));
        }
        if asked.header("if-none-match").is_some_and(|known| known == etag) {
            return Scripted::new(304, &fields, "");
        }
        let in_time = asked.header("if-range").is_none_or(|known| known == etag);
        let Some(range) = asked.header("range").filter(|_| in_time) else { return Scripted::new(200, &fields, &body) };
        let (first, last) = range.trim_start_matches("bytes=").split_once('-').expect("one range");
        let (first, last): (usize, usize) = (first.parse().expect("a number"), last.parse().unwrap_or(9));
        let content_range = format!("bytes {first}-{last}/10");
        fields.push(("content-range", &content_range));
        Scripted::new(206, &fields, &body[first..=last])
    }
}

fn world(tag: &'static str) -> (World, Rc<Cell<u32>>) {
    let version = Rc::new(Cell::new(1));
    (World::new(&json!({ "SITE": { "stale_if_error": "1h" } }), origin_of(&version, tag)), version)
}

#[test]
fn a_part_that_was_fetched_answers_for_what_lies_within() {
    let (world, _) = world("\"N\"");
    let first = world.get("/a", &[("range", "bytes=4-9")]);
    assert_eq!((first.status, first.body.as_str(), first.report.stored), (206, "456781", true));
    for (range, expected, content_range) in [
        ("bytes=4-9", "456781", "bytes 4-9/10"),
        ("bytes=6-7", "67", "bytes 6-7/10"),
        ("bytes=-1", "1", "bytes 9-9/10"),
    ] {
        let answer = world.get("/a", &[("range", range)]);
        assert_eq!((answer.status, answer.body.as_str(), answer.is_hit()), (206, expected, true), "{range}");
        assert_eq!(answer.header("content-range"), Some(content_range), "{range}");
    }
    assert_eq!(world.asked(), 1);
}

#[test]
fn the_rest_is_fetched_when_the_whole_is_asked_for() {
    for tag in ["\"N\"", ""] {
        let (world, _) = world(tag);
        world.get("/a", &[("range", "bytes=0-3")]);
        let whole = world.get("/a", &[]);
        assert_eq!((whole.status, whole.body.as_str()), (200, "0123456781"), "{tag}");
        assert!(whole.header("content-range").is_none(), "{tag}");
        assert_eq!(whole.header("content-length").unwrap_or("10"), "10", "{tag}");
        let second = world.ports.asked.borrow()[1].clone();
        assert_eq!(second.header("range"), Some("bytes=4-"), "{tag}");
        if tag.is_empty() {
            assert_eq!(world.asked(), 3, "parts that nothing binds together are not joined: the whole is asked for");
        } else {
            assert_eq!(second.header("if-range"), Some("\"1\""));
            assert_eq!((world.asked(), whole.report.forward_status, whole.report.stored), (2, Some(206), true));
        }
        assert!(world.get("/a", &[]).is_hit() && world.get("/a", &[("range", "bytes=2-5")]).is_hit(), "{tag}");
    }
}

#[test]
fn what_changed_in_the_meantime_is_never_joined() {
    let (world, version) = world("\"N\"");
    world.get("/a", &[("range", "bytes=0-3")]);
    version.set(2);
    let whole = world.get("/a", &[]);
    assert_eq!((whole.status, whole.body.as_str(), whole.header("etag")), (200, "0123456782", Some("\"2\"")));
    version.set(3);
    world.advance(61);
    assert_eq!(world.get("/a", &[]).body, "0123456783");
}

#[test]
fn ranges_of_one_client_after_the_other_grow_together() {
    let (world, _) = world("\"N\"");
    for range in ["bytes=0-3", "bytes=6-9", "bytes=3-6"] {
        assert_eq!(world.get("/a", &[("range", range)]).status, 206, "{range}");
    }
    // 6-9 did not touch 0-3 and took its place; 3-6 and 6-9 are one.
    assert_eq!(world.asked(), 3);
    let joined = world.get("/a", &[("range", "bytes=3-9")]);
    assert_eq!((joined.body.as_str(), joined.is_hit()), ("3456781", true));
    assert_eq!(world.get("/a", &[]).body, "0123456781");
    assert_eq!(world.last_asked().header("range"), Some("bytes=0-2"));
}

#[test]
fn a_stale_part_is_validated_as_what_it_is() {
    let (world, version) = world("\"N\"");
    world.get("/a", &[("range", "bytes=4-9")]);
    world.advance(61);
    let still = world.get("/a", &[("range", "bytes=4-9")]);
    assert_eq!((still.status, still.body.as_str(), still.report.forward_status), (206, "456781", Some(304)));
    version.set(2);
    world.advance(61);
    let changed = world.get("/a", &[("range", "bytes=4-9")]);
    assert_eq!((changed.status, changed.body.as_str(), changed.report.forward_status), (206, "456782", Some(206)));
    assert_eq!(world.get("/a", &[("range", "bytes=8-9")]).body, "82");
}

#[test]
fn a_part_never_passes_for_the_whole() {
    let (world, _) = world("\"N\"");
    world.get("/a", &[("range", "bytes=4-9")]);
    for fields in
        [&[("cache-control", "only-if-cached")][..], &[("cache-control", "only-if-cached"), ("range", "bytes=0-5")]]
    {
        assert_eq!(world.get("/a", fields).status, 504, "{fields:?}");
    }
    let head = world.request(Method::HEAD, "/a", &[]);
    assert_eq!((head.status, head.is_hit()), (200, false));
    let other = world.get("/a", &[("range", "bytes=4-9"), ("if-range", "\"0\"")]);
    assert_eq!((other.status, other.body.as_str()), (200, "0123456781"));
}

#[test]
fn a_part_that_is_shorter_than_it_says_is_not_stored() {
    let origin =
        |_: &Asked| Scripted::new(206, &[("cache-control", "max-age=60"), ("content-range", "bytes 4-9/10")], "45678");
    let world = World::new(&json!({}), origin);
    for _ in 0..2 {
        assert!(!world.get("/a", &[("range", "bytes=4-9")]).is_hit());
    }
}

#[test]
fn a_rest_that_does_not_come_costs_one_request_more() {
    let origin = |asked: &Asked| match asked.header("range") {
        Some("bytes=0-3") => {
            let fields = [("cache-control", "max-age=60"), ("etag", "\"1\""), ("content-range", "bytes 0-3/10")];
            Scripted::new(206, &fields, "0123")
        }
        Some(_) if asked.url.ends_with("/short") => {
            let fields = [("cache-control", "max-age=60"), ("etag", "\"1\""), ("content-range", "bytes 4-9/10")];
            Scripted::new(206, &fields, "45").breaking_off()
        }
        Some(_) => Scripted::new(416, &[("content-range", "bytes */3")], ""),
        None => Scripted::new(200, &[("cache-control", "max-age=60")], "whole"),
    };
    let world = World::new(&json!({}), origin);
    for path in ["/short", "/gone"] {
        world.get(path, &[("range", "bytes=0-3")]);
        let answer = world.get(path, &[]);
        assert_eq!((answer.status, answer.body.as_str()), (200, "whole"), "{path}");
        assert!(world.get(path, &[]).is_hit(), "{path}");
    }
}

#[test]
fn several_ranges_come_as_one_body_of_parts() {
    let (world, _) = world("\"N\"");
    world.get("/a", &[]);
    let answer = world.get("/a", &[("range", "bytes=0-1,8-9")]);
    assert_eq!((answer.status, answer.is_hit()), (206, true));
    let media_type = answer.header("content-type").expect("it has a type").to_owned();
    let boundary = media_type.strip_prefix("multipart/byteranges; boundary=").expect("it has a boundary");
    let part = |range: &str, bytes: &str| {
        format!("\r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes {range}/10\r\n\r\n{bytes}")
    };
    assert_eq!(answer.body, format!("{}{}\r\n--{boundary}--\r\n", part("0-1", "01"), part("8-9", "81")));
    assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
}

#[test]
fn what_a_clients_condition_or_range_brings_about_is_nobody_elses() {
    let origin = |asked: &Asked| {
        let fields = [("cache-control", "max-age=60"), ("etag", "\"1\"")];
        match (asked.header("range"), asked.header("if-match"), asked.header("if-none-match")) {
            (Some("bytes=50-"), ..) => Scripted::new(416, &[fields[0], ("content-range", "bytes */10")], ""),
            (_, Some("\"2\""), _) => Scripted::new(412, &fields, ""),
            (_, Some("broken"), _) => Scripted::new(500, &fields, ""),
            (.., Some("\"1\"")) => Scripted::new(304, &fields, ""),
            _ => Scripted::new(200, &fields, WHOLE),
        }
    };
    for (name, value, status) in [
        ("range", "bytes=50-", 416),
        ("if-match", "\"2\"", 412),
        ("if-match", "broken", 500),
        ("if-none-match", "\"1\"", 304),
    ] {
        let world = World::new(&json!({}), origin);
        let own = world.get("/a", &[(name, value)]);
        assert_eq!((own.status, own.reason()), (status, Some("conditional")), "{name}");
        let all = world.at_once(&[("/a", &[]), ("/a", &[])]);
        assert!(all.iter().all(|answer| (answer.status, answer.body.as_str()) == (200, WHOLE)), "{name}");
        assert_eq!(world.asked(), 2, "the page is still one that can be shared: {name}");
    }
}
