//! ST: what the origin says about storing, in every spelling.

use super::{FIXTURE, State, never_shared, trial};
use crate::support::{Answer, Asked};

const CC: &str = "Cache-Control";

/// Fields of an answer.
type Fields = [(&'static str, String)];

/// What the origin sends is for one, on a `force` route and on a plain one; also where something is stored that a visitor asks past.
fn is_never_reused(case: &str, fields: &Fields) {
    // For as long as the origin runs, which is as long as the tests.
    let fields: &'static Fields = Box::leak(fields.into());
    let script = move |asked: &Asked| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Answer::ok(&fields, format!("mine={} {}", asked.number, asked.marker()))
    };
    for prefix in ["/pub/", "/plain/"] {
        never_shared(&format!("{case} {prefix}"), prefix, &[&[], &[(CC, "no-cache")]], script);
    }
}

/// What the origin sends is for all, on both kinds of route.
fn is_reused(case: &str, fields: &Fields) {
    for prefix in ["/pub/", "/plain/"] {
        trial(&format!("{case} {prefix}"), State::Cold, || {
            let path = format!("{prefix}{}", case.to_lowercase().replace(' ', "-"));
            let fields = fields.to_vec();
            FIXTURE.site.on(&path, move |asked: &Asked| {
                let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                Answer::ok(&fields, asked.marker())
            });
            let [first, second] = [(); 2].map(|()| FIXTURE.client().get(&path, &[]));
            assert_eq!((first.status, second.status), (200, 200), "{case}");
            assert_eq!(first.text(), second.text(), "{case} {prefix}");
        });
    }
}

fn control(value: &str) -> (&'static str, String) {
    (CC, value.to_owned())
}

#[test]
fn st_01_case_does_not_matter() {
    for (number, text) in [
        "Private, max-age=60",
        "PRIVATE, max-age=60",
        "nO-StOrE, max-age=60",
        "No-Cache, max-age=60",
        "max-age=60,\tPRIVATE",
        "max-age=60;private, private",
    ]
    .iter()
    .enumerate()
    {
        is_never_reused(&format!("ST-01 {number}"), &[control(text)]);
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
        "no-store=0",
        "no-store=\"\"",
        "private=\"a, b\", x=\"",
    ]
    .iter()
    .enumerate()
    {
        is_never_reused(&format!("ST-02 {number} last"), &[control(&format!("max-age=60, {directive}"))]);
        is_never_reused(&format!("ST-02 {number} first"), &[control(&format!("{directive}, max-age=60"))]);
    }
}

#[test]
fn st_03_all_lines_count_however_many() {
    is_never_reused("ST-03 two", &[control("max-age=60"), control("no-store")]);
    let mut ten = vec![control("max-age=60"); 9];
    ten.push(control("no-store"));
    is_never_reused("ST-03 ten", &ten);
    is_never_reused("ST-03 long", &[control(&format!("max-age=60, {}no-store", "x, ".repeat(5400)))]);
}

#[test]
fn st_05_06_a_lifetime_that_is_none_is_none_and_the_shorter_of_two_counts() {
    for (number, text) in
        ["max-age=60, max-age=0", "max-age=0, max-age=60", "s-maxage=0, max-age=60"].iter().enumerate()
    {
        is_never_reused(&format!("ST-05 {number}"), &[control(text)]);
    }
    for (number, text) in [
        "max-age=-1",
        "max-age=1e9",
        "max-age=60.5",
        "max-age=0x3c",
        "max-age=6 0",
        "max-age='60'",
        "max-age=",
        "max-age=\u{664}\u{665}",
    ]
    .iter()
    .enumerate()
    {
        is_never_reused(&format!("ST-06 {number}"), &[control(text)]);
    }
    for (number, text) in
        ["max-age=\"60\"", "max-age=99999999999999999999", "max-age=2147483648", "max-age=0000060"].iter().enumerate()
    {
        is_reused(&format!("ST-06 read {number}"), &[control(text)]);
    }
}

#[test]
fn st_07_an_age_is_never_negative_and_a_huge_one_is_old() {
    let aged = |ages: &[&str]| {
        let ages = ages.iter().map(|age| ("Age", (*age).to_owned()));
        [control("max-age=60")].into_iter().chain(ages).collect::<Vec<_>>()
    };
    for (number, ages) in [&["2147483648"][..], &["7200", "0"], &["99999999999999999999"]].iter().enumerate() {
        is_never_reused(&format!("ST-07 old {number}"), &aged(ages));
    }
    for (number, ages) in [&["-5"][..], &["1.5"], &["abc"], &["0", "7200"], &["-2147483648"]].iter().enumerate() {
        is_reused(&format!("ST-07 {number}"), &aged(ages));
    }
}

#[test]
fn st_09_a_star_in_vary_means_never_again() {
    for (number, lines) in
        [&["*"][..], &["*, *"], &["a, *"], &["*, a"], &["*", "*"], &["a", "*"], &[",*"], &["* "]].iter().enumerate()
    {
        let lines = lines.iter().map(|line| ("Vary", (*line).to_owned()));
        is_never_reused(
            &format!("ST-09 {number}"),
            &[control("max-age=60")].into_iter().chain(lines).collect::<Vec<_>>(),
        );
    }
}

#[test]
fn st_10_the_most_specific_field_wins() {
    let with = |name: &'static str, value: &str, text: &str| [(name, value.to_owned()), control(text)];
    is_never_reused("ST-10 surrogate", &with("Surrogate-Control", "no-store", "max-age=60"));
    is_never_reused("ST-10 cdn", &with("CDN-Cache-Control", "private", "max-age=60"));
    is_never_reused("ST-10 own", &with("Larder-Cache-Control", "no-store", "max-age=60"));
    is_reused("ST-10 wider", &with("CDN-Cache-Control", "max-age=60", "no-store"));
}

#[test]
fn st_11_a_request_cannot_speak_for_the_origin() {
    const ASKED: [(&str, &str); 6] = [
        ("Surrogate-Control", "max-age=60"),
        ("CDN-Cache-Control", "max-age=60"),
        ("Larder-Cache-Control", "max-age=60"),
        (CC, "public, max-age=60, s-maxage=60"),
        ("Surrogate-Capability", "evil=\"x\""),
        ("Expires", "Sun, 06 Nov 2044 08:49:37 GMT"),
    ];
    for (name, value) in &ASKED {
        let field = [(*name, *value)];
        never_shared(&format!("ST-11 {name}"), "/plain/", &[&field, &field], |asked: &Asked| {
            Answer::ok(&[], format!("mine={}", asked.number))
        });
        let shown = FIXTURE.site.asked(&format!("/plain/st-11-{}", name.to_lowercase()));
        let passes = [CC, "Expires"].contains(name);
        assert!(passes || shown.iter().all(|asked| asked.header(name) != Some(value)), "{name}: {shown:?}");
    }
}

#[test]
fn st_13_nothing_is_guessed_unless_the_route_says_so() {
    never_shared("ST-13", "/plain/", &[&[], &[(CC, "no-cache")]], |asked: &Asked| {
        Answer::ok(&[("Last-Modified", "Sun, 06 Nov 2016 08:49:37 GMT")], format!("mine={}", asked.number))
    });
}

#[test]
fn st_14_a_status_that_is_not_understood_is_not_kept_where_that_matters() {
    for status in [299, 419, 599] {
        never_shared(&format!("ST-14 {status}"), "/plain/", &[&[]], move |asked: &Asked| {
            Answer::new(status, &[(CC, "max-age=60, must-understand, no-store")], format!("mine={}", asked.number))
        });
    }
}

#[test]
fn st_15_max_age_comes_before_expires_and_pragma() {
    let fields = [control("max-age=60"), ("Pragma", "no-cache".to_owned()), ("Expires", "0".to_owned())];
    is_reused("ST-15", &fields);
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
    for state in [State::Cold, State::Fresh] {
        trial("ST-17", state, || {
            let reply = client.get("/pub/st-17", &[]);
            for name in ["a", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer", "upgrade"] {
                assert!(reply.header(name).is_none(), "{name}, {state}");
            }
            assert_eq!(reply.header("b").as_deref(), Some("2"), "{state}");
        });
    }
}
