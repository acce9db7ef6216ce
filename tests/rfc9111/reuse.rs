//! What is done with a stored response, to the second and with its reason (RFC 9111 §4, §4.2.4, RFC 5861).

use http::{HeaderMap, Method};
use larder::cache::reuse::Reuse::{self, Complete, Fresh, Refuse, Stale, Validate};
use larder::cache::reuse::{Purged, Question, decide};
use larder::fields::{Forward, RequestDirectives, Seconds, Timestamp};
use larder::message::Wanted;
use larder::policy::Policy;
use larder::reason::Reason;
use serde_json::json;

use super::given::{head, plain, policy};
use crate::support::{NOW, headers, test};

/// A question that demands nothing.
fn plainly(headers: &HeaderMap, after: u64) -> Question<'_> {
    Question {
        wanted: Wanted { method: &Method::GET, headers },
        directives: RequestDirectives::default(),
        authorized: false,
        purged: None,
        now: Timestamp::from_millis(NOW.as_millis() + after * 1000),
    }
}

fn fresh(age: u64, ttl: i64) -> Reuse {
    Fresh { age: Seconds::new(age), ttl }
}

fn stale(age: u64, ttl: i64, reason: Reason) -> Reuse {
    Stale { age: Seconds::new(age), ttl, reason }
}

const fn validate(reason: Option<Reason>, if_error: bool) -> Reuse {
    Validate { forward: Forward::Stale, reason, if_error }
}

/// Because the client wants it.
const DEMANDED: Reuse = Validate { forward: Forward::Request, reason: Some(Reason::RequestDirective), if_error: false };

#[test]
fn each_window_ends_at_its_second() {
    let windows = policy(&json!({ "stale_while_revalidate": 10, "stale_if_error": 20 }));
    let entry = head(&windows, 200, &[("cache-control", "max-age=60")]);
    let purged = Some(Reason::Purged);
    for (after, unpurged, softly) in [
        (0, fresh(0, 60), validate(purged, true)),
        (59, fresh(59, 1), validate(purged, true)),
        (60, stale(60, 0, Reason::StaleWhileRevalidate), validate(purged, true)),
        (69, stale(69, -9, Reason::StaleWhileRevalidate), validate(purged, true)),
        (70, validate(None, true), validate(purged, true)),
        (79, validate(None, true), validate(purged, true)),
        (80, validate(None, false), validate(purged, false)),
        (81, validate(None, false), validate(purged, false)),
    ] {
        let nothing = HeaderMap::new();
        let question = plainly(&nothing, after);
        assert_eq!(decide(&entry, &windows, &question), unpurged, "after {after} s");
        for (how, expected) in [(Purged::Soft, softly), (Purged::Hard, Refuse(Reason::Purged))] {
            let found = decide(&entry, &windows, &Question { purged: Some(how), ..question });
            assert_eq!(found, expected, "{how:?} after {after} s");
        }
    }
}

#[test]
fn a_demand_of_the_client_is_met_and_says_so() {
    // RFC 9111 §5.2.1, RFC 8246 §2
    let windows = policy(&json!({ "stale_while_revalidate": 10 }));
    for (policy, stored, asked, after, expected) in [
        (&plain(), "max-age=60", "max-age=5", 5, fresh(5, 55)),
        (&plain(), "max-age=60", "max-age=5", 6, DEMANDED),
        (&plain(), "max-age=60", "min-fresh=50", 10, fresh(10, 50)),
        (&plain(), "max-age=60", "min-fresh=50", 11, DEMANDED),
        (&plain(), "max-age=60", "no-cache", 0, DEMANDED),
        (&plain(), "max-age=60", "max-stale=5", 65, stale(65, -5, Reason::MaxStale)),
        (&plain(), "max-age=60", "max-stale=5", 66, validate(None, false)),
        (&plain(), "max-age=60, must-revalidate", "max-stale=5", 61, validate(None, false)),
        (&windows, "max-age=60", "max-stale=5", 61, stale(61, -1, Reason::MaxStale)),
        (&windows, "max-age=60", "max-stale=5", 66, stale(66, -6, Reason::StaleWhileRevalidate)),
        (&plain(), "max-age=60, immutable", "max-age=0", 59, fresh(59, 1)),
        (&plain(), "max-age=60, immutable", "max-age=0", 60, DEMANDED),
        (&plain(), "max-age=60, immutable", "max-age=0", 61, DEMANDED),
        (&plain(), "max-age=60, immutable", "max-age=1", 2, DEMANDED),
        (&plain(), "max-age=60", "max-age=0", 1, DEMANDED),
        (&plain(), "max-age=60", "max-age=0", 0, fresh(0, 60)),
        (&plain(), "max-age=60, no-cache", "max-stale", 1, validate(Some(Reason::NoCache), false)),
    ] {
        let entry = head(policy, 200, &[("cache-control", stored), ("etag", "\"v\"")]);
        let directives = RequestDirectives::read(&headers(&[("cache-control", asked)]));
        let nothing = HeaderMap::new();
        let found = decide(&entry, policy, &Question { directives, ..plainly(&nothing, after) });
        assert_eq!(found, expected, "{stored}; asked {asked} after {after} s");
    }
}

#[test]
fn what_is_not_for_this_request_is_left_alone() {
    // RFC 9111 §3.5
    let entry = |control: &str| head(&plain(), 200, &[("cache-control", control)]);
    for (control, authorized, expected) in [
        ("max-age=60", false, fresh(1, 59)),
        ("max-age=60", true, Refuse(Reason::Authorization)),
        ("max-age=60, public", false, fresh(1, 59)),
        ("max-age=60, public", true, fresh(1, 59)),
    ] {
        let nothing = HeaderMap::new();
        let found = decide(&entry(control), &plain(), &Question { authorized, ..plainly(&nothing, 1) });
        assert_eq!(found, expected, "{control}, authorized: {authorized}");
    }
    let nothing = HeaderMap::new();
    let tightened = Policy { fingerprint: plain().fingerprint + 1, ..(*plain()).clone() };
    let found = decide(&entry("max-age=60"), &tightened, &plainly(&nothing, 1));
    assert_eq!(found, Refuse(Reason::PolicyChanged));
}

#[test]
fn a_part_answers_for_itself_and_is_completed_for_more() {
    // RFC 9111 §3.3
    let part = |status| head(&plain(), status, &[("cache-control", "max-age=60"), ("content-range", "bytes 4-9/10")]);
    for (status, range, after, purged, expected) in [
        (206, "bytes=4-5", 1, None, fresh(1, 59)),
        (206, "bytes=0-5", 1, None, Complete { fresh: true }),
        (206, "", 1, None, Complete { fresh: true }),
        (206, "", 61, None, Complete { fresh: false }),
        (206, "bytes=4-5", 61, None, validate(None, false)),
        (206, "", 1, Some(Purged::Hard), Refuse(Reason::Purged)),
        (206, "", 1, Some(Purged::Soft), Complete { fresh: false }),
        (200, "", 1, None, fresh(1, 59)),
        (200, "bytes=0-5", 1, None, fresh(1, 59)),
    ] {
        let asked = if range.is_empty() { headers(&[]) } else { headers(&[("range", range)]) };
        let found = decide(&part(status), &plain(), &Question { purged, ..plainly(&asked, after) });
        assert_eq!(found, expected, "{status}, asked for {range:?} after {after} s, purged: {purged:?}");
    }
}
