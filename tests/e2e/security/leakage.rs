//! One user's page in another's browser.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{FIXTURE, Script, State, brought_to, never_shared, poison_page, slug, sweep, trial};
use crate::support::{Answer, Asked, Client, Gate};

type Fields = &'static [(&'static str, &'static str)];

const ALICE: Fields = &[("Cookie", "sid=alice")];
const BOB: Fields = &[("Cookie", "sid=bob")];
const ANYBODY: [Fields; 3] = [ALICE, &[], BOB];
const MINUTE: (&str, &str) = ("Cache-Control", "max-age=60");

impl Asked {
    /// Something that is for this request alone.
    fn mine(&self) -> String {
        format!("mine={} who={}", self.number, self.cookie("sid"))
    }

    fn authorization(&self) -> String {
        format!("by {}", self.header("authorization").unwrap_or("nobody"))
    }
}

/// The same answer to two requests means that it was kept.
fn is_reused(path: &str, first: &[(&str, &str)], second: &[(&str, &str)]) -> bool {
    let client = FIXTURE.client();
    client.get(path, first).text() == client.get(path, second).text()
}

#[test]
fn xu_01_02_03_an_answer_that_sets_a_cookie_is_for_one() {
    // What stands beside the cookie, and in how many lines it comes.
    const ANSWERS: &[(&str, Script)] = &[
        ("XU-01", |asked| sets_cookie(asked, "max-age=60", "set-cookie")),
        ("XU-01 immutable", |asked| sets_cookie(asked, "max-age=60, immutable", "SET-COOKIE")),
        ("XU-01 without a lifetime", |asked| Answer::ok(&[("Set-Cookie", &asked.mine())], "page")),
        ("XU-01 a control character", |asked| Answer::ok(&[MINUTE, ("Set-Cookie", "sid=\u{7}")], asked.mine())),
        ("XU-02 a control character", |asked| Answer::ok(&[("Cache-Control", "private, x=\"\u{7}\"")], asked.mine())),
        ("XU-02", |asked| sets_cookie(asked, "public, s-maxage=600", "Set-Cookie")),
        ("XU-02 targeted", |asked| {
            Answer::ok(&[("CDN-Cache-Control", "public, max-age=600"), ("Set-Cookie", &asked.mine())], "page")
        }),
        ("XU-02 stale for long", |asked| {
            sets_cookie(asked, "public, max-age=1, stale-while-revalidate=600, stale-if-error=600", "Set-Cookie")
        }),
        ("XU-03 no-cache", |asked| sets_cookie(asked, "max-age=60, no-cache=\"Set-Cookie\"", "Set-Cookie")),
        ("XU-03 private", |asked| sets_cookie(asked, "max-age=60, private=\"Set-Cookie\"", "Set-Cookie")),
        ("XU-03 another field", |asked| sets_cookie(asked, "public, max-age=60, no-cache=\"X-Other\"", "Set-Cookie")),
    ];
    for (case, script) in ANSWERS {
        for prefix in ["/pub/", "/plain/"] {
            never_shared(&format!("{case} {prefix}"), prefix, &[&[]], script);
        }
    }
    never_shared("XU-01 in every tier", "/tiers/", &[&[]], ANSWERS[0].1);
    FIXTURE.site.on("/pub/xu-01", ANSWERS[0].1);
    assert_eq!(FIXTURE.client().get("/pub/xu-01", &[]).detail().as_deref(), Some("set-cookie"));
}

fn sets_cookie(asked: &Asked, control: &str, name: &str) -> Answer {
    Answer::ok(&[("Cache-Control", control), (name, &format!("sid={}", asked.mine()))], asked.mine())
}

#[test]
fn xu_05_fields_of_an_early_hint_are_not_kept() {
    const HINTED: &str = "HTTP/1.1 103 Early Hints\r\nSet-Cookie: sid=alice\r\nX-Hint: 1\r\n\r\nHTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\npage";
    let own = slug("XU-05");
    sweep("XU-05", |state| {
        let mut page = brought_to(state, &format!("/pub/{own}-{state}"), &[], |_| Answer::raw(HINTED));
        let reply = page.ask(|client, path| client.get(path, &[("Cache-Control", "no-cache")]));
        for seen in page.first.take().into_iter().chain([reply, page.look(), page.look()]) {
            assert_eq!(seen.text(), "page");
            assert!(seen.header("set-cookie").is_none() && seen.header("x-hint").is_none(), "{state}: {seen:?}");
        }
    });
}

/// The page as it is for whoever has these credentials, in every state; then what a visitor without any sees.
fn with_authorization(case: &str, prefix: &str, credentials: &str, control: &'static str, shared: bool) {
    let own = slug(case);
    sweep(case, |state| {
        let script = move |asked: &Asked| Answer::ok(&[("Cache-Control", control)], asked.authorization());
        let mut page = brought_to(state, &format!("{prefix}{own}-{state}"), &[], script);
        page.ask(|client, path| client.get(path, &[("Authorization", credentials)]));
        let seen: Vec<_> = page.first.take().into_iter().chain([page.look(), page.look()]).collect();
        let theirs = seen.iter().filter(|seen| seen.text() != "by nobody").count();
        // Nothing was there before, and the origin permits it.
        let may = shared && state == State::Cold;
        assert_eq!(theirs, if may { seen.len() } else { 0 }, "{case}, {state}: {seen:?}");
    });
}

#[test]
fn xu_06_07_an_answer_to_authorization_needs_the_origins_word() {
    for credentials in ["Bearer alice", "Basic YWxpY2U6eA==", "alice", "Bearer admin-token-not"] {
        with_authorization(&format!("XU-06 {credentials}"), "/plain/", credentials, "max-age=60", false);
        with_authorization(&format!("XU-06 {credentials} forced"), "/pub/", credentials, "max-age=60", false);
    }
    for control in ["max-age=60, public", "s-maxage=60", "max-age=60, must-revalidate"] {
        with_authorization(&format!("XU-07 forced, {control}"), "/pub/", "Bearer alice", control, false);
    }
    for control in ["max-age=60, public, private", "public=\"x\", max-age=60, no-store", "max-age=60, proxy-revalidate"]
    {
        with_authorization(&format!("XU-07 plain, {control}"), "/plain/", "Bearer alice", control, false);
    }
    trial("XU-07 plain, as the origin says", State::Cold, || {
        for (number, control) in ["max-age=60, public", "s-maxage=60", "max-age=60, must-revalidate"].iter().enumerate()
        {
            let path = format!("/plain/xu-07-{number}");
            FIXTURE.site.on(&path, move |asked: &Asked| Answer::ok(&[("Cache-Control", control)], asked.marker()));
            assert!(is_reused(&path, &[("Authorization", "Bearer alice")], &[]), "{control}");
        }
    });
}

#[test]
fn xu_09_10_21_a_page_that_varies_by_who_asks_is_not_shared_without_them_in_the_key() {
    const VARIES: &[(&str, Script)] = &[
        ("Cookie", |asked| varies(asked, "Cookie", "text/html")),
        ("a list", |asked| varies(asked, "Accept-Encoding, cookie", "text/html")),
        ("two lines", |asked| Answer::ok(&[MINUTE, ("Vary", "Accept-Encoding"), ("Vary", "COOKIE")], asked.mine())),
        ("a space", |asked| varies(asked, "\tCookie ", "text/html")),
        ("an empty member", |asked| varies(asked, ",,Cookie,", "text/html")),
        ("Authorization", |asked| varies(asked, "Authorization", "text/html")),
        ("public", |asked| Answer::ok(&[("Cache-Control", "public, max-age=60"), ("Vary", "Cookie")], asked.mine())),
    ];
    for (variant, script) in VARIES {
        never_shared(&format!("XU-09 {variant}"), "/pub/", &ANYBODY, script);
        never_shared(
            &format!("XU-10 {variant}"),
            "/pub/",
            &[&[("Cookie", "_ga=1")], &[], &[("Cookie", "theme=dark")]],
            script,
        );
    }
    const PICTURES: &[(&str, Script)] = &[
        ("Cookie", |asked| varies(asked, "Cookie", "image/png")),
        ("Authorization", |asked| varies(asked, "Authorization", "image/png")),
    ];
    for (variant, script) in PICTURES {
        never_shared(&format!("XU-21 {variant}"), "/api/", &[ALICE, &[], &[("Authorization", "Bearer bob")]], script);
    }
}

fn varies(asked: &Asked, vary: &str, media_type: &str) -> Answer {
    Answer::ok(&[MINUTE, ("Vary", vary), ("Content-Type", media_type)], asked.mine())
}

#[test]
fn a_plain_route_shares_nothing_that_was_asked_for_with_a_cookie() {
    for (variant, script) in [
        ("cookie", (|asked| Answer::ok(&[MINUTE], asked.mine())) as Script),
        ("vary", |asked| varies(asked, "Cookie", "text/html")),
    ] {
        never_shared(&format!("XU-09 plain, {variant}"), "/plain/", &[ALICE, BOB], script);
    }
}

#[test]
fn xu_17_a_request_that_passes_neither_joins_nor_feeds_a_fill() {
    let by_cookie =
        |asked: &Asked| Answer::ok(&[MINUTE], if asked.cookie("draft") == "1" { "draft" } else { "public" });
    for (variant, cookie) in [("", "draft=1"), (" among others", "a=1; draft=1; b=2"), (" twice", "draft=0; draft=1")] {
        let attack = |client: &Client, path: &str| client.get(path, &[("Cookie", cookie)]);
        poison_page(&format!("XU-17{variant}"), "/draft/", by_cookie, attack, "draft");
    }
    let gate = Gate::new();
    let script = gate.clone();
    FIXTURE.site.on("/draft/xu-17", move |asked: &Asked| Answer::Gated(script.clone(), Box::new(by_cookie(asked))));
    let visitor = thread::spawn(|| FIXTURE.client().get("/draft/xu-17", &[]).text());
    FIXTURE.site.wait_for("/draft/xu-17", 1);
    let editor = thread::spawn(|| FIXTURE.client().get("/draft/xu-17", &[("Cookie", "draft=1")]).text());
    FIXTURE.site.wait_for("/draft/xu-17", 2);
    gate.open();
    assert_eq!(visitor.join().expect("it ends"), "public");
    assert_eq!(editor.join().expect("it ends"), "draft");
}

#[test]
fn xu_18_signed_out_is_signed_out() {
    for status in [401, 403, 302, 404, 410] {
        trial(&format!("XU-18 {status}"), State::StaleIfError, || {
            let path = format!("/user/xu-18-{status}");
            let count = AtomicUsize::new(0);
            FIXTURE.site.on(&path, move |asked: &Asked| match count.fetch_add(1, Ordering::SeqCst) {
                0 => {
                    Answer::ok(&[("Cache-Control", "max-age=60, stale-if-error=86400"), ("Age", "60")], asked.marker())
                }
                1 => Answer::new(status, &[], "signed out"),
                _ => Answer::new(503, &[], "broken"),
            });
            let client = FIXTURE.client();
            assert_eq!(client.get(&path, ALICE).status, 200);
            assert_eq!(client.get(&path, ALICE).status, status);
            let later = client.get(&path, ALICE);
            assert!(!later.contains("who=alice"), "{status}: {}", later.text());
        });
    }
}

#[test]
fn xu_19_a_client_cannot_widen_what_the_origin_narrowed() {
    for control in
        ["no-cache", "s-maxage=1", "max-age=1, proxy-revalidate", "max-age=1, must-revalidate", "max-age=60, no-cache"]
    {
        for ask in [
            "max-stale=999999",
            "max-stale",
            "MAX-STALE",
            "max-stale=\"999999\"",
            "max-stale, max-age=999999",
            "only-if-cached, max-stale",
        ] {
            trial(&format!("XU-19 {control} and {ask}"), State::Any, || {
                let path = format!("/plain/{}", slug("XU-19"));
                FIXTURE.site.on(&path, move |asked: &Asked| {
                    Answer::ok(&[("Cache-Control", control), ("Age", "1"), ("ETag", "\"v\"")], asked.marker())
                });
                assert!(!is_reused(&path, &[], &[("Cache-Control", ask)]), "{control} and {ask}");
            });
        }
    }
    for ask in ["max-stale=999999", "max-stale", "public, max-age=999999", "stale-if-error=999999", "immutable"] {
        let attack = |client: &Client, path: &str| client.get(path, &[("Cache-Control", ask)]);
        poison_page(&format!("XU-19 {ask}"), "/plain/", |_| Answer::ok(&[MINUTE], "page"), attack, "nothing");
    }
}
