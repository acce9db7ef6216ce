//! What origins do, and what becomes of it.

use std::net::TcpListener;
use std::thread;

use serde_json::json;

use super::{FRESH, STALE, WORLD, client, get};
use crate::support::{Answer, Asked, Gate, Worker};

#[test]
fn no_status_and_no_field_of_an_origin_becomes_our_error() {
    for (name, raw, statuses) in [
        ("600", "HTTP/1.1 600 Odd\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok", &[600][..]),
        ("999", "HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok", &[999]),
        ("299", "HTTP/1.1 299 Odd\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok", &[299]),
        ("204", "HTTP/1.1 204 No Content\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok", &[204]),
        ("205", "HTTP/1.1 205 Reset\r\nCache-Control: max-age=60\r\nContent-Length: 0\r\n\r\n", &[205]),
        ("304", "HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\n\r\n", &[502]),
        ("101", "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", &[502]),
        ("099", "HTTP/1.1 99 Odd\r\nContent-Length: 2\r\n\r\nok", &[502]),
        ("garbage", "this is not HTTP\r\n\r\n", &[502]),
        ("nothing", "", &[502]),
        (
            "control",
            "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nX-A: a\x07b\r\nContent-Length: 2\r\n\r\nok",
            &[200],
        ),
        ("many", "", &[200]),
    ] {
        let path = format!("/odd-{name}");
        let bytes = match name {
            "many" => {
                let fields: String = (0..1000).map(|number| format!("X-{number}: {}\r\n", "v".repeat(50))).collect();
                format!("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n{fields}Content-Length: 2\r\n\r\nok")
                    .into_bytes()
            }
            _ => raw.as_bytes().to_vec(),
        };
        WORLD.origin.on(&path, move |_| Answer::Raw(bytes.clone()));
        for _ in 0..2 {
            let reply = get(&path);
            assert!(statuses.contains(&reply.status), "{name}: {}", reply.status);
        }
    }
    assert_eq!(get("/after-all-that").status, 200);
}

#[test]
fn a_field_that_is_not_utf_8_is_delivered_as_it_is_or_not_at_all() {
    let bytes = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nX-Latin: caf\xe9\r\nX-Utf8: caf\xc3\xa9\r\nContent-Length: 2\r\n\r\nok".to_vec();
    WORLD.origin.on("/latin", move |_| Answer::Raw(bytes.clone()));
    for _ in 0..2 {
        let reply = get("/latin");
        assert_eq!((reply.header("x-latin"), reply.header("x-utf8").as_deref()), (None, Some("caf\u{e9}")));
    }
}

#[test]
fn a_client_that_goes_away_does_not_keep_the_page_from_the_others() {
    let gate = Gate::new();
    let script = gate.clone();
    WORLD.origin.on("/gone", move |asked: &Asked| {
        Answer::Gated(script.clone(), Box::new(Answer::ok(&[FRESH], asked.marker())))
    });
    let leaving = client().open(b"GET /gone HTTP/1.1\r\nHost: site.test\r\n\r\n");
    WORLD.origin.wait_for("/gone", 1);
    let waiting = thread::spawn(|| get("/gone"));
    drop(leaving);
    gate.open();
    assert_eq!(waiting.join().expect("it ends").status, 200);
    assert_eq!(WORLD.origin.asked("/gone").len(), 1);
}

#[test]
fn a_hundred_concurrent_misses_are_one_request() {
    let gate = Gate::new();
    let script = gate.clone();
    WORLD.origin.on("/crowd", move |asked: &Asked| {
        Answer::Gated(script.clone(), Box::new(Answer::ok(&[FRESH], asked.marker())))
    });
    let visitors: Vec<_> = (0..100).map(|_| thread::spawn(|| get("/crowd"))).collect();
    WORLD.origin.wait_for("/crowd", 1);
    gate.open();
    let replies: Vec<_> = visitors.into_iter().map(|visitor| visitor.join().expect("it ends")).collect();
    assert!(replies.iter().all(|reply| reply.text() == replies[0].text() && reply.status == 200));
    assert_eq!(WORLD.origin.asked("/crowd").len(), 1);
    assert!(replies.iter().any(|reply| reply.cache_status().contains("collapsed")));
}

#[test]
fn an_origin_that_does_not_answer_in_time_is_given_up() {
    let gate = Gate::new();
    let script = gate.clone();
    WORLD
        .origin
        .on("/impatient/headers", move |_| Answer::Gated(script.clone(), Box::new(Answer::ok(&[FRESH], "late"))));
    let reply = get("/impatient/headers");
    assert_eq!((reply.status, reply.detail().as_deref()), (504, Some("origin-timeout")));
    gate.open();
    let never = Gate::new();
    WORLD.origin.on("/impatient/body", move |_| {
        Answer::Held(
            b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\nfirst".to_vec(),
            never.clone(),
            Vec::new(),
        )
    });
    assert!(!get("/impatient/body").complete, "a body that stalls ends, and not as if it were whole");
}

#[test]
fn a_stale_page_stands_in_for_an_origin_that_is_down() {
    WORLD.origin.on("/down", |asked: &Asked| {
        if WORLD.origin.asked("/down").len() == 1 { Answer::ok(&[FRESH, STALE], asked.marker()) } else { Answer::Reset }
    });
    let first = get("/down");
    let second = get("/down");
    assert_eq!((second.status, second.text(), second.detail().as_deref()), (200, first.text(), Some("stale-if-error")));
    WORLD.origin.on("/down-for-good", |_| Answer::Reset);
    assert_eq!(get("/down-for-good").status, 502);
}

#[test]
fn while_a_page_is_refreshed_the_old_one_is_served() {
    WORLD.origin.on("/swr/page", |asked: &Asked| {
        let stale = if WORLD.origin.asked("/swr/page").len() == 1 { "60" } else { "0" };
        Answer::ok(&[FRESH, ("Age", stale)], asked.marker())
    });
    let first = get("/swr/page");
    let second = get("/swr/page");
    assert_eq!((second.text(), second.detail().as_deref()), (first.text(), Some("stale-while-revalidate")));
    WORLD.origin.wait_for("/swr/page", 2);
    let later = (0..200).map(|_| get("/swr/page")).find(|reply| reply.text() != first.text());
    assert!(later.is_some_and(|reply| reply.is_hit()), "the refreshed page is there before long");
}

#[test]
fn the_origins_own_name_is_replaced_by_the_visitors() {
    let origin = WORLD.origin.url();
    WORLD.origin.on("/redirect", move |_| {
        Answer::new(
            302,
            &[("Location", &format!("{origin}/target?x=1")), ("Content-Location", &format!("{origin}/c"))],
            "",
        )
    });
    let reply = get("/redirect");
    assert_eq!(reply.header("location").as_deref(), Some("http://site.test/target?x=1"));
    assert_eq!(reply.header("content-location").as_deref(), Some("http://site.test/c"));
    WORLD.origin.on("/elsewhere", |_| Answer::new(302, &[("Location", "https://other.example/x")], ""));
    assert_eq!(get("/elsewhere").header("location").as_deref(), Some("https://other.example/x"));
}

#[test]
fn a_websocket_goes_through_untouched() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("the loopback has a free port");
    let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
    let echo = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("somebody comes");
        let mut socket = tungstenite::accept(stream).expect("it is a handshake");
        let message = socket.read().expect("a message comes");
        socket.send(message).expect("it goes back");
        // The client closes.
        while socket.read().is_ok() {}
    });
    let worker = Worker::start(&json!({ "ORIGIN": origin, "SITE": { "cache": "force", "ttl": 60 } }));
    let (mut socket, response) =
        tungstenite::connect(format!("ws://{}/socket", worker.address)).expect("it is let through");
    assert_eq!(response.status(), 101);
    socket.send("hello".into()).expect("it is sent");
    assert_eq!(socket.read().expect("it comes back").to_text().expect("text"), "hello");
    socket.close(None).expect("it closes");
    while socket.read().is_ok() {}
    echo.join().expect("the origin ends");
}
