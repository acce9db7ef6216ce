//! Freshness lifetimes and stale windows (RFC 9111 §4.2, RFC 5861).

use http::{HeaderMap, Method};
use larder::cache::freshness::{StaleWindows, lifetime, with_jitter};
use larder::cache::read_terms;
use larder::cache::reuse::{Question, Reuse, decide};
use larder::fields::{RequestDirectives, Seconds, Timestamp};
use larder::message::Wanted;
use serde_json::{Value, json};

use super::given::{FETCHED, head, plain, policy, response};
use crate::support::{NOW, headers, test};

const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
const IN_A_MINUTE: &str = "Sun, 06 Nov 1994 08:50:37 GMT";
const A_DAY_AGO: &str = "Sat, 05 Nov 1994 08:49:37 GMT";

fn lifetime_of(site: &Value, status: u16, fields: &[(&str, &str)]) -> Option<u32> {
    let response = response(status, fields);
    let (terms, _) = read_terms(response.status, &response.headers, FETCHED);
    lifetime(&terms, response.status, &policy(site)).map(Seconds::get)
}

#[test]
fn s_maxage_comes_before_max_age_and_that_before_expires() {
    // RFC 9111 §4.2.1
    for (fields, expected) in [
        (&[("cache-control", "max-age=60")][..], Some(60)),
        (&[("cache-control", "s-maxage=30, max-age=60")], Some(30)),
        (&[("cache-control", "max-age=0, s-maxage=30")], Some(30)),
        (&[("cache-control", "max-age=10"), ("expires", IN_A_MINUTE), DATE], Some(10)),
        (&[("cache-control", "max-age=10"), ("expires", "0")], Some(10)),
        (&[("expires", IN_A_MINUTE), DATE], Some(60)),
        (&[("expires", IN_A_MINUTE)], Some(60)),
        (&[("expires", IN_A_MINUTE), ("date", "foo")], Some(60)),
        (&[("expires", "Sun, 06 Nov 1994 08:49:37 GMT"), DATE], Some(0)),
        (&[("expires", A_DAY_AGO), DATE], Some(0)),
        (&[("expires", "0"), DATE], Some(0)),
        (&[("expires", "never"), DATE], Some(0)),
        (&[("expires", IN_A_MINUTE), ("expires", IN_A_MINUTE), DATE], Some(0)),
        (&[("cache-control", "max-age=soon"), ("expires", IN_A_MINUTE), DATE], Some(0)),
        (&[("cache-control", "public")], None),
        (&[("pragma", "no-cache"), ("expires", "0"), ("cache-control", "max-age=60")], Some(60)),
        (&[], None),
    ] {
        assert_eq!(lifetime_of(&json!({}), 200, fields), expected, "{fields:?}");
    }
}

#[test]
fn a_policy_gives_clamps_and_guesses() {
    let force = json!({ "cache": "force", "ttl": 300 });
    let modified = ("last-modified", A_DAY_AGO);
    for (site, status, fields, expected) in [
        (&force, 200, &[][..], Some(300)),
        (&force, 203, &[], Some(300)),
        (&force, 404, &[], None),
        (&force, 200, &[("cache-control", "max-age=10")], Some(10)),
        (&json!({ "status_ttl": { "404": 30 } }), 404, &[], Some(30)),
        (&json!({ "status_ttl": { "404": 30 } }), 404, &[("cache-control", "max-age=10")], Some(10)),
        (&json!({ "min_ttl": 60 }), 200, &[("cache-control", "max-age=10")], Some(60)),
        (&json!({ "min_ttl": 60 }), 200, &[("cache-control", "max-age=10, must-revalidate")], Some(10)),
        (&json!({ "min_ttl": 60 }), 200, &[("cache-control", "max-age=10, no-cache")], Some(10)),
        (&json!({ "max_ttl": 60 }), 200, &[("cache-control", "max-age=1000")], Some(60)),
        (&json!({ "heuristic": true }), 200, &[modified, DATE], Some(8640)),
        (&json!({ "heuristic": true }), 201, &[modified, DATE], None),
        (&json!({ "heuristic": true }), 599, &[modified, DATE, ("cache-control", "public")], Some(8640)),
        (&json!({ "heuristic": true }), 200, &[DATE], None),
        (&json!({}), 200, &[modified, DATE], None),
    ] {
        assert_eq!(lifetime_of(site, status, fields), expected, "{site} {status} {fields:?}");
    }
}

#[test]
fn every_status_that_allows_a_guess_gets_one() {
    // RFC 9110 §15.1
    for status in 200..600 {
        let guessed =
            lifetime_of(&json!({ "heuristic": true }), status, &[("last-modified", A_DAY_AGO), DATE]).is_some();
        assert_eq!(guessed, [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501].contains(&status), "{status}");
    }
}

#[test]
fn the_origin_states_the_windows_or_the_policy_does_and_some_directives_close_them() {
    let site = json!({ "stale_while_revalidate": 10, "stale_if_error": 20 });
    for (control, expected) in [
        ("max-age=1", (10, 20)),
        ("max-age=1, stale-while-revalidate=5", (5, 20)),
        ("max-age=1, stale-if-error=0", (10, 0)),
        ("max-age=1, stale-if-error=soon", (10, 0)),
        ("max-age=0", (0, 20)),
        ("max-age=0, stale-while-revalidate=5", (5, 20)),
        ("max-age=1, must-revalidate", (0, 0)),
        ("max-age=1, proxy-revalidate, stale-if-error=60", (0, 0)),
        ("s-maxage=1, stale-while-revalidate=60", (0, 0)),
        ("max-age=1, no-cache", (0, 0)),
    ] {
        let response = response(200, &[("cache-control", control)]);
        let (terms, _) = read_terms(response.status, &response.headers, FETCHED);
        let windows = StaleWindows::of(&terms, &policy(&site));
        assert_eq!((windows.while_revalidate.get(), windows.if_error.get()), expected, "{control}");
    }
}

#[test]
fn jitter_stays_within_its_share() {
    let policy = policy(&json!({}));
    let jittered = |share: f64, draw: f32| {
        let mut policy = (*policy).clone();
        policy.jitter = larder::policy::Share::percent(share);
        with_jitter(Seconds::new(1000), draw, &policy).get()
    };
    for (share, draw, expected) in [
        (20.0, 0.0, 1000),
        (20.0, 1.0, 800),
        (20.0, 0.5, 900),
        (0.0, 1.0, 1000),
        (100.0, 1.0, 0),
        (20.0, f32::NAN, 0),
        (20.0, 2.0, 600),
        (20.0, 5.0, 600),
    ] {
        let found = jittered(share, draw);
        assert!(found == expected || (draw.is_nan() && found <= 1000), "{share} % of {draw}: {found}");
    }
}

#[test]
fn a_response_is_fresh_while_its_lifetime_exceeds_its_age() {
    // RFC 9111 §4.2
    let policy = plain();
    let head = head(&policy, 200, &[("cache-control", "max-age=60"), ("age", "10")]);
    for (after, fresh) in [(0, true), (49, true), (50, false), (1000, false)] {
        let nothing = HeaderMap::new();
        let question = ask(&nothing, RequestDirectives::default(), after);
        assert_eq!(matches!(decide(&head, &policy, &question), Reuse::Fresh { .. }), fresh, "after {after} s");
    }
}

#[test]
fn what_a_client_demands_decides_about_what_it_gets() {
    // RFC 9111 §5.2.1
    let policy = plain();
    let entry = head(&policy, 200, &[("cache-control", "max-age=60")]);
    for (control, after, expected) in [
        ("no-cache", 1, "validate"),
        ("max-age=5", 5, "fresh"),
        ("max-age=5", 6, "validate"),
        ("max-age=0", 1, "validate"),
        ("min-fresh=50", 10, "fresh"),
        ("min-fresh=51", 10, "validate"),
        ("max-stale=10", 70, "stale"),
        ("max-stale=10", 71, "validate"),
        ("max-stale", 10_000, "stale"),
        ("max-stale=10, no-cache", 65, "validate"),
    ] {
        let directives = RequestDirectives::read(&headers(&[("cache-control", control)]));
        let nothing = HeaderMap::new();
        let found = match decide(&entry, &policy, &ask(&nothing, directives, after)) {
            Reuse::Fresh { .. } => "fresh",
            Reuse::Stale { .. } => "stale",
            Reuse::Validate { .. } => "validate",
            Reuse::Complete { .. } => "complete",
            Reuse::Refuse(_) => "refuse",
        };
        assert_eq!(found, expected, "{control} after {after} s");
    }
}

#[test]
fn a_reload_does_not_ask_after_what_is_immutable() {
    // RFC 8246 §2: "SHOULD skip conditionally validating fresh responses ... unless there is a signal from the client"
    let policy = plain();
    for (stored, asked, after, expected) in [
        ("max-age=60, immutable", "max-age=0", 10, "fresh"),
        ("max-age=60, immutable", "no-cache", 10, "validate"),
        ("max-age=60, immutable", "max-age=5", 10, "validate"),
        ("max-age=60, immutable", "max-age=0", 60, "validate"),
        ("max-age=60, immutable, no-cache", "max-age=0", 10, "validate"),
        ("max-age=60, immutable=1", "max-age=0", 10, "validate"),
        ("max-age=60", "max-age=0", 10, "validate"),
    ] {
        let entry = head(&policy, 200, &[("cache-control", stored), ("etag", "\"v\"")]);
        let directives = RequestDirectives::read(&headers(&[("cache-control", asked)]));
        let nothing = HeaderMap::new();
        let reuse = decide(&entry, &policy, &ask(&nothing, directives, after));
        assert_eq!(
            matches!(reuse, Reuse::Fresh { .. }),
            expected == "fresh",
            "{stored}; asked {asked} after {after} s"
        );
    }
}

fn ask(headers: &HeaderMap, directives: RequestDirectives, after: u64) -> Question<'_> {
    let now = Timestamp::from_millis(NOW.as_millis() + after * 1000);
    let wanted = Wanted { method: &Method::GET, headers };
    Question { wanted, directives, authorized: false, purged: None, now }
}
