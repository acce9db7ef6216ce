//! Cache keys ([RFC 9111 §2](https://www.rfc-editor.org/rfc/rfc9111#section-2)): what tells two requests apart, and how a key is written.

use larder::digest::{Framed, sha256};
use larder::key::{CacheKey, KeyParts};
use larder::url::CanonicalUrl;
use serde_json::{Value, json};

use super::given::{policy, url};
use crate::support::test;

/// The key of a page whose URL is all there is to it.
fn plain(url: &CanonicalUrl) -> KeyParts<'_> {
    KeyParts { prefix: "prod", url, identities: Vec::new(), classes: Vec::new(), fields: Vec::new() }
}

#[test]
fn each_part_of_a_key_tells_requests_apart() {
    let (page, other, query, empty) = (url("/page"), url("/pag"), url("/page?a"), url("/page?"));
    let http = CanonicalUrl::parse("http://site.test/page", None).expect("a URL");
    let host = CanonicalUrl::parse("https://site.test:8443/page", None).expect("a URL");
    let digest = Some([7; 32]);
    // Lists of one length whose parts, one after the other, are the same: which list they stand in counts too.
    let cases = [
        ("nothing else", plain(&page)),
        ("prefix", KeyParts { prefix: "staging", ..plain(&page) }),
        ("path", plain(&other)),
        ("query", plain(&query)),
        ("empty query", plain(&empty)),
        ("scheme", plain(&http)),
        ("authority", plain(&host)),
        ("identity absent", KeyParts { identities: vec![("a".to_owned(), None)], ..plain(&page) }),
        ("identity", KeyParts { identities: vec![("a".to_owned(), digest)], ..plain(&page) }),
        ("class absent", KeyParts { classes: vec![("a", None)], ..plain(&page) }),
        ("class", KeyParts { classes: vec![("a", Some("b"))], ..plain(&page) }),
        ("field absent", KeyParts { fields: vec![("a", None)], ..plain(&page) }),
        ("field empty", KeyParts { fields: vec![("a", Some(""))], ..plain(&page) }),
        ("field", KeyParts { fields: vec![("a", Some("b"))], ..plain(&page) }),
        ("two fields", KeyParts { fields: vec![("a", None), ("b", None)], ..plain(&page) }),
        ("field and class", KeyParts { classes: vec![("a", None)], fields: vec![("b", None)], ..plain(&page) }),
    ];
    for (at, (name, parts)) in cases.iter().enumerate() {
        assert_eq!(parts.key(), parts.clone().key(), "{name}");
        for (other, others) in &cases[..at] {
            assert_ne!(parts.key(), others.key(), "{name}, {other}");
        }
    }
}

#[test]
fn parts_are_hashed_behind_their_lengths() {
    // LEB128: 128 is 0x80 0x01, 300 is 0xac 0x02.
    for (length, written) in [(1, &[1][..]), (127, &[0x7f]), (128, &[0x80, 0x01]), (300, &[0xac, 0x02])] {
        let part = vec![b'x'; length];
        let framed = Framed::new("p").part(&part).number(length).optional(Some("y")).optional(None::<&str>);
        let bytes = [b"\x01p", written, &part, written, b"\x01\x01y\x00"].concat();
        assert_eq!(framed.finish(), sha256(&bytes), "{length}");
    }
    let listed = Framed::new("p").list(["a", ""].iter());
    assert_eq!(listed.finish(), sha256(b"\x01p\x02\x01a\x00"));
}

#[test]
fn a_key_is_written_in_lower_case_and_read_back_only_so() {
    let bytes: [u8; 32] = std::array::from_fn(|at| (at * 9) as u8);
    let (key, text) = (CacheKey(bytes), "0009121b242d363f48515a636c757e879099a2abb4bdc6cfd8e1eaf3fc050e17");
    assert_eq!((key.to_string(), format!("{key:?}")), (text.to_owned(), text.to_owned()));
    assert_eq!(CacheKey::parse(text), Some(key));
    for wrong in
        ["", "00", &text[..63], &text[..62], &format!("{text}00"), &text.to_uppercase(), &text.replace('0', "g")]
    {
        assert_eq!(CacheKey::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn what_was_stored_by_other_rules_of_sharing_has_another_fingerprint() {
    let fingerprint = |site: Value| policy(&site).fingerprint;
    let plain = fingerprint(json!({}));
    assert_eq!(plain, fingerprint(json!({ "stale_if_error": 60 })), "nothing that is shared with whom");
    let mut seen = vec![plain];
    for site in [
        json!({ "cache": "force", "ttl": 60 }),
        json!({ "origin": "https://elsewhere.test" }),
        json!({ "vary_cookie": ["a"] }),
        json!({ "vary_cookie": ["a", "b"] }),
        json!({ "cookie_class": { "a": "present" } }),
        json!({ "cookie_class": { "a": ["x"] } }),
        json!({ "cookie_class": { "a": ["x", "y"] } }),
        json!({ "bypass_cookie": ["a"] }),
        json!({ "vary_header": { "a": "raw" } }),
        json!({ "vary_header": { "a": "bypass" } }),
        json!({ "vary_header": { "a": ["x"] } }),
        json!({ "match_type": true }),
        json!({ "vary_cookie": ["a"], "store_private": true }),
    ] {
        let found = fingerprint(site.clone());
        assert!(!seen.contains(&found), "{site}");
        seen.push(found);
    }
}
