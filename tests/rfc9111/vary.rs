//! `Vary`: which stored response answers which request (RFC 9111 §4.1).

use http::HeaderName;
use larder::cache::variant::{answers, same_fields, selecting, variant_key};
use larder::fields::Vary;
use larder::key::CacheKey;

use super::given::{head, plain};
use crate::support::{headers, test};

#[test]
fn one_star_anywhere_means_anything() {
    for lines in [&["*"][..], &["*, *"], &["*", "*"], &[", *"], &["", "*"], &["*, a"], &["a, *"], &["a", "*"], &[",*"]]
    {
        let fields: Vec<_> = lines.iter().map(|line| ("vary", *line)).collect();
        assert_eq!(Vary::read(&headers(&fields)), Vary::Anything, "{lines:?}");
    }
}

#[test]
fn names_are_taken_together_and_what_is_no_name_spoils_them() {
    let by = |names: &[&str]| {
        Vary::By(names.iter().map(|name| HeaderName::from_bytes(name.as_bytes()).expect("a name")).collect())
    };
    for (lines, expected) in [
        (&["Foo, Bar"][..], by(&["bar", "foo"])),
        (&["foo", "FOO"], by(&["foo"])),
        (&[" , foo ,, "], by(&["foo"])),
        (&[], by(&[])),
        (&[""], by(&[])),
        (&[",,,"], by(&[])),
        (&["a:b"], Vary::Unreadable),
        (&["a b"], Vary::Unreadable),
        (&["caf\u{e9}"], Vary::Unreadable),
    ] {
        let fields: Vec<_> = lines.iter().map(|line| ("vary", *line)).collect();
        assert_eq!(Vary::read(&headers(&fields)), expected, "{lines:?}");
    }
    for (count, readable) in [(32, true), (33, false), (1000, false)] {
        let many = (0..count).map(|number| format!("x-{number}")).collect::<Vec<_>>().join(",");
        let read = Vary::read(&headers(&[("vary", &many)]));
        assert_eq!(matches!(read, Vary::By(_)), readable, "{count}");
        assert_eq!(read == Vary::Unreadable, !readable, "{count}");
    }
}

fn same(name: &'static str, one: &[&str], other: &[&str]) -> bool {
    let sent = |lines: &[&str]| headers(&lines.iter().map(|line| (name, *line)).collect::<Vec<_>>());
    let mut stored = head(&plain(), 200, &[("cache-control", "max-age=60")]);
    stored.selecting = selecting(&[HeaderName::from_static(name)], &sent(one));
    let other = sent(other);
    answers(&stored, || &other)
}

#[test]
fn values_match_after_normalising_what_cannot_matter() {
    for (name, one, other, expected) in [
        ("foo", &["1"][..], &["1"][..], true),
        ("foo", &["1"], &["2"], false),
        ("foo", &["1"], &[], false),
        ("foo", &[], &["1"], false),
        ("foo", &[], &[], true),
        ("foo", &[], &[""], false),
        ("foo", &["1, 2"], &["1", "2"], true),
        ("foo", &["1,2"], &[" 1, 2 "], true),
        ("foo", &["1,2"], &["2,1"], false),
        ("foo", &["a"], &["A"], false),
        ("foo", &[","], &[""], false),
        ("foo", &["a,"], &["a"], false),
        ("foo", &["a,,b"], &["a,b"], false),
        ("accept-language", &["en, de"], &["de, en"], true),
        ("accept-language", &["en, de"], &["eN, De"], true),
        ("accept-language", &["en, de"], &[" en ,   de"], true),
        ("accept-language", &["en, de"], &["en, de;q=0.5"], false),
        ("accept-language", &["en;q=0.50"], &["en;q=0.5"], true),
        ("accept-language", &["en", "fr"], &["en", "de"], false),
        ("accept", &["text/html, */*;q=0.1"], &["*/*;q=0.1, text/html"], true),
        // What is not known to mean the same is not the same: a parameter names another representation, and of a weight that cannot be
        // read nobody knows what an origin makes.
        ("accept", &["application/json;version=2"], &["application/json"], false),
        ("accept", &["application/json;version=2"], &["application/json;version=1"], false),
        ("accept", &["text/html;quality=1"], &["text/html"], false),
        ("accept", &["text/html;q=0.5;level=1"], &["text/html;q=0.5"], false),
        ("accept-language", &["en;q=evil"], &["en;q=0"], false),
        ("accept-language", &["en;q=900"], &["en;q=0.9"], false),
        ("accept-language", &["en,"], &["en"], false),
    ] {
        assert_eq!(same(name, one, other), expected, "{name}: {one:?} and {other:?}");
    }
}

#[test]
fn variants_of_each_other_were_selected_by_the_same_fields() {
    let by = |names: &[&'static str], value: &str| {
        let names: Vec<_> = names.iter().map(|name| HeaderName::from_static(name)).collect();
        selecting(&names, &headers(&[("accept", value)]))
    };
    for (one, other, expected) in [
        (by(&["accept"], "a/b"), by(&["accept"], "c/d"), true),
        (by(&["accept", "foo"], "a/b"), by(&["accept", "foo"], "a/b"), true),
        (by(&["accept"], "a/b"), by(&["foo"], "a/b"), false),
        (by(&["accept"], "a/b"), by(&["accept", "foo"], "a/b"), false),
        (by(&[], "a/b"), by(&["accept"], "a/b"), false),
        (by(&[], "a/b"), by(&[], "a/b"), true),
    ] {
        assert_eq!(same_fields(&one, &other), expected, "{one:?} {other:?}");
    }
}

#[test]
fn each_variant_has_a_slot_of_its_own() {
    let [page, other] = [[1; 32], [2; 32]].map(CacheKey);
    let by = |value: Option<&str>| {
        let sent = value.map(|value| ("foo", value));
        selecting(&[HeaderName::from_static("foo")], &headers(sent.as_slice()))
    };
    let slots = [
        page,
        variant_key(page, 1, &by(Some("a"))),
        variant_key(page, 1, &by(Some("b"))),
        variant_key(page, 1, &by(Some(""))),
        variant_key(page, 1, &by(None)),
        variant_key(page, 1, &[]),
        variant_key(page, 2, &by(Some("a"))),
        variant_key(other, 1, &by(Some("a"))),
    ];
    for (at, slot) in slots.iter().enumerate() {
        assert!(!slots[..at].contains(slot), "{at}");
    }
    assert_eq!(variant_key(page, 1, &by(Some("a"))), slots[1]);
}

#[test]
fn of_a_page_without_variants_nobody_asks_what_the_origin_would_be_sent() {
    let stored = head(&plain(), 200, &[("cache-control", "max-age=60")]);
    assert!(answers(&stored, || panic!("to put it together costs as much as the rest of a hit")));
}

#[test]
fn the_language_a_client_wants_most_is_the_one_it_gets() {
    let mut stored = head(&plain(), 200, &[("cache-control", "max-age=60"), ("content-language", "de")]);
    stored.selecting = selecting(&[http::header::ACCEPT_LANGUAGE], &headers(&[("accept-language", "en, de")]));
    for (wanted, expected) in [
        ("fr;q=0.5, de;q=1.0", true),
        ("DE", true),
        ("de;q=0.5, fr;q=0.9", false),
        ("de, fr", false),
        ("fr", false),
        ("de;q=0", false),
        ("", false),
    ] {
        let sent = headers(&[("accept-language", wanted)]);
        assert_eq!(answers(&stored, || &sent), expected, "{wanted}");
    }
}
