//! Whose page is whose, by the cookie in the key.

use std::thread;
use std::time::Duration;

use super::{FIXTURE, State, brought_to, never_shared, slug, sweep, trial};
use crate::support::{Answer, Asked, Client, Gate, Reply};

const ALICE: &[(&str, &str)] = &[("Cookie", "sid=alice")];
const MINUTE: (&str, &str) = ("Cache-Control", "max-age=60");

/// A request with a line of cookies, byte by byte.
fn with_cookies(client: &Client, path: &str, line: &[u8]) -> Reply {
    let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nCookie: ", client.host());
    client.raw(&[head.as_bytes(), line, b"\r\n\r\n"].concat())
}

/// Alice's page is there, in every state, and somebody asks with a line of cookies that is not hers: they do not get what is stored for
/// her, and she does not get what they were sent.
fn is_not_alice(case: &str, line: &[u8]) {
    let own = slug(case);
    sweep(case, |state| {
        let path = format!("/user/{own}-{state}");
        let mut page = brought_to(state, &path, ALICE, |asked| Answer::ok(&[MINUTE], asked.marker()));
        let before = page.origin.asked(&path).len();
        let reply = page.ask(|client, path| with_cookies(client, path, line));
        let asked = page.origin.asked(&path);
        let answered = asked[before..].iter().any(|asked| reply.text().contains(&format!("n={}", asked.number)));
        assert!(answered || !reply.contains("alice"), "{case}, {state}: {}", reply.text());
        for seen in page.first.take().into_iter().chain([page.client.get(&path, ALICE), page.client.get(&path, ALICE)])
        {
            assert!(seen.text().contains("who=alice "), "{case}, {state}: {}", seen.text());
        }
    });
}

#[test]
fn xu_11_13_a_cookie_that_can_be_read_in_two_ways_is_nobodys_identity() {
    let unclear: [&[u8]; 12] = [
        b"sid=caf\xe9",
        b"sid=caf\xe8",
        b"sid=alice\xff",
        b"sid=a; sid=b",
        b"sid=alice; sid=bob",
        b"sid =alice",
        b"$Version=1; sid=alice",
        b"sid= alice",
        b"a=1, sid=alice",
        b"sid=alice ;a=1",
        b"sid=alice\tx",
        b"sid=\"alice",
    ];
    for line in unclear {
        let case = if line.is_ascii() { "XU-13" } else { "XU-11" };
        is_not_alice(&format!("{case} {}", line.escape_ascii()), line);
    }
    for line in &unclear[..11] {
        let reply = with_cookies(&FIXTURE.client(), "/user/xu-11", line);
        assert_eq!(
            reply.detail().as_deref(),
            Some("identity-unclear"),
            "{}: {}",
            line.escape_ascii(),
            reply.cache_status()
        );
    }
    for line in [
        "sid=\"alice\"",
        "SID=alice",
        "Sid=alice",
        "sid=",
        "sid",
        "x=1",
        "sid=Alice",
        "sid=alic",
        "sid=alice%20",
        "sid=%61lice",
        "xsid=alice",
        "sid.=alice",
    ] {
        is_not_alice(&format!("XU-13 {line}"), line.as_bytes());
    }
    trial("XU-13 an empty value and none", State::Fresh, || {
        let client = FIXTURE.client();
        let [empty, none] = ["sid=", "x=1"].map(|cookie| client.get("/user/xu-13", &[("Cookie", cookie)]));
        assert_ne!(empty.text(), none.text());
    });
}

fn mints(asked: &Asked, control: &str) -> Answer {
    let session = format!("sid=mine={}", asked.number);
    Answer::ok(&[("Cache-Control", control), ("Set-Cookie", &session)], asked.marker())
}

#[test]
fn xu_14_a_cookie_minted_for_one_visitor_is_not_minted_for_all() {
    never_shared("XU-14", "/user/", &[&[]], |asked| mints(asked, "max-age=60"));
    never_shared("XU-14 for some", "/user/", &[ALICE, &[], &[("Cookie", "sid=bob")]], |asked| {
        mints(asked, "public, max-age=60")
    });
}

#[test]
fn xu_15_fifty_users_at_once_get_fifty_pages() {
    trial("XU-15", State::Filling, fifty_users);
}

fn fifty_users() {
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
fn xu_22_a_value_too_long_for_a_key_passes_and_many_values_stay_apart() {
    let client = FIXTURE.client();
    trial("XU-22 too long", State::Any, || {
        let long = format!("sid={}", "x".repeat(4097));
        for _ in 0..2 {
            let reply = client.get("/user/xu-22", &[("Cookie", &long)]);
            assert_eq!(reply.detail().as_deref(), Some("identity-unclear"));
        }
    });
    trial("XU-22 long", State::Fresh, || {
        let stem = "x".repeat(4000);
        for end in ["a", "b", "a", "b"] {
            let seen = client.get("/user/xu-22-long", &[("Cookie", &format!("sid={stem}{end}"))]);
            assert!(seen.contains(&format!("{end} ")), "{}", seen.text());
        }
        assert_eq!(FIXTURE.site.asked("/user/xu-22-long").len(), 2);
    });
    trial("XU-22 many", State::Cold, || {
        for _ in 0..2 {
            for number in 0..300 {
                let seen = client.get("/user/xu-22-many", &[("Cookie", &format!("sid=user{number}."))]);
                assert!(seen.contains(&format!("who=user{number}. ")), "{}", seen.text());
            }
        }
    });
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
