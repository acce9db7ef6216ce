//! Fields for this cache alone (RFC 9213; Edge Architecture).

use larder::cache::freshness::lifetime;
use larder::cache::read_terms;
use larder::fields::Seconds;
use larder::reason::Reason;

use super::given::{FETCHED, plain, response, stored};
use crate::support::test;

fn lifetime_of(fields: &[(&str, &str)]) -> Option<u32> {
    let response = response(200, fields);
    let (terms, _) = read_terms(response.status, &response.headers, FETCHED);
    lifetime(&terms, response.status, &plain()).map(Seconds::get)
}

const CC: &str = "cache-control";
const CDN: &str = "cdn-cache-control";
const OWN: &str = "larder-cache-control";
const SURROGATE: &str = "surrogate-control";

#[test]
fn the_most_specific_valid_field_counts_alone() {
    for (fields, expected) in [
        (&[(CDN, "max-age=60")][..], Some(60)),
        (&[(CC, "max-age=1"), (CDN, "max-age=60")], Some(60)),
        (&[(CC, "max-age=60"), (CDN, "max-age=1")], Some(1)),
        (&[(CC, "no-store"), (CDN, "max-age=60")], Some(60)),
        (&[(CDN, "max-age=60"), (OWN, "max-age=5")], Some(5)),
        (&[(SURROGATE, "max-age=5"), (CDN, "max-age=60")], Some(60)),
        (&[(SURROGATE, "max-age=5"), (CC, "max-age=60")], Some(5)),
        (&[(CDN, "max-age=60"), ("expires", "Sat, 05 Nov 1994 08:49:37 GMT")], Some(60)),
        (&[(CDN, "max-age=0"), ("expires", "Sun, 06 Nov 1994 18:49:37 GMT")], Some(0)),
        (&[(CDN, "public"), (CC, "max-age=60")], None),
        // Structured fields, RFC 9651: what does not parse is as if it were not there.
        (&[(CC, "max-age=60"), (CDN, "max-age=1, &&&&&")], Some(60)),
        (&[(CC, "max-age=60"), (CDN, "max-age=\"1\"")], Some(60)),
        (&[(CC, "max-age=60"), (CDN, "max-age=1.5")], Some(60)),
        (&[(CC, "max-age=60"), (CDN, "MaX-aGe=1")], Some(60)),
        (&[(CC, "max-age=60"), (CDN, "max-age =1")], Some(60)),
        (&[(CC, "max-age=60"), (CDN, "")], Some(60)),
        (&[(CDN, "foobar, max-age=60")], Some(60)),
        (&[(CDN, "max-age=60;x=y")], Some(60)),
        (&[(CDN, "max-age=1"), (CDN, "max-age=60")], Some(60)),
        (&[(CDN, "max-age=99999999999")], Some(2_147_483_648)),
        (&[(CDN, "max-age=-5"), (CC, "max-age=60")], Some(60)),
    ] {
        assert_eq!(lifetime_of(fields), expected, "{fields:?}");
    }
}

#[test]
fn a_restriction_in_it_is_a_restriction() {
    for (fields, expected) in [
        (&[(CC, "max-age=60"), (CDN, "no-store")][..], Reason::NoStore),
        (&[(CC, "max-age=60"), (CDN, "private")], Reason::Private),
        (&[(CC, "max-age=60"), (CDN, "private=\"x\"")], Reason::Private),
        (&[(CC, "max-age=60"), (CDN, "max-age=60, no-store=1")], Reason::NoStore),
        (&[(CC, "max-age=60"), (SURROGATE, "no-store")], Reason::NoStore),
        (&[(CC, "max-age=60"), (OWN, "no-cache")], Reason::NoFreshness),
    ] {
        assert_eq!(stored(&plain(), 200, fields).err(), Some(expected), "{fields:?}");
    }
    assert!(stored(&plain(), 200, &[(CDN, "max-age=60, no-store=?0")]).is_ok(), "it says that it does not apply");
}

#[test]
fn surrogate_control_counts_if_it_says_something_and_is_meant_for_us() {
    for (fields, expected) in [
        (&[(SURROGATE, "max-age=60")][..], Some(60)),
        (&[(SURROGATE, "MaX-aGe=60")], Some(60)),
        (&[(SURROGATE, "max-age=60;larder")], Some(60)),
        (&[(SURROGATE, "max-age=60;another")], None),
        (&[(SURROGATE, "max-age=5;another, max-age=60")], Some(60)),
        (&[(SURROGATE, "content=\"ESI/1.0\""), (CC, "max-age=60")], Some(60)),
        (&[(SURROGATE, "content=\"ESI/1.0\", max-age=5"), (CC, "max-age=60")], Some(5)),
        (&[(SURROGATE, "max-age=5+60")], Some(5)),
        (&[(SURROGATE, "max-age =100"), (CC, "max-age=60")], Some(0)),
    ] {
        assert_eq!(lifetime_of(fields), expected, "{fields:?}");
    }
    let response = response(200, &[(SURROGATE, "max-age=5+60")]);
    let (terms, _) = read_terms(response.status, &response.headers, FETCHED);
    assert_eq!(terms.stale_while_revalidate, Some(Seconds::new(60)));
}
