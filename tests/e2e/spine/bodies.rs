//! Bodies: streamed, cut, coded, too large.

use std::time::Duration;

use super::{FRESH, WORLD, client, get};
use crate::support::{Answer, Gate, until};

#[test]
fn a_body_over_the_limit_is_delivered_and_not_stored() {
    for (path, size, hit) in [("/small/fits", 1000, true), ("/small/large", 1001, false)] {
        WORLD.origin.on(path, move |_| Answer::ok(&[FRESH], "x".repeat(size)));
        assert_eq!(get(path).body.len(), size);
        let second = get(path);
        assert_eq!((second.body.len(), second.is_hit()), (size, hit), "{path}");
    }
    let chunks: Vec<u8> = [
        &b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n"[..],
        &b"200\r\n"[..],
        &[b'x'; 512],
        b"\r\n200\r\n",
        &[b'y'; 512],
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    WORLD.origin.on("/small/chunked", move |_| Answer::Raw(chunks.clone()));
    for _ in 0..2 {
        let reply = get("/small/chunked");
        assert!(reply.complete && reply.body.len() == 1024 && !reply.is_hit());
    }
}

#[test]
fn a_body_of_many_pieces_is_stored_whole_whether_or_not_its_length_is_said() {
    let body: Vec<u8> = (0..1_000_000_u32).map(|at| (at / 1000 % 251) as u8).collect();
    let head = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n";
    let said = [format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat();
    let chunks =
        body.chunks(30_000).flat_map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes().into_iter().chain(chunks);
    let unsaid = chunked.chain(*b"0\r\n\r\n").collect::<Vec<_>>();
    for (path, raw) in [("/pieces/said", said), ("/pieces/unsaid", unsaid)] {
        WORLD.origin.on(path, move |_| Answer::Raw(raw.clone()));
        assert!(get(path).body == body, "{path}");
        let second = get(path);
        assert!(second.is_hit() && second.body == body, "{path}");
    }
}

/// A body that nobody but the cache reads comes to it at once, and not piece by piece.
#[test]
fn a_refresh_that_breaks_off_leaves_the_page_as_it_was() {
    let stale = ("Cache-Control", "max-age=0, stale-while-revalidate=60");
    WORLD.origin.on("/refreshed", move |_| Answer::ok(&[stale], "whole"));
    until(|| (get("/refreshed").detail().as_deref() == Some("stale-while-revalidate")).then_some(()));
    let head = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 20\r\n\r\n";
    WORLD.origin.on("/refreshed", move |_| Answer::Raw(format!("{head}half").into()));
    // There is one refresh at a time: where the next one begins, the one before it has ended.
    let begun = WORLD.origin.asked("/refreshed").len();
    until(|| {
        let reply = get("/refreshed");
        assert_eq!((reply.status, reply.text().as_str()), (200, "whole"), "{}", reply.cache_status());
        (WORLD.origin.asked("/refreshed").len() >= begun + 4).then_some(())
    });
}

#[test]
fn a_miss_streams_while_it_is_stored() {
    let gate = Gate::new();
    let script = gate.clone();
    WORLD.origin.on("/stream", move |_| {
        let start = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\nfirst".to_vec();
        Answer::Held(start, script.clone(), b"-last".to_vec())
    });
    let mut stream = client().open(b"GET /stream HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n");
    let mut received = Vec::new();
    let mut buffer = [0; 1024];
    while !String::from_utf8_lossy(&received).contains("first") {
        let read =
            std::io::Read::read(&mut stream, &mut buffer).expect("the first half comes before the second is sent");
        assert!(read > 0, "{}", String::from_utf8_lossy(&received));
        received.extend_from_slice(&buffer[..read]);
    }
    gate.open();
    std::io::Read::read_to_end(&mut stream, &mut received).expect("the rest comes");
    assert!(String::from_utf8_lossy(&received).ends_with("first-last"));
    assert_eq!(get("/stream").text(), "first-last");
    assert_eq!(WORLD.origin.asked("/stream").len(), 1);
}

#[test]
fn every_client_gets_a_coding_it_accepts_and_the_origin_is_always_asked_the_same() {
    let gzipped: &[u8] = &[
        31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 203, 72, 205, 201, 201, 87, 40, 207, 47, 202, 73, 1, 0, 133, 17, 74, 13, 11,
        0, 0, 0,
    ];
    WORLD.origin.on("/gzip", move |_| Answer::ok(&[FRESH, ("Content-Encoding", "gzip"), ("ETag", "\"v1\"")], gzipped));
    let packed = client().get("/gzip", &[("Accept-Encoding", "gzip")]);
    assert_eq!(
        (packed.header("content-encoding").as_deref(), packed.body.as_slice()),
        (Some("gzip"), gzipped),
        "a miss passes it on as it is"
    );
    for accepted in ["gzip", "br;q=0", "identity", "invalid;q=xx", "*;q=0", ""] {
        let reply = client().get("/gzip", &[("Accept-Encoding", accepted)]);
        assert_eq!((reply.text().as_str(), reply.header("content-encoding")), ("hello world", None), "{accepted}");
        assert_eq!(reply.header("etag").as_deref(), Some("W/\"v1\""), "other bytes have no strong tag of their own");
    }
    WORLD.origin.on("/gzip-plainly", move |_| Answer::ok(&[FRESH, ("Content-Encoding", "gzip")], gzipped));
    assert_eq!(get("/gzip-plainly").text(), "hello world", "a client that does not accept it");
    let asked = [WORLD.origin.asked("/gzip"), WORLD.origin.asked("/gzip-plainly")].concat();
    assert!(asked.iter().all(|asked| asked.header("accept-encoding") == Some("gzip")), "{asked:?}");
    WORLD.origin.on("/not-gzip", |_| Answer::ok(&[FRESH, ("Content-Encoding", "gzip")], "plain"));
    for _ in 0..2 {
        let reply = client().get("/not-gzip", &[("Accept-Encoding", "gzip")]);
        assert_eq!((reply.status, reply.text().as_str(), reply.is_hit()), (200, "plain", false));
    }
}

#[test]
fn a_stream_of_events_arrives_as_it_is_sent() {
    WORLD.origin.on("/events", |_| {
        let start = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n".to_vec();
        Answer::Pieces(vec![start, b"9\r\ndata: 2\n\n\r\n0\r\n\r\n".to_vec()], Duration::from_millis(50))
    });
    assert_eq!(get("/events").text(), "data: 1\n\ndata: 2\n\n");
}
