//! The canonical URL (RFC 3986 §6.2.2), and what a looser reader could see in it.

use larder::url::{CanonicalUrl, UrlError, looser_readings};

use crate::support::test;

fn canonical(raw: &str) -> Result<String, UrlError> {
    CanonicalUrl::parse(raw, None).map(|url| url.to_string())
}

#[test]
fn what_can_be_written_in_two_ways_is_written_in_one() {
    for (raw, expected) in [
        ("http://site.test/a", "http://site.test/a"),
        ("HTTP://SITE.Test:80/a", "http://site.test/a"),
        ("https://site.test:443", "https://site.test/"),
        ("https://site.test:8443/a", "https://site.test:8443/a"),
        ("http://[::1]:80/a", "http://[::1]/a"),
        ("http://[::1]:81/a", "http://[::1]:81/a"),
        ("http://site.test/%61%7e%2D", "http://site.test/a~-"),
        ("http://site.test/a%2fb%c3%a9", "http://site.test/a%2Fb%C3%A9"),
        ("http://site.test/é", "http://site.test/%C3%A9"),
        ("http://site.test/a/./b/../c", "http://site.test/a/c"),
        ("http://site.test/a/%2e%2E/c", "http://site.test/c"),
        ("http://site.test/../..", "http://site.test/"),
        ("http://site.test/a/..", "http://site.test/"),
        ("http://site.test/a/.", "http://site.test/a/"),
        ("http://site.test//a//b", "http://site.test//a//b"),
        ("http://site.test/a\\..\\b", "http://site.test/a%5C..%5Cb"),
        ("http://site.test/{a}|^\"<>`", "http://site.test/%7Ba%7D|%5E%22%3C%3E%60"),
        ("http://site.test/a?b='%27c d\"", "http://site.test/a?b=%27%27c%20d%22"),
        ("http://site.test/a?%75tm=1", "http://site.test/a?utm=1"),
        ("http://site.test/a?", "http://site.test/a?"),
        ("http://site.test?b", "http://site.test/?b"),
        ("http://site.test/a#x?y", "http://site.test/a"),
        ("http://site.test/a?b#c", "http://site.test/a?b"),
        ("http://site.test/a%23x", "http://site.test/a%23x"),
        ("http://site.test/%zz%", "http://site.test/%zz%"),
    ] {
        assert_eq!(canonical(raw).as_deref(), Ok(expected), "{raw}");
        assert_eq!(canonical(expected).as_deref(), Ok(expected), "canonical is canonical: {raw}");
    }
    assert!(CanonicalUrl::parse("http://site.test/%zz", None).expect("a URL").malformed);
    assert!(!CanonicalUrl::parse("http://site.test/%25zz", None).expect("a URL").malformed);
}

#[test]
fn a_host_that_is_none_is_refused() {
    for (raw, host) in [
        ("http://a@b/v", None),
        ("http:///v", None),
        ("ftp://site.test/", None),
        ("/v", None),
        ("http://site.test:99999/", None),
        ("http://site.test:0/", None),
        ("http://site.test:+80/", None),
        ("http://sité.test/", None),
        ("http://[::1/", None),
        ("http://[::1]x/", None),
        ("http://site.test/x?y#z/pub/a", Some("site.test/x?y#z")),
        ("http://site.test/a", Some("site.test, other.test")),
        ("http://site.test/a", Some("other.test")),
        ("http://site.test/a", Some("")),
    ] {
        assert!(CanonicalUrl::parse(raw, host).is_err(), "{raw} {host:?}");
    }
    assert!(CanonicalUrl::parse("http://site.test/a", Some("SITE.test:80")).is_ok());
}

#[test]
fn a_looser_reader_sees_what_it_would() {
    for (path, reading) in [
        ("/account%2F..%2Fstatic/x", "/static/x"),
        ("/account/..%2Fstatic/x.css", "/static/x.css"),
        ("/a%5C..%5Cb", "/b"),
        ("/pub//a", "/pub/a"),
        ("/a%252f..%252fb", "/b"),
        ("/account;x.css", "/account"),
        ("/account%3Bx.css", "/account"),
        ("/account%00x.css", "/account"),
        ("/pub/..%00/account", "/"),
        ("/account%0Ax.css", "/account"),
        ("/account%23x.css", "/account"),
        ("/account%3Fx.css", "/account"),
        ("/account!x.css", "/account"),
        ("/account,x.css", "/account"),
        ("/account~x.css", "/account"),
        ("/account%26x.css", "/account"),
        ("/a;p=1/b;q=2", "/a/b"),
        ("/_larder%2Fpurge", "/_larder/purge"),
    ] {
        assert!(looser_readings(path).iter().any(|found| found == reading), "{path}: {:?}", looser_readings(path));
    }
    for path in ["/", "/a/b.css", "/a-b_c.d", "/a/b/"] {
        assert!(looser_readings(path).is_empty(), "{path}");
    }
}
