//! The origin answers, and the body is not what its head promised; or nobody wants it any more.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::process::{Command, Stdio};
use std::thread;

use super::{FRESH, Site, first_waits};
use crate::support::{Answer, Asked, Gate, until};

const HEAD: &str = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n";

/// The client can tell that the body is not whole, those who wait get it no more than the first, and nothing is stored.
fn breaks_off(site: &Site, name: &str, fault: impl Fn() -> Answer + Clone + Send + Sync + 'static) {
    let (alone, crowd) = (format!("/{name}/alone"), format!("/{name}/crowd"));
    site.origin.on(&alone, {
        let fault = fault.clone();
        move |_| fault()
    });
    let reply = site.get(&alone);
    assert!(!reply.complete || reply.status == 502, "{name}: {} {}", reply.status, reply.text());
    assert_eq!(site.stored(&alone).detail().as_deref(), Some("only-if-cached"), "{name}");
    site.origin.on(&alone, |asked: &Asked| Answer::ok(&[FRESH], asked.marker()));
    let next = site.get(&alone);
    assert!((next.status, next.complete) == (200, true), "{name}: nothing is locked");
    let replies = site.crowd(&crowd, fault);
    assert!(replies.iter().all(|reply| !reply.complete || reply.status == 502), "{name}");
    assert_eq!(site.stored(&crowd).detail().as_deref(), Some("only-if-cached"), "{name}");
}

#[test]
fn f_03_a_body_that_stalls_ends_and_not_as_if_it_were_whole() {
    let site = Site::of("f03.test");
    let never = Gate::new();
    let gate = never.clone();
    breaks_off(&site, "stall", move || {
        Answer::Held(format!("{HEAD}Content-Length: 10\r\n\r\nfirst").into(), gate.clone(), Vec::new())
    });
    never.open();
}

#[test]
fn f_04_a_body_that_breaks_off_is_not_stored_and_not_passed_off_as_whole() {
    let site = Site::of("f04.test");
    for (name, rest) in [
        ("length", "Content-Length: 20\r\n\r\nhalf"),
        ("chunks", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
        ("chunk", "Transfer-Encoding: chunked\r\n\r\n20\r\nhalf"),
        ("size", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nno number\r\n"),
    ] {
        breaks_off(&site, name, move || Answer::raw(format!("{HEAD}{rest}")));
    }
}

#[test]
fn f_06_a_body_that_ends_with_its_connection_is_delivered() {
    let site = Site::of("f06.test");
    for version in ["1.0", "1.1"] {
        let path = format!("/close-{version}");
        let raw = format!("HTTP/{version} 200 OK\r\nCache-Control: max-age=60\r\nConnection: close\r\n\r\nall of it");
        site.origin.on(&path, move |_| Answer::raw(raw.clone()));
        for _ in 0..2 {
            let reply = site.get(&path);
            assert_eq!((reply.status, reply.text().as_str(), reply.complete), (200, "all of it", true), "{version}");
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut child =
        Command::new("gzip").arg("-9c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("gzip is there");
    let mut input = child.stdin.take().expect("it is piped");
    let bytes = bytes.to_vec();
    let feeding = thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().expect("it ends").stdout;
    feeding.join().expect("it is fed").expect("it takes it");
    output
}

#[test]
fn f_13_a_coding_that_is_not_what_it_says_is_passed_on_and_kept_from_nobody() {
    let site = Site::of("f13.test");
    let text = "all of the page ".repeat(100);
    let coded = gzip(text.as_bytes());
    let half = coded[..coded.len() / 2].to_vec();
    let cases = [
        // Coding, body, and whether a client that takes it gets the whole page.
        ("gzip", coded.clone(), true),
        ("GZIP", coded, true),
        ("zstd", b"whatever that is".to_vec(), true),
        ("gzip", text.clone().into_bytes(), false),
        ("gzip", half, false),
    ];
    for (number, (coding, body, whole)) in cases.into_iter().enumerate() {
        let path = format!("/coded-{number}");
        let sent = body.clone();
        site.origin.on(&path, move |_| Answer::ok(&[FRESH, ("Content-Encoding", coding)], sent.clone()));
        let takes = &[("Accept-Encoding", "gzip, zstd")];
        let replies: Vec<_> = (0..2).map(|_| site.client.get(&path, takes)).collect();
        for reply in replies {
            assert_eq!(reply.status, 200, "{number}: {}", reply.text());
            let says = reply.header("content-encoding");
            let is_the_page = if says.is_some() { reply.body == body } else { reply.text() == text };
            assert!(!whole || (reply.complete && is_the_page), "{number}: {says:?} {}", reply.body.len());
            // What cannot be decoded comes as it was sent, or breaks off: never as something else.
            assert!(whole || !reply.complete || reply.body == body, "{number}: {says:?} {}", reply.body.len());
        }
        if !whole {
            assert_eq!(site.stored(&path).detail().as_deref(), Some("only-if-cached"), "{number}: it is not stored");
        }
    }
}

#[test]
fn f_14_a_body_without_end_or_measure_streams_through_and_is_not_stored() {
    let site = Site::of("f14.test");
    let bomb = gzip(&vec![0; 64 << 20]);
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    site.origin.on("/bomb", move |_| Answer::ok(&[FRESH, ("Content-Encoding", "gzip")], bomb.clone()));
    site.origin.on("/large", |_| Answer::ok(&[FRESH], vec![b'x'; 26 << 20]));
    for path in ["/bomb", "/large"] {
        for _ in 0..2 {
            let reply = site.client.get(path, &[("Accept-Encoding", "gzip")]);
            assert_eq!((reply.status, reply.complete, reply.is_hit()), (200, true, false), "{path}");
        }
        assert_eq!(site.origin.asked(path).len(), 2, "{path}");
    }
    site.origin.on("/endless", |_| {
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        Answer::Endless(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n").into(), chunk.into())
    });
    let mut reading = site.client.open(b"GET /endless HTTP/1.1\r\nHost: f14.test\r\n\r\n");
    let mut some = vec![0; 8 << 20];
    reading.read_exact(&mut some).expect("it streams");
    drop(reading);
    assert_eq!(site.stored("/endless").detail().as_deref(), Some("only-if-cached"));
    assert_eq!(site.get("/after-all-that").status, 200);
}

#[test]
fn f_49_57_a_client_that_goes_away_does_not_keep_the_page_from_the_others() {
    let site = Site::of("f57.test");
    // Before the headers.
    let gate = Gate::new();
    first_waits(site.origin, "/early", &gate, |asked| Answer::ok(&[FRESH], asked.marker()));
    let leaving = site.client.open(b"GET /early HTTP/1.1\r\nHost: f57.test\r\n\r\n");
    site.origin.wait_for("/early", 1);
    let client = site.client;
    let waiting = thread::spawn(move || client.get("/early", &[]));
    drop(leaving);
    gate.open();
    assert_eq!(waiting.join().expect("it ends").status, 200);
    assert_eq!(site.origin.asked("/early").len(), 1);

    // In the middle of the body: it is read to its end, and stored.
    let gate = Gate::new();
    let script = gate.clone();
    site.origin.on("/half", move |_| {
        Answer::Held(format!("{HEAD}Content-Length: 10\r\n\r\nfirst").into(), script.clone(), b"-half".to_vec())
    });
    let mut leaving = site.client.open(b"GET /half HTTP/1.1\r\nHost: f57.test\r\n\r\n");
    let mut received = Vec::new();
    while !received.ends_with(b"first") {
        let mut byte = [0];
        leaving.read_exact(&mut byte).expect("it streams");
        received.push(byte[0]);
    }
    drop(leaving);
    gate.open();
    let stored = until(|| Some(site.stored("/half")).filter(|reply| reply.status == 200));
    assert_eq!((stored.text().as_str(), site.origin.asked("/half").len()), ("first-half", 1));

    // In the middle of an upload: the origin gets no request that passes for whole.
    let uploading =
        site.client.open(b"POST /upload HTTP/1.1\r\nHost: f57.test\r\nContent-Length: 100\r\n\r\nthe start of it");
    uploading.shutdown(Shutdown::Both).expect("it can be broken off");
    assert_eq!(site.get("/after-upload").status, 200);
    assert!(site.origin.asked("/upload").is_empty());
}
