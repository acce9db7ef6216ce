//! What the origin says about storing, in every spelling.

use super::FIXTURE;
use crate::support::{Answer, Asked};

/// Whether two requests get the same answer when the origin sends these fields.
fn is_reused(case: &str, prefix: &str, fields: &[(&str, &str)]) -> bool {
    let path = format!("{prefix}{case}");
    let fields: Vec<(String, String)> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    FIXTURE.site.on(&path, move |asked: &Asked| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Answer::ok(&fields, asked.marker())
    });
    let client = FIXTURE.client();
    let (first, second) = (client.get(&path, &[]), client.get(&path, &[]));
    assert_eq!((first.status, second.status), (200, 200), "{case}");
    first.text() == second.text()
}

/// On a `force` route and on a plain one.
fn is_reused_anywhere(case: &str, fields: &[(&str, &str)]) -> bool {
    let (forced, plain) = (is_reused(case, "/pub/", fields), is_reused(case, "/plain/", fields));
    assert_eq!(forced, plain, "{case}: both kinds of route agree");
    forced
}

const CC: &str = "Cache-Control";

#[test]
fn st_01_case_does_not_matter() {
    for (number, control) in
        ["Private, max-age=60", "PRIVATE, max-age=60", "nO-StOrE, max-age=60", "No-Cache, max-age=60"]
            .iter()
            .enumerate()
    {
        assert!(!is_reused_anywhere(&format!("st-01-{number}"), &[(CC, control)]), "{control}");
    }
}

#[test]
fn st_02_an_odd_argument_does_not_undo_a_restriction() {
    for (number, directive) in [
        "private=\"\"",
        "private=",
        "private=\"",
        "private, private=\"x\"",
        "private=\" authorization\"",
        "no-cache=\"\tauthorization\"",
        "private = \"x\"",
        "private =\"x\"",
    ]
    .iter()
    .enumerate()
    {
        for control in [format!("max-age=60, {directive}"), format!("{directive}, max-age=60")] {
            let case = format!("st-02-{number}-{}", control.starts_with("max"));
            assert!(!is_reused_anywhere(&case, &[(CC, &control)]), "{control}");
        }
    }
}

#[test]
fn st_03_all_lines_count_however_many() {
    assert!(!is_reused_anywhere("st-03a", &[(CC, "max-age=60"), (CC, "no-store")]));
    let mut ten = vec![(CC, "max-age=60"); 9];
    ten.push((CC, "no-store"));
    assert!(!is_reused_anywhere("st-03b", &ten));
    let long = format!("max-age=60, {}no-store", "x, ".repeat(5400));
    assert!(!is_reused_anywhere("st-03c", &[(CC, &long)]));
}

#[test]
fn st_05_06_a_lifetime_that_is_none_is_none_and_the_shorter_of_two_counts() {
    for (number, (control, expected)) in [
        ("max-age=60, max-age=0", false),
        ("max-age=0, max-age=60", false),
        ("max-age=-1", false),
        ("max-age=1e9", false),
        ("max-age=60.5", false),
        ("max-age=0x3c", false),
        ("max-age=6 0", false),
        ("max-age=\"60\"", true),
        ("max-age='60'", false),
        ("max-age=99999999999999999999", true),
        ("max-age=2147483648", true),
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(is_reused_anywhere(&format!("st-06-{number}"), &[(CC, control)]), *expected, "{control}");
    }
}

#[test]
fn st_07_an_age_is_never_negative_and_a_huge_one_is_old() {
    for (number, (ages, expected)) in [
        (&["2147483648"][..], false),
        (&["-5"], true),
        (&["1.5"], true),
        (&["abc"], true),
        (&["0", "7200"], true),
        (&["7200", "0"], false),
    ]
    .iter()
    .enumerate()
    {
        let mut fields = vec![(CC, "max-age=60")];
        fields.extend(ages.iter().map(|age| ("Age", *age)));
        assert_eq!(is_reused_anywhere(&format!("st-07-{number}"), &fields), *expected, "{ages:?}");
    }
}

#[test]
fn st_09_a_star_in_vary_means_never_again() {
    for (number, lines) in
        [&["*"][..], &["*, *"], &["a, *"], &["*, a"], &["*", "*"], &["a", "*"], &[",*"]].iter().enumerate()
    {
        let mut fields = vec![(CC, "max-age=60")];
        fields.extend(lines.iter().map(|line| ("Vary", *line)));
        assert!(!is_reused_anywhere(&format!("st-09-{number}"), &fields), "{lines:?}");
    }
}

#[test]
fn st_10_the_most_specific_field_wins() {
    assert!(!is_reused_anywhere("st-10a", &[("Surrogate-Control", "no-store"), (CC, "max-age=60")]));
    assert!(!is_reused_anywhere("st-10b", &[("CDN-Cache-Control", "private"), (CC, "max-age=60")]));
    assert!(is_reused_anywhere("st-10c", &[("CDN-Cache-Control", "max-age=60"), (CC, "no-store")]));
}

#[test]
fn st_11_a_request_cannot_speak_for_the_origin() {
    for (number, (name, value)) in [
        ("Surrogate-Control", "max-age=60"),
        ("CDN-Cache-Control", "max-age=60"),
        (CC, "public, max-age=60"),
        ("Surrogate-Capability", "evil=\"x\""),
    ]
    .iter()
    .enumerate()
    {
        let path = format!("/plain/st-11-{number}");
        let client = FIXTURE.client();
        FIXTURE.site.on(&path, |asked: &Asked| Answer::ok(&[], asked.marker()));
        let (first, second) = (client.get(&path, &[(name, value)]), client.get(&path, &[(name, value)]));
        assert_ne!(first.text(), second.text(), "{name}");
        let shown = FIXTURE.site.asked(&path);
        assert!(*name == CC || shown.iter().all(|asked| asked.header(name) != Some(value)), "{name}: {shown:?}");
    }
}

#[test]
fn st_13_nothing_is_guessed_unless_the_route_says_so() {
    assert!(!is_reused("st-13", "/plain/", &[("Last-Modified", "Sun, 06 Nov 2016 08:49:37 GMT")]));
}

#[test]
fn st_14_a_status_that_is_not_understood_is_not_kept_where_that_matters() {
    for status in [299, 599] {
        let path = format!("/plain/st-14-{status}");
        FIXTURE.site.on(&path, move |asked: &Asked| {
            Answer::new(status, &[(CC, "max-age=60, must-understand, no-store")], asked.marker())
        });
        let client = FIXTURE.client();
        assert_ne!(client.get(&path, &[]).text(), client.get(&path, &[]).text(), "{status}");
    }
}

#[test]
fn st_15_max_age_comes_before_expires_and_pragma() {
    assert!(is_reused_anywhere("st-15", &[(CC, "max-age=60"), ("Pragma", "no-cache"), ("Expires", "0")]));
}

#[test]
fn st_17_fields_of_one_connection_are_on_no_answer() {
    FIXTURE.site.on("/pub/st-17", |_| {
        Answer::ok(
            &[
                (CC, "max-age=60"),
                ("Connection", "a, keep-alive"),
                ("a", "1"),
                ("b", "2"),
                ("Keep-Alive", "timeout=5"),
                ("Proxy-Authenticate", "x"),
                ("Proxy-Connection", "x"),
                ("TE", "x"),
                ("Trailer", "x"),
                ("Upgrade", "x"),
            ],
            "page",
        )
    });
    let client = FIXTURE.client();
    for moment in ["miss", "hit"] {
        let reply = client.get("/pub/st-17", &[]);
        for name in ["a", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer", "upgrade"] {
            assert!(reply.header(name).is_none(), "{name} on a {moment}");
        }
        assert_eq!(reply.header("b").as_deref(), Some("2"), "{moment}");
    }
}
