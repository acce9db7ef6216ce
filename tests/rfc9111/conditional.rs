//! Preconditions, ranges and validation (RFC 9110 §13, §14; RFC 9111 §4.3).

use http::Method;

use larder::cache::serve::{Part, serve};
use larder::cache::validation::{HeadUpdate, Revision, freshen, make_conditional, update_by_head};
use larder::cache::{Fetched, Head};
use larder::fields::{ByteRange, ContentRange, EntityTag, Seconds, Timestamp, range};
use larder::message::{ResponseHead, Wanted};

use super::given::{FETCHED, asking, head, looked_up, plain, response};
use crate::support::{NOW, headers, test};

const FRESH: (&str, &str) = ("cache-control", "max-age=60");
const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
const MODIFIED: (&str, &str) = ("last-modified", "Sat, 05 Nov 1994 08:49:37 GMT");

fn status(stored: &[(&str, &str)], asked: &[(&str, &str)]) -> u16 {
    let policy = plain();
    serve(
        Wanted { method: &Method::GET, headers: &headers(asked) },
        &head(&policy, 200, stored),
        Seconds::ZERO,
        &policy,
    )
    .status
    .as_u16()
}

#[test]
fn entity_tags_compare_as_they_should() {
    // RFC 9110 §8.8.3.2
    for (one, other, strong, weak) in [
        ("\"1\"", "\"1\"", true, true),
        ("W/\"1\"", "W/\"1\"", false, true),
        ("W/\"1\"", "\"1\"", false, true),
        ("W/\"1\"", "W/\"2\"", false, false),
        ("\"1\"", "\"2\"", false, false),
        ("1", "1", true, true),
        ("1", "\"1\"", false, false),
        ("w/\"1\"", "w/\"1\"", true, true),
    ] {
        let (a, b) = (EntityTag::parse(one).expect("a tag"), EntityTag::parse(other).expect("a tag"));
        assert_eq!((a.strong_eq(b), a.weak_eq(b)), (strong, weak), "{one} and {other}");
    }
}

#[test]
fn if_none_match_decides_by_weak_comparison_and_alone() {
    // RFC 9110 §13.1.2, §13.2.2
    let stored = [FRESH, DATE, MODIFIED, ("etag", "\"v1\"")];
    for (asked, expected) in [
        (&[("if-none-match", "\"v1\"")][..], 304),
        (&[("if-none-match", "W/\"v1\"")], 304),
        (&[("if-none-match", "\"v0\", \"v1\", \"v2\"")], 304),
        (&[("if-none-match", "\"v0\""), ("if-none-match", "\"v1\"")], 304),
        (&[("if-none-match", "*")], 304),
        (&[("if-none-match", "\"v2\"")], 200),
        (&[("if-none-match", "v1")], 200),
        (&[("if-none-match", "\"v0,\\\"v1\"")], 200),
        (&[("if-none-match", "")], 200),
        (&[("if-none-match", "\"v2\""), ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT")], 200),
        (&[("if-none-match", "\"v1\""), ("if-modified-since", "Fri, 04 Nov 1994 08:49:37 GMT")], 304),
        (&[("if-match", "\"other\"")], 200),
        (&[("if-unmodified-since", "Fri, 04 Nov 1994 08:49:37 GMT")], 200),
    ] {
        assert_eq!(status(&stored, asked), expected, "{asked:?}");
    }
}

#[test]
fn if_modified_since_compares_whole_seconds_and_ignores_what_is_no_date() {
    // RFC 9110 §13.1.3; RFC 9111 §4.3.2
    for (stored, since, expected) in [
        (&[FRESH, DATE, MODIFIED][..], "Sat, 05 Nov 1994 08:49:37 GMT", 304),
        (&[FRESH, DATE, MODIFIED], "Saturday, 05-Nov-94 08:49:37 GMT", 304),
        (&[FRESH, DATE, MODIFIED], "Sat Nov  5 08:49:37 1994", 304),
        (&[FRESH, DATE, MODIFIED], "Sun, 06 Nov 1994 08:49:37 GMT", 304),
        (&[FRESH, DATE, MODIFIED], "Sat, 05 Nov 1994 08:49:36 GMT", 200),
        (&[FRESH, DATE, MODIFIED], "soon", 200),
        (&[FRESH, DATE], "Sun, 06 Nov 1994 08:49:37 GMT", 304),
        (&[FRESH, DATE], "Sun, 06 Nov 1994 08:49:36 GMT", 200),
    ] {
        assert_eq!(status(stored, &[("if-modified-since", since)]), expected, "{since}");
    }
}

#[test]
fn a_304_carries_the_validator_and_nothing_about_a_body() {
    // RFC 9110 §15.4.5
    let policy = plain();
    let stored = head(
        &policy,
        200,
        &[
            FRESH,
            DATE,
            ("etag", "\"v1\""),
            ("content-type", "text/html"),
            ("vary", "accept"),
            ("content-location", "/x"),
        ],
    );
    let served = serve(
        Wanted { method: &Method::GET, headers: &headers(&[("if-none-match", "\"v1\"")]) },
        &stored,
        Seconds::ZERO,
        &policy,
    );
    assert_eq!((served.status.as_u16(), served.part), (304, Part::Nothing));
    for name in ["cache-control", "content-location", "date", "etag", "vary"] {
        assert!(served.headers.contains_key(name), "{name}");
    }
    for name in ["content-length", "content-type", "content-encoding"] {
        assert!(!served.headers.contains_key(name), "{name}");
    }
}

#[test]
fn ranges_are_read_and_cut() {
    // RFC 9110 §14.1.2; the body is ten bytes long
    let first = |text: &str| range::requested(&headers(&[("range", text)])).map(|ranges| ranges[0]);
    for (text, expected, within) in [
        ("bytes=0-4", Some(ByteRange::From(0, Some(4))), Some(0..5)),
        ("bytes=5-", Some(ByteRange::From(5, None)), Some(5..10)),
        ("bytes=-3", Some(ByteRange::Suffix(3)), Some(7..10)),
        ("bytes=-30", Some(ByteRange::Suffix(30)), Some(0..10)),
        ("bytes=0-99", Some(ByteRange::From(0, Some(99))), Some(0..10)),
        ("Bytes=0-0", Some(ByteRange::From(0, Some(0))), Some(0..1)),
        ("bytes=10-", Some(ByteRange::From(10, None)), None),
        ("bytes=-0", Some(ByteRange::Suffix(0)), None),
        ("bytes=18446744073709551616-", Some(ByteRange::From(u64::MAX, None)), None),
        ("bytes=0-18446744073709551616", Some(ByteRange::From(0, Some(u64::MAX))), Some(0..10)),
        ("bytes=5-2", None, None),
        ("bytes=--1", None, None),
        ("bytes=a-b", None, None),
        ("bytes=", None, None),
        ("bites=0-1", None, None),
        ("bytes 0-1", None, None),
    ] {
        assert_eq!(first(text), expected, "{text}");
        assert_eq!(first(text).and_then(|range| range.within(10)), within, "{text}");
    }
    let many = format!("bytes={}", (0..100).map(|at| format!("{at}-{at}")).collect::<Vec<_>>().join(","));
    assert!(range::requested(&headers(&[("range", &many)])).is_none());
}

#[test]
fn content_range_is_read_strictly() {
    // RFC 9110 §14.4
    for (text, expected) in [
        ("bytes 0-4/10", Some((0..5, Some(10)))),
        ("bytes 0-4/*", Some((0..5, None))),
        ("bytes 5-4/10", None),
        ("bytes 0-10/10", None),
        ("bytes */10", None),
        ("items 0-4/10", None),
        ("0-4/10", None),
        // Beyond what can be counted.
        ("bytes 0-18446744073709551614/*", Some((0..u64::MAX, None))),
        ("bytes 0-18446744073709551615/*", None),
        ("bytes 99999999999999999999-99999999999999999999/*", None),
    ] {
        let expected = expected.map(|(range, complete)| ContentRange { range, complete });
        assert_eq!(ContentRange::parse(text), expected, "{text}");
    }
    assert_eq!(ContentRange { range: 2..5, complete: Some(10) }.to_string(), "bytes 2-4/10");
}

#[test]
fn if_range_needs_the_very_same_representation() {
    // RFC 9110 §13.1.5
    let range = ("range", "bytes=0-1");
    for (stored, condition, expected) in [
        (&[FRESH, ("etag", "\"v1\"")][..], "\"v1\"", 206),
        (&[FRESH, ("etag", "\"v1\"")], "\"v2\"", 200),
        (&[FRESH, ("etag", "W/\"v1\"")], "W/\"v1\"", 200),
        (&[FRESH, DATE, MODIFIED], "Sat, 05 Nov 1994 08:49:37 GMT", 206),
        (&[FRESH, DATE, MODIFIED], "Sun, 06 Nov 1994 08:49:37 GMT", 200),
        (
            &[FRESH, ("date", "Sat, 05 Nov 1994 08:49:37 GMT"), MODIFIED, ("cache-control", "max-age=100000")],
            "Sat, 05 Nov 1994 08:49:37 GMT",
            200,
        ),
        (&[FRESH], "x", 200),
    ] {
        let stored: Vec<_> = stored
            .iter()
            .filter(|field| **field != FRESH)
            .chain([&("cache-control", "max-age=100000")])
            .copied()
            .collect();
        assert_eq!(
            status(&stored[..stored.len() - usize::from(stored.len() > 3)], &[range, ("if-range", condition)]),
            expected,
            "{condition}"
        );
    }
}

#[test]
fn a_precondition_comes_before_a_range() {
    // RFC 9110 §13.2.2
    assert_eq!(status(&[FRESH, ("etag", "\"v1\"")], &[("if-none-match", "\"v1\""), ("range", "bytes=0-1")]), 304);
}

#[test]
fn a_validation_asks_for_the_whole_by_what_is_stored() {
    // RFC 9111 §4.3.1
    let stored = head(&plain(), 200, &[FRESH, DATE, MODIFIED, ("etag", "W/\"v1\"")]);
    let mut sent = headers(&[
        ("if-none-match", "\"client\""),
        ("range", "bytes=0-1"),
        ("if-range", "x"),
        ("if-match", "*"),
        ("x", "1"),
    ]);
    assert!(make_conditional(&mut sent, &stored));
    let mut fields: Vec<_> =
        sent.iter().map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect();
    fields.sort();
    assert_eq!(fields, ["if-modified-since: Sat, 05 Nov 1994 08:49:37 GMT", "if-none-match: W/\"v1\"", "x: 1"]);
    let unvalidated = head(&plain(), 200, &[FRESH]);
    assert!(!make_conditional(&mut headers(&[]), &unvalidated), "an entity tag of ours means nothing to the origin");
}

#[test]
fn a_304_updates_every_field_but_those_of_the_body() {
    // RFC 9111 §3.2, §4.3.4
    let policy = plain();
    let stored = head(
        &policy,
        200,
        &[
            FRESH,
            ("etag", "\"v1\""),
            ("x-kept", "1"),
            ("x-new", "old"),
            ("x-new", "old too"),
            ("content-length", "10"),
            ("content-encoding", "foo"),
            ("content-type", "text/plain"),
            ("age", "30"),
        ],
    );
    let later = Timestamp::from_millis(NOW.as_millis() + 100_000);
    let not_modified = response(
        304,
        &[
            ("cache-control", "max-age=500"),
            ("etag", "W/\"v1\""),
            ("x-new", "new"),
            ("content-length", "99"),
            ("content-encoding", "bar"),
            ("content-type", "text/html"),
            ("connection", "x-hop"),
            ("x-hop", "1"),
        ],
    );
    let revision =
        updated(&stored, &not_modified, Fetched { requested: later, received: later }).expect("it is the same");
    assert_eq!(revision.stored, Ok(()));
    let fresh = revision.head;
    for (name, expected) in [
        ("cache-control", "max-age=500"),
        ("etag", "\"v1\""),
        ("x-kept", "1"),
        ("x-new", "new"),
        ("content-length", "10"),
        ("content-encoding", "foo"),
        ("content-type", "text/html"),
        ("date", "Sun, 06 Nov 1994 08:51:17 GMT"),
    ] {
        assert_eq!(fresh.headers[name], expected, "{name}");
    }
    assert!(!fresh.headers.contains_key("x-hop"));
    assert_eq!(fresh.headers.get_all("x-new").iter().count(), 1);
    assert_eq!((fresh.age(later).get(), fresh.lifetime(&policy).get()), (0, 500));
}

#[test]
fn a_304_for_something_else_updates_nothing() {
    let policy = plain();
    let stored = head(&policy, 200, &[FRESH, ("etag", "\"v1\"")]);
    assert!(updated(&stored, &response(304, &[("etag", "\"v2\"")]), FETCHED).is_none());
    assert!(updated(&stored, &response(304, &[]), FETCHED).is_some());
}

fn updated(stored: &Head, not_modified: &ResponseHead, fetched: Fetched) -> Option<Revision> {
    let policy = plain();
    let lookup = looked_up(&policy, "/page", &[]).expect("it is looked up");
    freshen(stored, not_modified, asking(&lookup, &policy, fetched))
}

#[test]
fn an_update_is_stored_only_if_a_response_with_its_fields_would_be() {
    // RFC 9111 §3, §4.3.4
    let stored = head(&plain(), 200, &[FRESH, ("etag", "\"v1\"")]);
    for (field, expected) in [
        (("x-harmless", "1"), None),
        (("cache-control", "max-age=1"), None),
        (("set-cookie", "sid=1"), Some("set-cookie")),
        (("cache-control", "private"), Some("private")),
        (("cache-control", "no-store"), Some("no-store")),
        (("vary", "*"), Some("vary-star")),
        (("vary", "cookie"), None),
    ] {
        let revision = updated(&stored, &response(304, &[field]), FETCHED).expect("it names nothing else");
        assert_eq!(revision.stored.err().map(larder::reason::Reason::code), expected, "{field:?}");
    }
}

#[test]
fn the_answer_to_a_head_updates_or_outdates_the_stored_answer_to_a_get() {
    // RFC 9111 §4.3.5; the body is ten bytes long
    let policy = plain();
    let lookup = looked_up(&policy, "/page", &[]).expect("it is looked up");
    let tagged = head(&policy, 200, &[FRESH, ("etag", "\"v1\""), MODIFIED]);
    for (status, fields, expected) in [
        (200, &[("etag", "\"v1\""), ("x-new", "1")][..], "holds"),
        (200, &[MODIFIED], "holds"),
        (200, &[("etag", "\"v1\""), ("content-length", "10")], "holds"),
        (200, &[("etag", "\"v1\""), ("content-length", "11")], "differs"),
        (200, &[("etag", "\"v2\"")], "differs"),
        (200, &[("etag", "W/\"v1\"")], "differs"),
        (200, &[("etag", "\"v1\""), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")], "differs"),
        (200, &[("content-length", "11")], "differs"),
        (200, &[("content-length", "10")], "unproved"),
        (200, &[], "unproved"),
        (410, &[("etag", "\"v1\"")], "unproved"),
    ] {
        let found = match update_by_head(&tagged, &response(status, fields), asking(&lookup, &policy, FETCHED)) {
            HeadUpdate::Holds(revision) => {
                assert_eq!((revision.head.status.as_u16(), revision.stored), (200, Ok(())));
                "holds"
            }
            HeadUpdate::Differs => "differs",
            HeadUpdate::Unproved => "unproved",
        };
        assert_eq!(found, expected, "{status} {fields:?}");
    }
}
