//! `No-Vary-Search`: the examples of draft-ietf-httpbis-no-vary-search, §5.2.1, §5.3.1 and §6.1.

use larder::fields::SearchVariance;

use crate::support::{headers, test};

fn read(field: &str) -> Option<SearchVariance> {
    SearchVariance::read(&headers(&[("no-vary-search", field)]))
}

#[test]
fn what_cannot_be_relied_on_leaves_the_whole_query_in_place() {
    for field in [
        "unknown-key",
        "key-order=\"not a boolean\"",
        "params=\"not a boolean or inner list\"",
        "params=(not-a-string)",
        "params=(\"a\"), except=(\"x\")",
        "params=(), except=()",
        "params=?0, except=(\"x\")",
        "params, except=(not-a-string)",
        "params, except=\"not an inner list\"",
        "params, except=?1",
        "except=(\"x\")",
        "except=()",
        "params=?0",
        "params=()",
        "key-order=?0",
        "",
        "params=(",
    ] {
        assert_eq!(read(field), None, "{field}");
    }
}

#[test]
fn what_says_the_same_reads_the_same() {
    for (field, conventional) in [
        ("params=?1", "params"),
        ("key-order=?1", "key-order"),
        ("params, key-order, except=(\"x\")", "key-order, params, except=(\"x\")"),
        ("params=(\"a\"), later-extension=1", "params=(\"a\")"),
    ] {
        assert!(read(field).is_some(), "{field}");
        assert_eq!(read(field), read(conventional), "{field}");
    }
}

#[test]
fn queries_are_equivalent_where_the_origin_says_so() {
    for (field, one, other, expected) in [
        ("params", Some("a=1"), Some("b=2"), true),
        ("params", None, Some("b=2"), true),
        ("params=(\"a\")", Some("a=1&b=2"), Some("b=2&a=3"), true),
        ("params=(\"a\")", Some("a=1&b=2"), Some("b=3"), false),
        ("params, except=(\"x\")", Some("x=1&a=1"), Some("b=2&x=1"), true),
        ("params, except=(\"x\")", Some("x=1"), Some("x=2"), false),
        ("params, except=(\"x\" \"y\")", Some("x=1&y=2"), Some("y=2&x=1"), false),
        ("params, except=(\"x\" \"y\"), key-order", Some("x=1&y=2"), Some("y=2&x=1"), true),
        ("key-order", Some("a=1&b=2"), Some("b=2&a=1"), true),
        ("key-order", Some("a=1&a=2"), Some("a=2&a=1"), false),
        ("key-order", Some("a=1&b=2"), Some("a=1&b=2&c"), false),
        ("key-order", Some("a=b&c="), Some("a=b&c"), true),
    ] {
        let variance = read(field).expect("it can be read");
        assert_eq!(variance.equivalent(one, other), expected, "{field}: {one:?} and {other:?}");
        assert_eq!(variance.equivalent(other, one), expected, "{field}: {other:?} and {one:?}");
    }
}

#[test]
fn a_key_is_written_in_ascii_and_read_as_a_form_has_it() {
    let variance = read("params=(\"%C3%A9+%E6%B0%97\")").expect("it can be read");
    for query in ["\u{e9} \u{6c17}=1", "\u{e9}+\u{6c17}=2", "%C3%A9%20\u{6c17}=3", "%C3%A9+%E6%B0%97=4"] {
        assert!(variance.equivalent(Some(query), None), "{query}");
    }
    let odd = read("params=(\"a=b\" \"c&d\")").expect("it can be read");
    assert!(odd.equivalent(Some("a%3Db=1&c%26d=2"), None));
    assert!(!odd.equivalent(Some("a=1"), None));
}

#[test]
fn forms_of_one_query_are_one_query() {
    let variance = read("key-order").expect("it can be read");
    for (one, other) in [
        (None, Some("")),
        (Some("a=x"), Some("%61=%78")),
        (Some("a=\u{e9}"), Some("a=%C3%A9")),
        (Some("a=%f6"), Some("a=%ef%bf%bd")),
        (Some("a=x&&&&"), Some("a=x")),
        (Some("a="), Some("a")),
        (Some("a=%20"), Some("a=+")),
        (Some("a=%20"), Some("a= &")),
    ] {
        assert!(variance.equivalent(one, other), "{one:?} and {other:?}");
    }
}
