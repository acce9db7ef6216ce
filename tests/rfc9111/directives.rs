//! Reading `Cache-Control`, both ways.

use larder::fields::{Lifetime, RequestDirectives, ResponseDirectives, Seconds};

use crate::support::{headers, test};

fn response(lines: &[&str]) -> ResponseDirectives {
    let pairs: Vec<_> = lines.iter().map(|line| ("cache-control", *line)).collect();
    ResponseDirectives::read(&headers(&pairs), "cache-control")
}

fn request(line: &str) -> RequestDirectives {
    RequestDirectives::read(&headers(&[("cache-control", line)]))
}

const fn seconds(number: u64) -> Option<Lifetime> {
    Some(Lifetime::Stated(Seconds::new(number)))
}

const MALFORMED: Option<Lifetime> = Some(Lifetime::Malformed);

#[test]
fn a_lifetime_is_digits_and_nothing_else() {
    // RFC 9111 §1.2.2, §4.2.1, §5.2.2.1
    for (line, expected) in [
        ("max-age=60", seconds(60)),
        ("MaX-aGe=60", seconds(60)),
        ("max-age=\"60\"", seconds(60)),
        ("max-age=0060", seconds(60)),
        ("max-age=0", seconds(0)),
        ("max-age=2147483647", seconds(2_147_483_647)),
        ("max-age=2147483648", seconds(2_147_483_648)),
        ("max-age=2147483649", seconds(2_147_483_648)),
        ("max-age=99999999999999999999", seconds(2_147_483_648)),
        ("max-age=-1", MALFORMED),
        ("max-age=60.5", MALFORMED),
        ("max-age=60.0", MALFORMED),
        ("max-age=1e9", MALFORMED),
        ("max-age=0x3c", MALFORMED),
        ("max-age=6 0", MALFORMED),
        ("max-age='60'", MALFORMED),
        ("max-age=+60", MALFORMED),
        ("max-age =60", MALFORMED),
        ("max-age= 60", MALFORMED),
        ("max-age=a60", MALFORMED),
        ("max-age=60a", MALFORMED),
        ("max-age=60;private", MALFORMED),
        ("max-age=", MALFORMED),
        ("max-age", MALFORMED),
        ("max-age=\"60", MALFORMED),
        ("max_age=60", None),
        ("extension=\"max-age=60\"", None),
        ("max-ages=60", None),
    ] {
        assert_eq!(response(&[line]).max_age, expected, "{line}");
    }
}

#[test]
fn of_two_lifetimes_the_shorter_counts_and_one_malformed_spoils_both() {
    // RFC 9111 §4.2.1: "either the first occurrence should be used or the response should be considered stale".
    for (lines, expected) in [
        (&["max-age=60, max-age=0"][..], seconds(0)),
        (&["max-age=0, max-age=60"], seconds(0)),
        (&["max-age=60", "max-age=30"], seconds(30)),
        (&["max-age=60, max-age=soon"], MALFORMED),
        (&["max-age=soon", "max-age=60"], MALFORMED),
    ] {
        assert_eq!(response(lines).max_age, expected, "{lines:?}");
    }
}

#[test]
fn a_restriction_holds_however_it_is_written() {
    // RFC 9111 §5.2.2.4, §5.2.2.5, §5.2.2.7
    for line in [
        "private",
        "Private",
        "PRIVATE",
        "private=\"\"",
        "private=",
        "private=\"",
        "private, private=\"x\"",
        "private=\" authorization\"",
        "private = \"x\"",
        "private =\"x\"",
        "private=x",
        "private=\"set-cookie\"",
        "private;max-age=60",
        "max-age=60,private",
        ", ,private",
        "max-age=60 , private ",
        "a=\"b\", private",
        "a=\"b,c\", private",
        "a=\"\\\"\", private",
        "a=\", private",
    ] {
        assert!(response(&[line]).private, "{line}");
    }
    for line in ["no-store", "nO-StOrE", "no-store=1", "no-store=", "no-store;", "no-store =x", "max-age=60, no-store"]
    {
        assert!(response(&[line]).no_store, "{line}");
    }
    for line in [
        "no-cache",
        "No-Cache",
        "no-cache=",
        "no-cache=\"",
        "no-cache=\"\"",
        "no-cache=\"\tauthorization\"",
        "no-cache=\" a\"",
        "no-cache, no-cache=\"a\"",
    ] {
        assert!(response(&[line]).no_cache, "{line}");
    }
    let tenth_line: Vec<_> = std::iter::repeat_n("max-age=60", 9).chain(["no-store"]).collect();
    assert!(response(&tenth_line).no_store);
    let long = format!("{}no-store", "x, ".repeat(8000));
    assert!(response(&[&long]).no_store);
}

#[test]
fn a_permission_holds_only_as_it_should_be_written() {
    for (line, public) in [
        ("public", true),
        ("Public", true),
        ("public=1", false),
        ("public=\"x\"", false),
        ("public =", false),
        ("public;", false),
    ] {
        assert_eq!(response(&[line]).public, public, "{line}");
    }
    assert!(!response(&["must-understand=1"]).must_understand);
}

#[test]
fn no_cache_with_a_list_concerns_the_fields_it_names() {
    // RFC 9111 §5.2.2.4
    let read = response(&["no-cache=\"a, B\"", "max-age=60"]);
    let names: Vec<_> = read.no_cache_fields.iter().map(|name| name.as_str().to_owned()).collect();
    assert_eq!((read.no_cache, names), (false, vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn what_stands_in_quotes_is_no_directive() {
    for line in ["a=\"private\"", "a=\"x, private\"", "a=\"x\\\", private\"", "a=\"no-store\", b=\"private\""] {
        let read = response(&[line]);
        assert!(!read.private && !read.no_store, "{line}");
    }
}

#[test]
fn a_client_may_demand_and_may_allow() {
    // RFC 9111 §5.2.1
    let none = RequestDirectives::default();
    for (line, expected) in [
        ("no-cache", RequestDirectives { no_cache: true, ..none }),
        ("NO-STORE", RequestDirectives { no_store: true, ..none }),
        ("only-if-cached", RequestDirectives { only_if_cached: true, ..none }),
        ("max-age=5", RequestDirectives { max_age: Some(Seconds::new(5)), ..none }),
        ("max-age=5, max-age=3", RequestDirectives { max_age: Some(Seconds::new(3)), ..none }),
        ("max-age=soon", RequestDirectives { max_age: Some(Seconds::ZERO), ..none }),
        ("min-fresh=5", RequestDirectives { min_fresh: Some(Seconds::new(5)), ..none }),
        ("min-fresh=much", RequestDirectives { min_fresh: Some(Seconds::MAX), ..none }),
        ("max-stale", RequestDirectives { max_stale: Some(Seconds::MAX), ..none }),
        ("max-stale=9", RequestDirectives { max_stale: Some(Seconds::new(9)), ..none }),
        ("max-stale, max-stale=9", RequestDirectives { max_stale: Some(Seconds::new(9)), ..none }),
        ("max-stale=much", RequestDirectives { max_stale: Some(Seconds::ZERO), ..none }),
        ("nothing-to-see-here", none),
        ("public", none),
    ] {
        assert_eq!(request(line), expected, "{line}");
    }
}
