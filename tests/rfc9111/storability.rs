//! What may be stored, and the reason where it may not (RFC 9111 §3).

use larder::reason::Reason;
use serde_json::json;

use larder::cache::storability::storability;

use super::given::{FETCHED, answered, asking, looked_up, plain, policy, response, stored};
use crate::support::test;

const FRESH: (&str, &str) = ("cache-control", "max-age=60");

#[test]
fn the_origins_word_counts() {
    // RFC 9111 §3
    for (status, fields, refusal) in [
        (200, &[FRESH][..], None),
        (200, &[("cache-control", "max-age=60, no-store")], Some(Reason::NoStore)),
        (200, &[("cache-control", "max-age=60, private")], Some(Reason::Private)),
        (200, &[FRESH, ("set-cookie", "a=b")], Some(Reason::SetCookie)),
        (200, &[("cache-control", "public, s-maxage=60"), ("set-cookie", "a=b")], Some(Reason::SetCookie)),
        (200, &[FRESH, ("vary", "*")], Some(Reason::VaryAnything)),
        (200, &[FRESH, ("vary", "a b")], Some(Reason::VaryUnreadable)),
        (200, &[], Some(Reason::NoFreshness)),
        (200, &[("cache-control", "public")], Some(Reason::NoFreshness)),
        (200, &[("cache-control", "max-age=0")], Some(Reason::Expired)),
        (200, &[("cache-control", "max-age=0"), ("etag", "\"v\"")], None),
        (200, &[("cache-control", "max-age=60"), ("age", "60")], Some(Reason::Expired)),
        (200, &[("cache-control", "max-age=60, stale-if-error=30"), ("age", "89")], None),
        (200, &[("cache-control", "max-age=60, stale-if-error=30"), ("age", "90")], Some(Reason::Expired)),
        (200, &[("cache-control", "max-age=soon"), ("etag", "\"v\"")], Some(Reason::Expired)),
        (200, &[("cache-control", "no-cache"), ("etag", "\"v\"")], None),
        (200, &[("cache-control", "no-cache")], Some(Reason::NoFreshness)),
        (206, &[FRESH], Some(Reason::Partial)),
        (304, &[FRESH], Some(Reason::Conditional)),
        (412, &[FRESH], Some(Reason::Conditional)),
        (416, &[FRESH], Some(Reason::Conditional)),
        (204, &[FRESH], None),
        (301, &[FRESH], None),
        (404, &[FRESH], None),
        (500, &[FRESH], None),
        (599, &[FRESH], None),
        (600, &[FRESH], Some(Reason::StatusNotStored)),
        (999, &[FRESH], Some(Reason::StatusNotStored)),
        (200, &[("cache-control", "max-age=60, must-understand")], None),
        (599, &[("cache-control", "max-age=60, must-understand")], Some(Reason::NotUnderstood)),
        (299, &[("cache-control", "max-age=60, must-understand, no-store")], Some(Reason::NotUnderstood)),
        (200, &[("cache-control", "max-age=60, must-understand, no-store")], None),
        (302, &[FRESH, ("location", "/page")], Some(Reason::SelfRedirect)),
        (302, &[FRESH, ("location", "https://site.test/page")], Some(Reason::SelfRedirect)),
        (302, &[FRESH, ("location", "/other")], None),
        (200, &[FRESH, ("content-length", "5242880")], None),
        (200, &[FRESH, ("content-length", "5242881")], Some(Reason::TooLarge)),
    ] {
        assert_eq!(stored(&plain(), status, fields).err(), refusal, "{status} {fields:?}");
    }
}

#[test]
fn an_error_to_a_clients_own_condition_is_for_that_client_alone() {
    let conditions = [
        ("if-match", "\"v\""),
        ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("if-none-match", "\"v\""),
        ("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("range", "bytes=0-1"),
        ("if-range", "\"v\""),
    ];
    for condition in conditions {
        for (status, refusal) in [
            (200, None),
            (399, None),
            (400, Some(Reason::Conditional)),
            (404, Some(Reason::Conditional)),
            (500, Some(Reason::Conditional)),
        ] {
            let found = answered(&plain(), &[condition], status, &[FRESH]);
            assert_eq!(found.err(), refusal, "{condition:?} {status}");
        }
    }
}

#[test]
fn a_force_route_stores_200_and_203_and_what_its_policy_names() {
    let force = policy(&json!({ "cache": "force", "ttl": 60, "status_ttl": { "404": 5 } }));
    for status in 200..600 {
        let found = stored(&force, status, &[FRESH]).is_ok();
        assert_eq!(found, [200, 203, 404].contains(&status), "{status}");
    }
}

#[test]
fn an_answer_to_authorization_needs_a_word_for_it() {
    // RFC 9111 §3.5
    let asked = [("authorization", "Basic x")];
    for (control, refusal) in [
        ("max-age=60", Some(Reason::Authorization)),
        ("max-age=60, public", None),
        ("max-age=60, must-revalidate", None),
        ("s-maxage=60", None),
        ("max-age=60, s-maxage=soon", Some(Reason::Authorization)),
        ("max-age=60, public=yes", Some(Reason::Authorization)),
    ] {
        let found = answered(&plain(), &asked, 200, &[("cache-control", control)]);
        assert_eq!(found.err(), refusal, "{control}");
    }
    let force = policy(&json!({ "cache": "force", "ttl": 60 }));
    assert_eq!(looked_up(&force, "/page", &asked).err(), Some(Reason::Authorization));
}

#[test]
fn an_answer_to_a_cookie_that_is_not_in_the_key_needs_a_word_for_it() {
    for (cookie, fields, refusal) in [
        ("sid=1", &[FRESH][..], Some(Reason::CookieUnclassified)),
        ("sid=1", &[("cache-control", "public, max-age=60")], None),
        ("sid=1", &[("cache-control", "s-maxage=60")], None),
        ("sid=1", &[("cdn-cache-control", "max-age=60")], None),
        ("sid=1", &[("cache-control", "public, max-age=60"), ("vary", "Cookie")], Some(Reason::VaryCookie)),
        ("_ga=1", &[FRESH], None),
        ("_ga=1; _gid=2", &[FRESH, ("vary", "Cookie")], None),
        ("_ga=1; sid=2", &[FRESH], Some(Reason::CookieUnclassified)),
    ] {
        let found = answered(&plain(), &[("cookie", cookie)], 200, fields);
        assert_eq!(found.err(), refusal, "{cookie} {fields:?}");
    }
}

#[test]
fn vary_cookie_is_satisfied_by_cookies_in_the_key_and_by_none() {
    let vary = [FRESH, ("vary", "Cookie")];
    let force = policy(&json!({ "cache": "force", "ttl": 60 }));
    assert_eq!(stored(&force, 200, &vary).err(), Some(Reason::VaryCookie));
    let keyed = policy(&json!({ "cache": "force", "ttl": 60, "vary_cookie": ["sid"] }));
    assert!(answered(&keyed, &[("cookie", "sid=1")], 200, &vary).is_ok());
    assert!(stored(&plain(), 200, &vary).is_ok(), "filled without cookies");
}

#[test]
fn private_is_for_one_user_and_stays_in_that_users_variant() {
    let fields = [("cache-control", "private, max-age=60")];
    let own = policy(&json!({ "vary_cookie": ["sid"], "store_private": true }));
    for (policy, cookie, refusal) in [
        (&own, "sid=1", None),
        (&own, "other=1", Some(Reason::Private)),
        (&policy(&json!({ "vary_cookie": ["sid"] })), "sid=1", Some(Reason::Private)),
    ] {
        assert_eq!(answered(policy, &[("cookie", cookie)], 200, &fields).err(), refusal, "{cookie}");
    }
}

#[test]
fn a_field_that_the_origin_never_sees_cannot_tell_variants_apart() {
    for (policy, vary, refusal) in [
        (plain(), "Accept-Encoding", None),
        (plain(), "Accept-Language, User-Agent", None),
        (plain(), "X-Forwarded-Host", None),
        (plain(), "CF-IPCountry", Some(Reason::VaryUnkeyed)),
        (plain(), "Authorization", Some(Reason::VaryUnkeyed)),
        (policy(&json!({ "cache": "force", "ttl": 60 })), "Accept-Language", Some(Reason::VaryUnkeyed)),
        (
            policy(&json!({ "cache": "force", "ttl": 60, "vary_header": { "Accept-Language": ["en"] } })),
            "Accept-Language",
            None,
        ),
        (policy(&json!({ "cache": "force", "ttl": 60, "vary_header": { "Origin": "ignore" } })), "origin", None),
        (policy(&json!({ "forward_header": ["X-L"] })), "X-L", None),
    ] {
        assert_eq!(stored(&policy, 200, &[FRESH, ("vary", vary)]).err(), refusal, "{vary}");
    }
}

#[test]
fn a_type_that_does_not_fit_the_extension_is_a_page_in_disguise() {
    let armoured = policy(&json!({ "match_type": true }));
    let fits = |path: &str, media_type: &str| {
        let lookup = looked_up(&armoured, path, &[]).expect("it is looked up");
        let fields = [FRESH, ("content-type", media_type)];
        let fields = if media_type.is_empty() { &fields[..1] } else { &fields[..] };
        storability(&response(200, fields), asking(&lookup, &armoured, FETCHED)).is_ok()
    };
    for (path, media_type, expected) in [
        ("/a.css", "text/css", true),
        ("/a.css", "text/css; charset=utf-8", true),
        ("/a.CSS", "TEXT/CSS", true),
        ("/a.css", "text/html", false),
        ("/a.css", "", false),
        ("/a.js", "application/javascript", true),
        ("/a.js", "text/html; charset=utf-8", false),
        ("/a.png", "image/webp", true),
        ("/a.png", "application/octet-stream", false),
        ("/a.woff2", "font/woff2", true),
        ("/a.unknown", "application/x-thing", true),
        ("/a.unknown", "text/html", false),
        ("/a.tar.gz", "application/gzip", true),
        ("/account", "text/html", true),
        ("/v1.2/account", "text/html", true),
        ("/account.", "text/html", true),
    ] {
        assert_eq!(fits(path, media_type), expected, "{path} {media_type}");
    }
}
