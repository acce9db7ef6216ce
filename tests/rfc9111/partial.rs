//! Parts: stored, served, completed, joined (RFC 9111 §3.3, §3.4; RFC 9110 §14, §15.3.7).

use http::Method;
use larder::cache::Head;
use larder::cache::partial::{ask_for_rest, join, part_answers};
use larder::cache::serve::{Part, Served, serve};
use larder::cache::validation::make_conditional;
use larder::fields::range::{requested, satisfiable};
use larder::fields::{Seconds, Timestamp};
use larder::message::Wanted;
use larder::reason::Reason;
use serde_json::json;

use super::given::{head, plain, policy, response, stored};
use crate::support::{NOW, headers, test};

const FRESH: (&str, &str) = ("cache-control", "max-age=60");
const TAG: (&str, &str) = ("etag", "\"v1\"");

/// Bytes 4 to 9 of ten.
const END: (&str, &str) = ("content-range", "bytes 4-9/10");

fn part(fields: &[(&str, &str)]) -> Head {
    head(&plain(), 206, &[&[FRESH], fields].concat())
}

fn wanted(asked: &[(&str, &str)], of: impl FnOnce(Wanted) -> Served) -> Served {
    of(Wanted { method: &Method::GET, headers: &headers(asked) })
}

#[test]
fn a_part_is_stored_if_it_says_what_it_is_a_part_of() {
    // RFC 9111 §3.3
    for (fields, expected) in [
        (&[END][..], None),
        (&[END, ("content-length", "6")], None),
        (&[END, ("content-length", "5")], Some(Reason::Partial)),
        (&[("content-range", "bytes 4-9/*")], Some(Reason::Partial)),
        (&[("content-range", "bytes 4-9/9")], Some(Reason::Partial)),
        (&[("content-range", "items 4-9/10")], Some(Reason::Partial)),
        (&[END, END], Some(Reason::Partial)),
        (&[("content-type", "multipart/byteranges; boundary=x")], Some(Reason::Partial)),
        (&[END, ("content-encoding", "gzip")], Some(Reason::Partial)),
        (&[], Some(Reason::Partial)),
    ] {
        assert_eq!(stored(&plain(), 206, &[&[FRESH], fields].concat()).err(), expected, "{fields:?}");
    }
    let forced = policy(&json!({ "cache": "force", "ttl": "1m" }));
    assert_eq!(stored(&forced, 206, &[FRESH, END]).err(), Some(Reason::Partial), "the whole was asked for");
}

#[test]
fn a_part_answers_for_ranges_that_are_wholly_within_it() {
    // RFC 9111 §3.3
    for (asked, expected) in [
        (&[("range", "bytes=4-9")][..], true),
        (&[("range", "bytes=6-8")], true),
        (&[("range", "bytes=6-")], true),
        (&[("range", "bytes=-6")], true),
        (&[("range", "bytes=-1")], true),
        (&[("range", "bytes=5-99")], true),
        (&[("range", "bytes=4-5,7-8")], true),
        (&[("range", "bytes=3-9")], false),
        (&[("range", "bytes=-7")], false),
        (&[("range", "bytes=0-1,7-8")], false),
        (&[("range", "bytes=10-")], false),
        (&[("range", "lines=4-9")], false),
        (&[("range", "bytes=4-9"), ("if-range", "\"v1\"")], true),
        (&[("range", "bytes=4-9"), ("if-range", "\"v2\"")], false),
        (&[], false),
    ] {
        let asked_for = headers(asked);
        let answers = |method| part_answers(&part(&[END, TAG]), Wanted { method, headers: &asked_for });
        assert_eq!(answers(&Method::GET), expected, "{asked:?}");
        assert!(!answers(&Method::HEAD), "to a HEAD a range means nothing: {asked:?}");
    }
}

#[test]
fn what_a_part_answers_is_counted_from_the_beginning_of_the_whole() {
    for (range, content_range, in_body) in
        [("bytes=4-9", "bytes 4-9/10", 0..6), ("bytes=6-8", "bytes 6-8/10", 2..5), ("bytes=-1", "bytes 9-9/10", 5..6)]
    {
        let served = wanted(&[("range", range)], |wanted| serve(wanted, &part(&[END]), Seconds::ZERO, &plain()));
        assert_eq!((served.status.as_u16(), served.part), (206, Part::Range(in_body.clone())), "{range}");
        assert_eq!(served.headers["content-range"], content_range, "{range}");
        assert_eq!(served.headers["content-length"], (in_body.end - in_body.start).to_string().as_str(), "{range}");
    }
}

#[test]
#[allow(clippy::single_range_in_vec_init, reason = "a list of ranges may have one")]
fn ranges_that_overlap_or_touch_are_one() {
    // RFC 9110 §15.3.7.2; the body is ten bytes long
    for (range, expected) in [
        ("bytes=0-1,4-5", &[0..2, 4..6][..]),
        ("bytes=4-5,0-1", &[4..6, 0..2]),
        ("bytes=0-4,2-6", &[0..7]),
        ("bytes=0-1,2-3", &[0..4]),
        ("bytes=0-1,4-5,1-4", &[0..6]),
        ("bytes=0-0,99-,2-2", &[0..1, 2..3]),
        ("bytes=0-,0-,0-,0-", &[0..10]),
        ("bytes=99-", &[]),
    ] {
        let ranges = requested(&headers(&[("range", range)])).expect("they can be read");
        assert_eq!(satisfiable(&ranges, 10), expected, "{range}");
    }
}

#[test]
fn several_ranges_are_several_parts_of_one_body() {
    // RFC 9110 §14.6, §15.3.7.2
    let whole = head(&plain(), 200, &[FRESH, ("content-type", "text/plain"), TAG]);
    let served = wanted(&[("range", "bytes=0-1,8-9")], |wanted| serve(wanted, &whole, Seconds::ZERO, &plain()));
    assert_eq!(served.status.as_u16(), 206);
    assert!(!served.headers.contains_key("content-range"), "it stands in the parts");
    let boundary = format!("{:016x}{:016x}", whole.generation, 7);
    assert_eq!(served.headers["content-type"], format!("multipart/byteranges; boundary={boundary}").as_str());
    let introduction =
        |range| format!("\r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes {range}/10\r\n\r\n");
    let parts = vec![(introduction("0-1"), 0..2), (introduction("8-9"), 8..10)];
    let end = format!("\r\n--{boundary}--\r\n");
    let length = parts.iter().map(|(text, _)| text.len() + 2).sum::<usize>() + end.len();
    assert_eq!(served.headers["content-length"], length.to_string().as_str());
    assert_eq!(served.part, Part::Multipart(parts, end));
    for (asked, status) in [
        (&[("range", "bytes=0-1,1-9")][..], 206),
        (&[("range", "bytes=0-1,8-9"), ("if-range", "\"v2\"")], 200),
        (&[("range", "bytes=0-1,8-9"), ("if-none-match", "\"v1\"")], 304),
        (&[("range", "bytes=20-,30-")], 416),
    ] {
        let served = wanted(asked, |wanted| serve(wanted, &whole, Seconds::ZERO, &plain()));
        assert_eq!(served.status.as_u16(), status, "{asked:?}");
        assert!(!matches!(served.part, Part::Multipart(..)), "{asked:?}");
    }
}

#[test]
fn the_rest_is_asked_for_by_a_strong_validator_or_while_nothing_can_have_changed() {
    // RFC 9111 §3.4, RFC 9110 §13.1.5
    let begin = ("content-range", "bytes 0-3/10");
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let modified = ("last-modified", "Sat, 05 Nov 1994 08:49:37 GMT");
    for (fields, fresh, range, if_range) in [
        (&[begin, TAG][..], false, Some("bytes=4-"), Some("\"v1\"")),
        (&[END, TAG], false, Some("bytes=0-3"), Some("\"v1\"")),
        (&[begin, date, modified], false, Some("bytes=4-"), Some("Sat, 05 Nov 1994 08:49:37 GMT")),
        (&[begin], true, Some("bytes=4-"), None),
        (&[begin], false, None, None),
        (&[begin, ("etag", "W/\"v1\"")], false, None, None),
        (&[("content-range", "bytes 2-5/10"), TAG], true, None, None),
        (&[("content-range", "bytes 0-9/10"), TAG], true, None, None),
    ] {
        let mut request = headers(&[("accept-encoding", "gzip"), ("if-none-match", "\"x\"")]);
        assert_eq!(ask_for_rest(&mut request, &part(fields), fresh), range.is_some(), "{fields:?}");
        let sent = |name: &str| request.get(name).map(|value| value.to_str().expect("text"));
        assert_eq!((sent("range"), sent("if-range")), (range, if_range), "{fields:?}");
        let expected = if range.is_some() { (None, Some("identity")) } else { (Some("\"x\""), Some("gzip")) };
        assert_eq!((sent("if-none-match"), sent("accept-encoding")), expected, "{fields:?}");
    }
    let mut request = headers(&[("range", "bytes=0-5")]);
    assert!(!ask_for_rest(&mut request, &part(&[END, TAG]), true), "who wants a range gets that range");
}

#[test]
fn a_part_is_validated_as_a_part() {
    let mut request = headers(&[("range", "bytes=4-5"), ("if-range", "\"v1\""), ("if-match", "*")]);
    assert!(make_conditional(&mut request, &part(&[END, TAG])));
    let expected = headers(&[("range", "bytes=4-5"), ("if-range", "\"v1\""), ("if-none-match", "\"v1\"")]);
    assert_eq!(request, expected);
}

#[test]
fn parts_of_the_same_bytes_that_overlap_or_touch_are_joined() {
    // RFC 9111 §3.4; RFC 9110 §15.3.7.3
    let later = Timestamp::from_millis(NOW.as_millis() + 1000);
    for (stored, new, expected) in [
        (&["bytes 0-3/10", "\"v1\""], &["bytes 4-9/10", "\"v1\""], Some((0..4, 4..4, 200, None))),
        (&["bytes 4-9/10", "\"v1\""], &["bytes 0-3/10", "\"v1\""], Some((0..0, 0..6, 200, None))),
        (&["bytes 0-5/10", "\"v1\""], &["bytes 4-9/10", "\"v1\""], Some((0..4, 6..6, 200, None))),
        (&["bytes 2-8/10", "\"v1\""], &["bytes 4-5/10", "\"v1\""], Some((0..2, 4..7, 206, Some("bytes 2-8/10")))),
        (&["bytes 2-3/10", "\"v1\""], &["bytes 4-5/10", "\"v1\""], Some((0..2, 2..2, 206, Some("bytes 2-5/10")))),
        (&["bytes 0-3/10", "\"v1\""], &["bytes 5-9/10", "\"v1\""], None),
        (&["bytes 0-3/10", "\"v1\""], &["bytes 4-9/11", "\"v1\""], None),
        (&["bytes 0-3/10", "\"v1\""], &["bytes 4-9/10", "\"v2\""], None),
        (&["bytes 0-3/10", "W/\"v1\""], &["bytes 4-9/10", "W/\"v1\""], None),
        (&["bytes 0-3/10", "\"v1\""], &["bytes 4-9/*", "\"v1\""], None),
    ] {
        let [range, tag] = stored;
        let held = part(&[("content-range", range), ("etag", tag), ("x-kept", "1"), ("x-new", "old")]);
        let [range, tag] = new;
        let arrived = response(206, &[FRESH, ("content-range", range), ("etag", tag), ("x-new", "new")]);
        let joined = join(&held, &arrived, later).map(|joined| {
            let headers = joined.response.headers;
            assert_eq!((&headers["x-kept"], &headers["x-new"]), (&"1".parse().unwrap(), &"new".parse().unwrap()));
            let range = headers.get("content-range").map(|value| value.to_str().expect("text").to_owned());
            (joined.before, joined.after, joined.response.status.as_u16(), range)
        });
        let expected = expected.map(|(before, after, status, range)| (before, after, status, range.map(str::to_owned)));
        assert_eq!(joined, expected, "{stored:?} and {new:?}");
    }
    let whole = response(200, &[FRESH, TAG]);
    assert!(join(&part(&[END, TAG]), &whole, later).is_none());
    let coded = response(206, &[FRESH, TAG, ("content-range", "bytes 0-3/10"), ("content-encoding", "gzip")]);
    assert!(join(&part(&[END, TAG]), &coded, later).is_none());
}
