//! What origins do, and what becomes of it.

use std::net::TcpListener;
use std::thread;

use serde_json::json;

use super::{FRESH, WORLD, get};
use crate::support::{Answer, Asked, Worker};

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
