//! Which fields are kept, and which are sent (RFC 9111 §3.1).

use http::Method;
use larder::cache::serve::{Part, serve, straight_through};
use larder::fields::Seconds;
use larder::message::Wanted;
use larder::name::Name;
use serde_json::json;

use super::given::{answered, head, looked_up, plain, policy, url};
use crate::support::{headers, test};

const FRESH: (&str, &str) = ("cache-control", "max-age=60");

fn served(site: &serde_json::Value, fields: &[(&str, &str)], age: u64) -> larder::cache::serve::Served {
    let policy = policy(site);
    let wanted = Wanted { method: &Method::GET, headers: &headers(&[]) };
    serve(wanted, &head(&policy, 200, fields), Seconds::new(age), &policy)
}

#[test]
fn fields_about_one_connection_are_neither_stored_nor_passed_on() {
    let fields = [
        FRESH,
        ("connection", "a, B"),
        ("a", "1"),
        ("b", "2"),
        ("c", "3"),
        ("keep-alive", "x"),
        ("proxy-authenticate", "x"),
        ("proxy-authentication-info", "x"),
        ("proxy-authorization", "x"),
        ("proxy-connection", "x"),
        ("te", "x"),
        ("trailer", "x"),
        ("transfer-encoding", "x"),
        ("upgrade", "x"),
    ];
    for sent in [head(&plain(), 200, &fields).headers, straight_through(&headers(&fields))] {
        let mut names: Vec<_> = sent.keys().map(|name| name.as_str()).filter(|name| *name != "date").collect();
        names.sort_unstable();
        assert_eq!(names, ["c", "cache-control"]);
    }
}

#[test]
fn what_is_between_origin_and_cache_stops_here() {
    let fields = [
        FRESH,
        ("cache-tag", "a,b"),
        ("surrogate-key", "c d"),
        ("surrogate-control", "max-age=60"),
        ("larder-cache-control", "max-age=60"),
        ("x", "1"),
    ];
    let stored = head(&plain(), 200, &fields);
    assert!(stored.headers.contains_key("cache-tag"), "a 304 may leave it out");
    for sent in [served(&json!({}), &fields, 0).headers, straight_through(&headers(&fields))] {
        for name in ["cache-tag", "surrogate-key", "surrogate-control", "larder-cache-control"] {
            assert!(!sent.contains_key(name), "{name}");
        }
        assert!(sent.contains_key("x"));
    }
}

/// A purge names a page by any of these.
#[test]
fn a_page_has_the_names_of_its_tags_its_groups_and_its_visitor() {
    let site = json!({ "tags": ["site"], "vary_cookie": ["sid"] });
    let policy = policy(&site);
    let fields = [
        ("cache-control", "public, max-age=60"),
        ("cache-tag", "b, a"),
        ("cache-tag", "a"),
        ("surrogate-key", "c d"),
        ("cache-groups", "\"one\", \"two\""),
    ];
    let groups = ["one", "two"].map(|group| [Name::group(&url("/page"), group), Name::group_anywhere(group)]);
    let public = [["site", "a", "b", "c", "d"].map(Name::tag).to_vec(), groups.concat()].concat();
    for (cookie, own) in [("", vec![]), ("sid=1", vec![Name::identity(identity("sid=1"))])] {
        let stored = answered(&policy, &[("cookie", cookie)], 200, &fields).expect("it is stored");
        let mut expected = [&public[..], &own].concat();
        expected.sort_unstable();
        assert_eq!(stored.names, expected, "{cookie}");
    }
    assert_ne!(identity("sid=1"), identity("sid=2"));
}

fn identity(cookie: &str) -> u64 {
    let policy = policy(&json!({ "vary_cookie": ["sid"] }));
    let lookup = looked_up(&policy, "/page", &[("cookie", cookie)]).expect("it is looked up");
    lookup.identities[0]
}

#[test]
fn what_is_beyond_128_tags_is_cut_off() {
    let tags: Vec<_> = (0..200).map(|number| format!("tag-{number}")).collect();
    let stored = head(&plain(), 200, &[FRESH, ("cache-tag", &tags.join(","))]);
    let mut expected: Vec<_> = tags.iter().take(128).map(|tag| Name::tag(tag)).collect();
    expected.sort_unstable();
    assert_eq!(stored.names, expected);
}

#[test]
fn a_response_is_served_with_its_age_and_a_validator() {
    let sent = served(&json!({}), &[FRESH], 12);
    assert_eq!(sent.headers["age"], "12");
    assert_eq!(sent.headers["etag"], "\"07070707070707070707070707070707\"");
    assert_eq!(sent.part, Part::Whole);
    let own = served(&json!({}), &[FRESH, ("last-modified", "Sat, 05 Nov 1994 08:49:37 GMT")], 0);
    assert!(!own.headers.contains_key("etag"), "the origin gave one of its own");
}

#[test]
fn repeated_fields_stay_repeated() {
    let sent = served(&json!({}), &[FRESH, ("link", "<a>"), ("link", "<b>"), ("warning", "x")], 0);
    let links: Vec<_> = sent.headers.get_all("link").iter().collect();
    assert_eq!(links, ["<a>", "<b>"]);
}

#[test]
fn browsers_are_told_how_long_by_the_policy_if_it_says_so() {
    for (site, fields, expected) in [
        (json!({}), &[FRESH][..], "max-age=60"),
        (json!({ "browser_ttl": 30 }), &[FRESH], "max-age=42"),
        (
            json!({ "browser_ttl": 0 }),
            &[("cache-control", "public, s-maxage=600, max-age=60, must-revalidate")],
            "public, must-revalidate, max-age=12",
        ),
        (json!({ "browser_ttl": 0 }), &[("cache-control", "max-age=60, caf\u{e9}=\"\u{e9}\"")], "caf=, max-age=12"),
        // What is malformed restricts all the same, permits nothing, and swallows nothing.
        (
            json!({ "browser_ttl": 0 }),
            &[("cache-control", "a=\""), ("cache-control", "b=\", max-age=60, s-maxage=60"), ("cache-control", "c\"")],
            "a=, b=, c=, max-age=12",
        ),
        (
            json!({ "browser_ttl": 0 }),
            &[("cache-control", "max-age=60, public=\", no-store=\"x, e=\"f\"")],
            "public=, e=\"f\", max-age=12",
        ),
        (json!({ "vary_cookie": ["sid"] }), &[FRESH], "private, max-age=0"),
        (json!({ "vary_cookie": ["sid"], "browser_ttl": 30 }), &[FRESH], "private, max-age=42"),
        (
            json!({ "cookie_class": { "plan": ["free"] } }),
            &[("cache-control", "public, max-age=60")],
            "private, max-age=0",
        ),
    ] {
        assert_eq!(served(&site, fields, 12).headers["cache-control"], expected, "{site}");
    }
    let fields = [FRESH, ("expires", "Sun, 06 Nov 1994 08:50:37 GMT"), ("cdn-cache-control", "max-age=60")];
    let keyed = served(&json!({ "vary_cookie": ["sid"] }), &fields, 0).headers;
    assert!(!keyed.contains_key("expires") && !keyed.contains_key("cdn-cache-control"));
    let shared = served(&json!({}), &fields, 0).headers;
    assert!(shared.contains_key("expires") && shared.contains_key("cdn-cache-control"));
}

#[test]
fn a_field_that_no_cache_names_is_not_kept() {
    let stored =
        head(&plain(), 200, &[("cache-control", "max-age=60, no-cache=\"a, b\""), ("a", "1"), ("b", "2"), ("c", "3")]);
    assert!(!stored.headers.contains_key("a") && !stored.headers.contains_key("b") && stored.headers.contains_key("c"));
}

#[test]
fn a_response_without_a_date_gets_one() {
    // RFC 9110 §6.6.1
    assert_eq!(head(&plain(), 200, &[FRESH]).headers["date"], "Sun, 06 Nov 1994 08:49:37 GMT");
}
