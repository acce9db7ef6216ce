//! What an unsafe request invalidates (RFC 9111 §4.4).

use http::Method;
use larder::cache::invalidation::{groups_invalidated_by, invalidated_by};
use larder::fields::{CACHE_GROUPS, groups};

use super::given::{request, response};
use crate::support::{headers, test};

fn invalidated(method: &str, status: u16, fields: &[(&str, &str)]) -> Vec<String> {
    let mut asked = request("/form?step=1", &[]);
    asked.method = Method::from_bytes(method.as_bytes()).expect("a method");
    invalidated_by(&asked, &response(status, fields)).iter().map(ToString::to_string).collect()
}

#[test]
fn a_success_of_any_unsafe_method_invalidates_its_target() {
    for (method, status, expected) in [
        ("POST", 200, true),
        ("POST", 303, true),
        ("PUT", 204, true),
        ("DELETE", 200, true),
        ("PATCH", 200, true),
        ("M-SEARCH", 200, true),
        ("UNKNOWN", 201, true),
        ("POST", 400, false),
        ("POST", 500, false),
        ("POST", 100, false),
        ("GET", 200, false),
        ("HEAD", 200, false),
        ("OPTIONS", 200, false),
        ("TRACE", 200, false),
    ] {
        assert_eq!(!invalidated(method, status, &[]).is_empty(), expected, "{method} {status}");
    }
}

#[test]
fn location_and_content_location_count_on_the_same_origin_only() {
    let target = "https://site.test/form?step=1";
    for (name, value, expected) in [
        ("location", "/page", Some("https://site.test/page")),
        ("location", "page?x", Some("https://site.test/page?x")),
        ("location", "?x", Some("https://site.test/form?x")),
        ("location", "../up", Some("https://site.test/up")),
        ("content-location", "https://site.test/page", Some("https://site.test/page")),
        ("content-location", "https://SITE.test:443/page", Some("https://site.test/page")),
        ("content-location", "//site.test/page", Some("https://site.test/page")),
        ("location", "https://other.test/page", None),
        ("location", "//other.test/page", None),
        ("location", "http://site.test/page", None),
        ("location", "https://site.test:8443/page", None),
        ("location", "https://site.test@other.test/page", None),
        ("location", "javascript:alert(1)", None),
        ("location", "mailto:x@site.test", None),
    ] {
        let expected: Vec<_> = std::iter::once(target).chain(expected).map(str::to_owned).collect();
        assert_eq!(invalidated("POST", 201, &[(name, value)]), expected, "{name}: {value}");
    }
}

#[test]
fn groups_are_strings_in_a_list() {
    // RFC 9875 §2
    let many: String = (0..40).map(|at| format!("\"group-{at:026}\", ")).collect::<String>() + "\"last\"";
    for (lines, expected) in [
        (&["\"scripts\""][..], &["scripts"][..]),
        (&["\"a\", \"B\";x=1"], &["a", "B"]),
        (&["\"a\"", "\"b\""], &["a", "b"]),
        (&["\"with, comma and \\\" quote\""], &["with, comma and \" quote"]),
        (&["token"], &[]),
        (&["\"a\", 1"], &[]),
        (&["\"a\", (\"b\")"], &[]),
        (&["\"open"], &[]),
        (&[], &[]),
    ] {
        let lines: Vec<_> = lines.iter().map(|line| ("cache-groups", *line)).collect();
        assert_eq!(groups(&headers(&lines), &CACHE_GROUPS), expected, "{lines:?}");
    }
    assert_eq!(groups(&headers(&[("cache-groups", &many)]), &CACHE_GROUPS).len(), 41, "at least 32 of 32 characters");
}

#[test]
fn only_an_unsafe_request_invalidates_groups() {
    // RFC 9875 §3: "MUST be ignored on responses to requests that have a safe method"
    for (method, expected) in [("POST", 2), ("PUT", 2), ("DELETE", 2), ("GET", 0), ("HEAD", 0), ("OPTIONS", 0)] {
        let mut asked = request("/form", &[]);
        asked.method = Method::from_bytes(method.as_bytes()).expect("a method");
        let answer = response(200, &[("cache-group-invalidation", "\"a\", \"b\"")]);
        assert_eq!(groups_invalidated_by(&asked, &answer).len(), expected, "{method}");
    }
}
