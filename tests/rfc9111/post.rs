//! When the answer to a POST answers a later GET (RFC 9110 §9.3.3).

use http::Method;
use larder::cache::post::answers_get;
use serde_json::json;

use super::given::{FETCHED, asking, looked_up, plain, policy, request, response};
use crate::support::{headers, test};

const FRESH: (&str, &str) = ("cache-control", "max-age=60");
const TARGET: (&str, &str) = ("content-location", "/page");

fn answers(method: Method, asked: &[(&str, &str)], status: u16, fields: &[(&str, &str)]) -> bool {
    let policy = plain();
    let mut posted = request("/page", asked);
    posted.method = method;
    let known: Vec<_> = asked.iter().filter(|(name, _)| !name.starts_with("x-")).copied().collect();
    let lookup = looked_up(&policy, "/page", &known).expect("it is looked up");
    answers_get(&posted, &headers(asked), &response(status, fields), asking(&lookup, &policy, FETCHED))
}

#[test]
fn a_post_answers_a_get_if_it_says_so_twice() {
    for (status, fields, expected) in [
        (200, &[FRESH, TARGET][..], true),
        (200, &[FRESH, ("content-location", "https://site.test/page")], true),
        (200, &[FRESH, ("content-location", "")], true),
        (200, &[("expires", "Sun, 06 Nov 1994 09:49:37 GMT"), TARGET], true),
        (200, &[FRESH, ("content-location", "/other")], false),
        (200, &[FRESH, ("content-location", "https://other.test/page")], false),
        (200, &[FRESH, TARGET, TARGET], false),
        (200, &[FRESH], false),
        (200, &[TARGET, ("last-modified", "Sat, 05 Nov 1994 08:49:37 GMT")], false),
        (200, &[FRESH, TARGET, ("content-encoding", "gzip")], false),
        (201, &[FRESH, TARGET], false),
        (303, &[FRESH, TARGET], false),
        (404, &[FRESH, TARGET], false),
    ] {
        assert_eq!(answers(Method::POST, &[], status, fields), expected, "{status} {fields:?}");
    }
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        assert!(!answers(method.clone(), &[], 200, &[FRESH, TARGET]), "{method}");
    }
}

#[test]
fn what_the_origin_saw_must_be_what_a_get_would_show_it() {
    for (asked, expected) in [
        (&[("content-type", "text/plain"), ("content-length", "5")][..], true),
        (&[("accept", "text/html"), ("user-agent", "x"), ("origin", "https://site.test")], true),
        (&[("accept-encoding", "br")], true),
        (&[("cf-connecting-ip", "192.0.2.1"), ("x-real-ip", "192.0.2.1"), ("cf-ray", "1")], true),
        (&[("cf-connecting-ip", "192.0.2.1"), ("x-real-ip", "192.0.2.2")], false),
        (&[("x-original-url", "/admin")], false),
        (&[("x-unknown", "1")], false),
        (&[("cookie", "sid=1")], false),
        (&[("authorization", "Basic eA==")], false),
    ] {
        assert_eq!(answers(Method::POST, asked, 200, &[FRESH, TARGET]), expected, "{asked:?}");
    }
}

#[test]
fn a_route_that_hides_fields_from_the_origin_takes_no_answer_that_saw_them() {
    let forced = policy(&json!({ "cache": "force", "ttl": "1m" }));
    let mut posted = request("/page", &[]);
    posted.method = Method::POST;
    let lookup = looked_up(&forced, "/page", &[]).expect("it is looked up");
    let answer = response(200, &[FRESH, TARGET]);
    for (sent, expected) in [(&[][..], true), (&[("user-agent", "x")], false)] {
        let found = answers_get(&posted, &headers(sent), &answer, asking(&lookup, &forced, FETCHED));
        assert_eq!(found, expected, "{sent:?}");
    }
}
