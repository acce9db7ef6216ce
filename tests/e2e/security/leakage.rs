//! One user's page in another's browser.

use std::thread;
use std::time::Duration;

use super::FIXTURE;
use crate::support::{Answer, Asked, Gate};

/// The origin sends `fields` with the page of whoever asks; nobody gets another's.
fn keeps_apart(path: &str, fields: &'static [(&'static str, &'static str)]) {
    FIXTURE.site.on(path, move |asked: &Asked| Answer::ok(fields, asked.marker()));
    let client = FIXTURE.client();
    for round in 0..2 {
        for sid in ["alice", "bob", ""] {
            let cookie = format!("sid={sid}");
            let fields: &[(&str, &str)] = if sid.is_empty() { &[] } else { &[("Cookie", &cookie)] };
            let seen = client.get(path, fields);
            for other in ["alice", "bob"].iter().filter(|other| **other != sid) {
                assert!(!seen.contains(other), "{path} round {round}: {sid:?} saw {other}: {}", seen.text());
            }
        }
    }
}

/// The same answer to two requests means that it was kept.
fn is_reused(path: &str, first: &[(&str, &str)], second: &[(&str, &str)]) -> bool {
    let client = FIXTURE.client();
    client.get(path, first).text() == client.get(path, second).text()
}

#[test]
fn xu_01_02_an_answer_that_sets_a_cookie_is_for_one() {
    for (path, control) in
        [("/pub/xu-01", "max-age=60"), ("/pub/xu-02", "public, s-maxage=600"), ("/plain/xu-02", "public, s-maxage=600")]
    {
        FIXTURE.site.on(path, move |asked: &Asked| {
            Answer::ok(
                &[("Cache-Control", control), ("Set-Cookie", &format!("sid=user{}", asked.number))],
                asked.marker(),
            )
        });
        let client = FIXTURE.client();
        let (first, second) = (client.get(path, &[]), client.get(path, &[]));
        assert_ne!(first.header("set-cookie"), second.header("set-cookie"), "{path}");
        assert_ne!(first.text(), second.text(), "{path}");
        assert_eq!(second.detail().as_deref(), Some("set-cookie"), "{path}");
    }
}

#[test]
fn xu_03_a_cookie_named_in_a_directive_is_not_replayed() {
    for (path, control) in
        [("/pub/xu-03a", "max-age=60, no-cache=\"Set-Cookie\""), ("/pub/xu-03b", "max-age=60, private=\"Set-Cookie\"")]
    {
        FIXTURE.site.on(path, move |asked: &Asked| {
            Answer::ok(
                &[("Cache-Control", control), ("Set-Cookie", &format!("sid=user{}", asked.number))],
                asked.marker(),
            )
        });
        let client = FIXTURE.client();
        assert_ne!(client.get(path, &[]).header("set-cookie"), client.get(path, &[]).header("set-cookie"), "{path}");
    }
}

#[test]
fn xu_05_fields_of_an_early_hint_are_not_kept() {
    FIXTURE.site.on("/pub/xu-05", |_| {
        Answer::raw("HTTP/1.1 103 Early Hints\r\nSet-Cookie: sid=alice\r\nX-Hint: 1\r\n\r\nHTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\npage")
    });
    let client = FIXTURE.client();
    for _ in 0..2 {
        let reply = client.get("/pub/xu-05", &[]);
        assert_eq!(reply.text(), "page");
        assert!(reply.header("set-cookie").is_none() && reply.header("x-hint").is_none());
    }
}

#[test]
fn xu_06_07_an_answer_to_authorization_needs_the_origins_word() {
    let auth = [("Authorization", "Bearer alice")];
    for (path, control, reused) in [
        ("/plain/xu-06", "max-age=60", false),
        ("/plain/xu-07a", "max-age=60, public", true),
        ("/plain/xu-07b", "s-maxage=60", true),
        ("/plain/xu-07c", "max-age=60, must-revalidate", true),
        ("/pub/xu-07d", "max-age=60, public", false),
    ] {
        FIXTURE.site.on(path, move |asked: &Asked| Answer::ok(&[("Cache-Control", control)], asked.marker()));
        assert_eq!(is_reused(path, &auth, &[]), reused, "{path} {control}");
    }
}

#[test]
fn xu_09_10_a_page_that_varies_by_cookie_is_not_shared_without_one_in_the_key() {
    for path in ["/pub/xu-09", "/pub/xu-10"] {
        keeps_apart(path, &[("Cache-Control", "max-age=60"), ("Vary", "Cookie")]);
        assert!(!is_reused(path, &[("Cookie", "_ga=1")], &[]), "{path}");
    }
}

#[test]
fn a_plain_route_shares_nothing_that_was_asked_for_with_a_cookie() {
    keeps_apart("/plain/cookie", &[("Cache-Control", "max-age=60")]);
    keeps_apart("/plain/vary", &[("Cache-Control", "max-age=60"), ("Vary", "Cookie")]);
}

#[test]
fn xu_11_13_a_cookie_that_can_be_read_in_two_ways_is_nobodys_identity() {
    let client = FIXTURE.client();
    for line in [
        &b"sid=caf\xe9"[..],
        b"sid=caf\xe8",
        b"sid=a; sid=b",
        b"sid =alice",
        b"$Version=1; sid=alice",
        b"sid= alice",
        b"a=1, sid=alice",
        b"sid=alice ;a=1",
    ] {
        let request =
            [b"GET /user/xu-11 HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\nCookie: ", line, b"\r\n\r\n"]
                .concat();
        let reply = client.raw(&request);
        assert_eq!(
            reply.detail().as_deref(),
            Some("identity-unclear"),
            "{}: {}",
            String::from_utf8_lossy(line),
            reply.cache_status()
        );
    }
    for (one, other) in [("sid=\"alice\"", "sid=alice"), ("SID=alice", "sid=alice"), ("sid=", "x=1")] {
        let path = format!("/user/xu-13-{}", one.len() + other.len());
        assert!(!is_reused(&path, &[("Cookie", one)], &[("Cookie", other)]), "{one} and {other}");
    }
}

#[test]
fn xu_14_a_cookie_minted_for_one_visitor_is_not_minted_for_all() {
    FIXTURE.site.on("/user/xu-14", |asked: &Asked| {
        let minted = format!("sid=new{}", asked.number);
        Answer::ok(&[("Cache-Control", "max-age=60"), ("Set-Cookie", &minted)], asked.marker())
    });
    let client = FIXTURE.client();
    assert_ne!(
        client.get("/user/xu-14", &[]).header("set-cookie"),
        client.get("/user/xu-14", &[]).header("set-cookie")
    );
}

#[test]
fn xu_15_fifty_users_at_once_get_fifty_pages() {
    let gate = Gate::new();
    let script = gate.clone();
    FIXTURE.site.on("/user/xu-15", move |asked: &Asked| {
        Answer::Gated(script.clone(), Box::new(Answer::ok(&[("Cache-Control", "max-age=60")], asked.marker())))
    });
    let users: Vec<_> = (0..50)
        .map(|number| {
            thread::spawn(move || {
                FIXTURE.client().get("/user/xu-15", &[("Cookie", &format!("sid=user{number}."))]).text()
            })
        })
        .collect();
    FIXTURE.site.wait_for("/user/xu-15", 50);
    gate.open();
    for (number, user) in users.into_iter().enumerate() {
        let page = user.join().expect("the request ends");
        assert!(page.contains(&format!("who=user{number}. ")), "user {number}: {page}");
    }
}

#[test]
fn xu_17_a_request_that_passes_neither_joins_nor_feeds_a_fill() {
    let gate = Gate::new();
    let script = gate.clone();
    FIXTURE.site.on("/draft/xu-17", move |asked: &Asked| {
        let draft = asked.cookie("draft") == "1";
        let answer = Answer::ok(&[("Cache-Control", "max-age=60")], if draft { "draft" } else { "public" });
        Answer::Gated(script.clone(), Box::new(answer))
    });
    let visitor = thread::spawn(|| FIXTURE.client().get("/draft/xu-17", &[]).text());
    FIXTURE.site.wait_for("/draft/xu-17", 1);
    let editor = thread::spawn(|| FIXTURE.client().get("/draft/xu-17", &[("Cookie", "draft=1")]).text());
    FIXTURE.site.wait_for("/draft/xu-17", 2);
    gate.open();
    assert_eq!(visitor.join().expect("it ends"), "public");
    assert_eq!(editor.join().expect("it ends"), "draft");
    assert_eq!(FIXTURE.client().get("/draft/xu-17", &[]).text(), "public");
}

#[test]
fn xu_18_signed_out_is_signed_out() {
    for status in [401, 403, 302, 404, 410] {
        let path = format!("/user/xu-18-{status}");
        FIXTURE.site.on(&path, move |asked: &Asked| match asked.cookie("sid").as_str() {
            "alice" if asked.header("x-phase").is_none() && FIXTURE.site.asked(&asked.target).len() == 1 => {
                Answer::ok(&[("Cache-Control", "max-age=60, stale-if-error=86400"), ("Age", "60")], asked.marker())
            }
            _ if FIXTURE.site.asked(&asked.target).len() == 2 => Answer::new(status, &[], "signed out"),
            _ => Answer::new(503, &[], "broken"),
        });
        let client = FIXTURE.client();
        let cookie = [("Cookie", "sid=alice")];
        assert_eq!(client.get(&path, &cookie).status, 200);
        assert_eq!(client.get(&path, &cookie).status, status);
        let later = client.get(&path, &cookie);
        assert!(!later.contains("who=alice"), "{status}: {}", later.text());
    }
}

#[test]
fn xu_19_a_client_cannot_widen_what_the_origin_narrowed() {
    for (number, control) in
        ["no-cache", "s-maxage=1", "max-age=1, proxy-revalidate", "max-age=1, must-revalidate"].iter().enumerate()
    {
        for ask in ["max-stale=999999", "max-stale"] {
            let path = format!("/plain/xu-19-{number}-{}", ask.len());
            FIXTURE.site.on(&path, move |asked: &Asked| {
                Answer::ok(&[("Cache-Control", control), ("Age", "1"), ("ETag", "\"v\"")], asked.marker())
            });
            assert!(!is_reused(&path, &[], &[("Cache-Control", ask)]), "{control} and {ask}");
        }
    }
}

#[test]
fn xu_21_a_picture_that_varies_by_who_asks_is_not_shared() {
    keeps_apart("/api/xu-21", &[("Cache-Control", "max-age=60"), ("Vary", "Cookie"), ("Content-Type", "image/png")]);
    keeps_apart(
        "/api/xu-21b",
        &[("Cache-Control", "max-age=60"), ("Vary", "Authorization"), ("Content-Type", "image/png")],
    );
}

#[test]
fn xu_22_a_value_too_long_for_a_key_passes() {
    let long = format!("sid={}", "x".repeat(4097));
    assert_eq!(FIXTURE.client().get("/user/xu-22", &[("Cookie", &long)]).detail().as_deref(), Some("identity-unclear"));
}

#[test]
fn each_user_hits_their_own_page() {
    let client = FIXTURE.client();
    for sid in ["alice", "bob"] {
        let cookie = format!("sid={sid}; _ga=1");
        let first = client.get("/user/own", &[("Cookie", &cookie)]);
        let second = client.get("/user/own", &[("Cookie", &format!("other={sid}; sid={sid}"))]);
        assert!(second.is_hit(), "{}", second.cache_status());
        assert_eq!(first.text(), second.text());
        assert_eq!(second.header("cache-control").as_deref(), Some("private, max-age=0"));
    }
    assert_eq!(FIXTURE.site.asked("/user/own").len(), 2);
}

#[test]
fn nobody_is_logged_out_by_a_page_that_does_not_know_them() {
    FIXTURE.site.on("/pub/session", |asked: &Asked| match asked.cookie("sid").as_str() {
        "" => Answer::ok(&[("Set-Cookie", "sid=fresh")], "a new session"),
        sid => Answer::ok(&[], format!("the session of {sid}")),
    });
    let client = FIXTURE.client();
    let reply = client.get("/pub/session", &[("Cookie", "sid=alice")]);
    assert_eq!((reply.text().as_str(), reply.header("set-cookie")), ("the session of alice", None));
    assert_eq!(reply.detail().as_deref(), Some("withheld-cookie-set"));
    let again = client.get("/pub/session", &[("Cookie", "sid=bob")]);
    assert_eq!(again.text(), "the session of bob");
    assert_eq!(FIXTURE.site.asked("/pub/session").len(), 3, "once it is known the request goes through whole at once");
}

#[test]
fn a_slow_origin_does_not_mix_up_who_asked() {
    FIXTURE.site.on("/user/slow", |asked: &Asked| {
        let body = asked.marker();
        let (head, rest) = body.split_at(body.len() / 2);
        let start =
            format!("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: {}\r\n\r\n{head}", body.len());
        Answer::Pieces(vec![start.into_bytes(), rest.as_bytes().to_vec()], Duration::from_millis(100))
    });
    let users: Vec<_> = (0..20)
        .map(|number| {
            thread::spawn(move || {
                FIXTURE.client().get("/user/slow", &[("Cookie", &format!("sid=user{}.", number % 4))]).text()
            })
        })
        .collect();
    for (number, user) in users.into_iter().enumerate() {
        assert!(user.join().expect("it ends").contains(&format!("who=user{}. ", number % 4)));
    }
}
