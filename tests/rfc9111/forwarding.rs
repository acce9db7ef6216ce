//! What reaches the origin, and so what is in the key.

use std::rc::Rc;

use larder::fields::{Cookie, Cookies};
use larder::forward::{Class, class_of, pass_through};
use larder::key::CacheKey;
use larder::reason::Reason;
use serde_json::{Value, json};

use super::given::{looked_up, plain, policy, request};
use crate::support::{headers, test};

fn key(site: &Value, path: &str, fields: &[(&str, &str)]) -> CacheKey {
    looked_up(&policy(site), path, fields).expect("it is looked up").key
}

fn sent(site: &Value, path: &str, fields: &[(&str, &str)], name: &str) -> Option<String> {
    let lookup = looked_up(&policy(site), path, fields).expect("it is looked up");
    lookup.headers().get(name).map(|value| value.to_str().expect("text").to_owned())
}

fn refusal(site: &Value, fields: &[(&str, &str)]) -> Option<Reason> {
    looked_up(&policy(site), "/page", fields).err()
}

#[test]
fn a_cookie_is_read_strictly_or_not_at_all() {
    for (line, expected) in [
        ("sid=alice", Cookie::Value("alice")),
        ("a=1; sid=alice", Cookie::Value("alice")),
        ("a=1;sid=alice", Cookie::Value("alice")),
        ("sid=", Cookie::Value("")),
        ("sid=\"alice\"", Cookie::Value("\"alice\"")),
        ("a=1", Cookie::Absent),
        ("SID=alice", Cookie::Absent),
        ("xsid=alice", Cookie::Absent),
        ("", Cookie::Absent),
        ("sid=a; sid=b", Cookie::Unclear),
        ("sid", Cookie::Unclear),
        ("sid =alice", Cookie::Unclear),
        ("sid= alice", Cookie::Unclear),
        ("sid=alice ; a=1", Cookie::Unclear),
        ("a=1;  sid=alice", Cookie::Unclear),
        ("sid=a,b", Cookie::Unclear),
        ("a=1, sid=alice", Cookie::Unclear),
        ("$Version=1; sid=alice", Cookie::Unclear),
        ("sid=caf\u{fffd}", Cookie::Unclear),
        ("sid=a\\b", Cookie::Unclear),
        ("sid=\"a", Cookie::Unclear),
    ] {
        assert_eq!(Cookies::of(&headers(&[("cookie", line)])).find("sid"), expected, "{line}");
    }
    let long = format!("sid={}", "x".repeat(4097));
    assert_eq!(Cookies::of(&headers(&[("cookie", &long)])).find("sid"), Cookie::Unclear);
    let twice = headers(&[("cookie", "sid=a"), ("cookie", "b=1")]);
    assert_eq!(Cookies::of(&twice).find("sid"), Cookie::Unclear);
}

#[test]
fn only_keyed_cookies_reach_the_origin_of_a_force_route() {
    let cookies = [("cookie", "_ga=1; sid=alice; csrftoken=x; plan=pro")];
    for (site, expected) in [
        (json!({ "cache": "force", "ttl": 60 }), None),
        (json!({ "cache": "force", "ttl": 60, "vary_cookie": ["sid"] }), Some("sid=alice")),
        (json!({ "vary_cookie": ["sid"] }), Some("sid=alice")),
        (json!({ "cookie_class": { "plan": ["free", "pro"] } }), Some("plan=pro")),
        (json!({ "cookie_class": { "sid": "present" } }), None),
        (json!({}), Some("sid=alice; csrftoken=x; plan=pro")),
        (json!({ "ignore_cookie": ["*"] }), None),
    ] {
        assert_eq!(sent(&site, "/page", &cookies, "cookie").as_deref(), expected, "{site}");
    }
    assert_eq!(
        sent(&json!({ "cookie_class": { "sid": "present" } }), "/page", &cookies, "larder-class").as_deref(),
        Some("sid=present")
    );
}

#[test]
fn the_key_tells_identities_apart_and_nothing_else() {
    let site = json!({ "cache": "force", "ttl": 60, "vary_cookie": ["sid"] });
    let of = |cookie: &'static str| key(&site, "/page", &[("cookie", cookie)]);
    assert_eq!(of("sid=alice"), of("_ga=1; sid=alice; other=2"));
    assert_eq!(of("other=2"), key(&site, "/page", &[]));
    for (one, other) in [("sid=alice", "sid=bob"), ("sid=alice", "x=1"), ("sid=", "x=1"), ("sid=a", "sid=A")] {
        assert_ne!(of(one), of(other), "{one} and {other}");
    }
    let classes = json!({ "cookie_class": { "sid": "present" } });
    let of = |cookie: &'static str| key(&classes, "/page", &[("cookie", cookie)]);
    assert_eq!(of("sid=alice"), of("sid=bob"));
    assert_ne!(of("sid=alice"), of("x=1"));
    let classes = json!({ "cookie_class": { "plan": ["absent", "free"] } });
    let of = |cookie: &'static str| key(&classes, "/page", &[("cookie", cookie)]);
    assert_ne!(of("plan=absent"), of("x=1"), "what it is called does not make it so");
}

#[test]
fn without_an_identity_key_nothing_is_keyed_by_identity() {
    let policy = policy(&json!({ "vary_cookie": ["sid"] }));
    let selected = larder::policy::Selected { policy: &policy, lists_method: true };
    for secret in [None, Some("")] {
        let keys = larder::forward::IdentityKeys::new(secret, None);
        let found = larder::forward::plan(&Rc::new(request("/page", &[])), selected, false, "", &keys);
        assert_eq!(found.err(), Some(Reason::IdentityKeyMissing));
    }
}

#[test]
fn while_the_identity_key_changes_the_old_one_still_finds() {
    let policy = policy(&json!({ "vary_cookie": ["sid"] }));
    let selected = larder::policy::Selected { policy: &policy, lists_method: true };
    let plan = |current, previous| {
        let keys = larder::forward::IdentityKeys::new(Some(current), previous);
        larder::forward::plan(&Rc::new(request("/page", &[("cookie", "sid=alice")])), selected, false, "", &keys)
            .expect("it is looked up")
    };
    assert_eq!(plan("new", Some("old")).previous_key, Some(plan("old", None).key));
    assert_ne!(plan("new", None).key, plan("old", None).key);
}

#[test]
fn a_request_passes_for_a_reason() {
    let force = json!({ "cache": "force", "ttl": 60 });
    for (site, fields, expected) in [
        (json!({ "cache": "pass" }), &[][..], Some(Reason::RoutePass)),
        (json!({ "bypass_cookie": ["draft*"] }), &[("cookie", "draft_1=x")], Some(Reason::BypassCookie)),
        (force.clone(), &[("authorization", "Basic x")], Some(Reason::Authorization)),
        (json!({}), &[("authorization", "Basic x")], None),
        (json!({ "vary_cookie": ["sid"] }), &[("cookie", "sid=a; sid=b")], Some(Reason::IdentityUnclear)),
        (json!({ "cookie_class": { "plan": ["free"] } }), &[("cookie", "plan=pro")], Some(Reason::ClassUnlisted)),
        (json!({}), &[("x-requested-with", "XMLHttpRequest")], Some(Reason::Representation)),
        (force.clone(), &[("hx-request", "true")], Some(Reason::Representation)),
        (json!({ "vary_header": { "HX-Request": "raw" } }), &[("hx-request", "true")], None),
        (json!({ "vary_header": { "X-Preview": "bypass" } }), &[("x-preview", "1")], Some(Reason::HeaderBypass)),
        (json!({ "vary_header": { "X-Raw": "raw" } }), &[("x-raw", "a\u{fffd}")], Some(Reason::IdentityUnclear)),
        (json!({}), &[("x-unheard-of", "1")], Some(Reason::HeaderUnclassified)),
        (json!({ "forward_header": ["x-unheard-*"] }), &[("x-unheard-of", "1")], None),
        (force, &[("x-unheard-of", "1")], None),
    ] {
        assert_eq!(refusal(&site, fields), expected, "{site} {fields:?}");
    }
}

#[test]
fn a_force_route_forwards_what_is_in_the_key_and_what_the_visitor_is() {
    let site = json!({ "cache": "force", "ttl": 60, "vary_header": { "Accept-Language": ["en", "de"] } });
    let fields = [
        ("accept", "application/json"),
        ("accept-language", "fr, de-AT;q=0.9"),
        ("accept-encoding", "br;q=0"),
        ("user-agent", "sqlmap"),
        ("referer", "x"),
        ("origin", "https://evil.test"),
        ("if-none-match", "*"),
        ("range", "bytes=0-0"),
        ("x-forwarded-host", "evil.test"),
        ("x-original-url", "/evil"),
        ("x-http-method-override", "DELETE"),
        ("forwarded", "host=evil"),
        ("cf-ipcountry", "DE"),
        ("content-type", "x"),
        ("x-unheard-of", "1"),
        ("surrogate-control", "x"),
        ("larder-debug", "x"),
        ("traceparent", "x"),
        ("expect", "x"),
        ("max-forwards", "0"),
    ];
    let lookup = looked_up(&policy(&site), "/page", &fields).expect("it is looked up");
    let mut names: Vec<_> =
        lookup.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect();
    names.sort();
    let expected = [
        "accept-encoding: gzip",
        "accept-language: de",
        "surrogate-capability: larder=\"Surrogate/1.0\"",
        "x-forwarded-host: site.test",
        "x-forwarded-proto: https",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_plain_route_forwards_what_browsers_send_and_drops_what_pretends() {
    for (name, value, expected) in [
        ("accept", "text/html", Some("text/html")),
        ("user-agent", "x", Some("x")),
        ("if-none-match", "\"a\"", Some("\"a\"")),
        ("range", "bytes=0-1", Some("bytes=0-1")),
        ("authorization", "Basic x", Some("Basic x")),
        ("traceparent", "x", Some("x")),
        ("sec-fetch-mode", "navigate", Some("navigate")),
        ("x-forwarded-host", "evil.test", Some("site.test")),
        ("x-forwarded-for", "1.2.3.4", None),
        ("x-rewrite-url", "/evil", None),
        ("cf-connecting-ip", "1.2.3.4", None),
        ("content-type", "x", None),
        ("accept-encoding", "br;q=0", Some("gzip")),
    ] {
        assert_eq!(sent(&json!({}), "/page", &[(name, value)], name).as_deref(), expected, "{name}");
    }
}

#[test]
fn parameters_that_do_not_matter_are_neither_keyed_nor_sent() {
    let site = json!({ "query": { "ignore": ["utm_*", "gclid"] } });
    let target =
        |query: &str| looked_up(&policy(&site), &format!("/page{query}"), &[]).expect("it is looked up").url().target();
    for (query, expected) in [
        ("?utm_source=x", "/page"),
        ("?a=1&utm_source=x;cb=evil&b=2", "/page?a=1&b=2"),
        ("?utm_content='/><script>", "/page"),
        ("?%75tm_content=evil", "/page"),
        ("?UTM_CONTENT=evil", "/page?UTM_CONTENT=evil"),
        ("?utm_x=1?cb=evil", "/page"),
        ("??cb=evil", "/page??cb=evil"),
        ("?a=1", "/page?a=1"),
        ("?", "/page?"),
    ] {
        assert_eq!(target(query), expected, "{query}");
    }
    let sorted = json!({ "query": { "sort": true } });
    let target = |query: &str| {
        looked_up(&policy(&sorted), &format!("/page{query}"), &[]).expect("it is looked up").url().target()
    };
    assert_eq!(target("?b=2&a=1"), "/page?a=1&b=2");
    assert_eq!(target("?a[]=2&b&a[]=1"), "/page?a[]=2&a[]=1&b", "parameters of one name keep their order");
    let kept = json!({ "query": { "keep": ["page"] } });
    let lookup = looked_up(&policy(&kept), "/page?x=1&page=2&y", &[]).expect("it is looked up");
    assert_eq!(lookup.url().target(), "/page?page=2");
}

#[test]
fn a_passed_request_goes_through_whole_but_for_what_is_ours() {
    let fields = [
        ("cookie", "a=1"),
        ("cookie", "b=2"),
        ("authorization", "Basic x"),
        ("x-unheard-of", "1"),
        ("accept-encoding", "br"),
        ("larder-debug", "token"),
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-for", "1.2.3.4"),
        ("host", "site.test"),
    ];
    let passed = pass_through(&request("/page", &fields), None);
    let mut names: Vec<_> =
        passed.iter().map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect();
    names.sort();
    let expected = [
        "accept-encoding: br",
        "authorization: Basic x",
        "cookie: a=1; b=2",
        "x-forwarded-for: 1.2.3.4",
        "x-forwarded-host: site.test",
        "x-forwarded-proto: https",
        "x-unheard-of: 1",
    ];
    assert_eq!(names, expected);
}

#[test]
fn every_field_has_one_class() {
    for (name, expected) in [
        ("cookie", Class::Cookie),
        ("authorization", Class::Credentials),
        ("sec-ch-ua-platform", Class::Negotiation),
        ("x-b3-traceid", Class::Tracing),
        ("next-router-prefetch", Class::Representation),
        ("x-nextjs-data", Class::Representation),
        ("x-forwarded-scheme", Class::Routing),
        ("cf-ray", Class::Platform),
        ("content-length", Class::Content),
        ("larder-anything", Class::Own),
        ("x-anything", Class::Unknown),
    ] {
        assert_eq!(class_of(&http::HeaderName::from_static(name)), expected, "{name}");
    }
    assert_eq!(looked_up(&plain(), "/page", &[]).expect("it is looked up").headers().len(), 4);
}
