//! PI: what stands on the wire, on either side.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{FIXTURE, State, brought_to, sweep, trial};
use crate::support::{Answer, Client, Reply, until};

const FRESH: (&str, &str) = ("Cache-Control", "max-age=60");

fn client() -> Client {
    FIXTURE.client()
}

/// A response of so many bytes, with these lines in its head.
fn response(lines: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n{lines}Content-Length: 4\r\n\r\npage").into_bytes()
}

#[test]
fn pi_01_a_redirect_is_kept_by_nobody_unless_the_route_says_so() {
    // After parsing, a line that an attacker slipped in is a line like any other: what is not kept is not served to others.
    for (case, head) in [
        (
            "bare line feed",
            "HTTP/1.1 302 Found\nLocation: /a\nX-Injected: evil\nCache-Control: max-age=60\nContent-Length: 0\n\n",
        ),
        (
            "carriage return",
            "HTTP/1.1 302 Found\r\nLocation: /a\rX-Injected: evil\r\nCache-Control: max-age=60\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "split",
            "HTTP/1.1 302 Found\r\nLocation: /a\r\nX-Injected: evil\r\nCache-Control: max-age=60\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "second answer",
            "HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\nevil",
        ),
        (
            "folded",
            "HTTP/1.1 302 Found\r\nLocation: /a\r\n X-Injected: evil\r\nCache-Control: max-age=60\r\nContent-Length: 0\r\n\r\n",
        ),
    ] {
        sweep(&format!("PI-01 {case}"), |state| {
            let count = AtomicUsize::new(usize::from(!matches!(state, State::Cold | State::Filling)));
            let path = format!("/pub/pi-01-{}-{state}", case.replace(' ', "-"));
            let mut page = brought_to(state, &path, &[], move |asked| {
                match (asked.target.contains("attack"), count.fetch_add(1, Ordering::SeqCst)) {
                    (_, 0) => Answer::raw(head),
                    _ => Answer::ok(&[FRESH], asked.marker()),
                }
            });
            page.ask(|client, path| client.get(path, &[]));
            let seen = until(|| Some(page.look()).filter(|seen| seen.status == 200));
            assert!(!seen.contains("evil") && seen.header("x-injected").is_none(), "{case}: {:?}", seen.headers);
        });
    }
}

#[test]
fn pi_02_no_byte_in_a_field_becomes_our_error() {
    for (case, line) in [
        ("bell", &b"X-A: a\x07b\r\n"[..]),
        ("latin", b"X-A: caf\xe9\r\n"),
        ("utf-8", b"X-A: caf\xc3\xa9\r\n"),
        ("overlong", b"X-A: \xc0\xaf\r\n"),
        ("high", b"X-A: \xff\xfe\r\n"),
        ("tab", b"X-A: a\tb\r\n"),
        ("delete", b"X-A: a\x7fb\r\n"),
        ("empty", b"X-A:\r\n"),
        ("long name", &[b"X-", &[b'a'; 10_000][..], b": 1\r\n"].concat()),
        ("odd name", b"X~!#$%&'*+.^_`|: 1\r\n"),
        ("etag", b"ETag: \"caf\xe9\"\r\n"),
        ("type", b"Content-Type: \xe9\r\n"),
        ("location", b"Location: /caf\xe9\r\n"),
        ("vary", b"Vary: caf\xe9\r\n"),
        ("control", b"Cache-Control: \xe9, max-age=60\r\n"),
        ("tag", b"Cache-Tag: caf\xe9, \x01\r\n"),
        ("expires", b"Expires: \xe9\r\n"),
        ("modified", b"Last-Modified: \xe9\r\n"),
    ] {
        for prefix in ["/pub/", "/plain/"] {
            for state in [State::Cold, State::Fresh, State::StaleWhileRevalidate] {
                trial(&format!("PI-02 {case} {prefix}"), state, || {
                    let (path, line) = (format!("{prefix}pi-02-{}-{state}", case.replace(' ', "-")), line.to_vec());
                    let age = if state == State::StaleWhileRevalidate { "Age: 60\r\n" } else { "" };
                    FIXTURE.site.on(&path, move |_| {
                        let plain = response("@");
                        let at = plain.iter().position(|byte| *byte == b'@').expect("it is there");
                        Answer::Raw([&plain[..at], &line, age.as_bytes(), &plain[at + 1..]].concat())
                    });
                    for _ in 0..3 {
                        let reply = client().get(&path, &[]);
                        assert_eq!((reply.status, reply.text().as_str()), (200, "page"), "{case}");
                        assert!(!reply.contains("\u{fffd}"), "{case}: {:?}", reply.headers);
                    }
                });
            }
        }
    }
}

#[test]
fn pi_03_what_a_query_says_is_in_no_line_of_its_own() {
    let odd = [
        "%0d%0aX-Injected:%20evil",
        "%0aX-Injected:evil",
        "%E5%98%8A%E5%98%8DX-Injected:evil",
        "%00%0d",
        "\u{560a}X-Injected:evil",
    ];
    for (number, query) in odd.iter().enumerate() {
        for state in [State::Cold, State::Fresh] {
            trial(&format!("PI-03 {number}"), state, || {
                let path = format!("/pub/pi-03-{number}");
                FIXTURE.site.on(&path, |asked| {
                    let query = asked.target.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
                    Answer::ok(&[FRESH, ("X-Reflected", &query), ("Set-Something", &query)], "page")
                });
                let reply = client().get(&format!("{path}?{query}"), &[]);
                assert!(
                    reply.header("x-injected").is_none() && reply.header("set-cookie").is_none(),
                    "{:?}",
                    reply.headers
                );
                assert!(client().get(&path, &[]).header("x-injected").is_none());
            });
        }
    }
}

/// An attack on the framing, and an honest request on the same connection.
fn smuggle(path: &str, head: &str, body: &str) -> String {
    let attack = format!("POST {path} HTTP/1.1\r\nHost: site.test\r\n{head}\r\n{body}");
    let honest = format!("GET {path}-honest HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n");
    let mut stream = client().open(attack.as_bytes());
    let _ = stream.write_all(honest.as_bytes());
    let mut received = Vec::new();
    let _ = stream.read_to_end(&mut received);
    String::from_utf8_lossy(&received).into_owned()
}

#[test]
fn pi_05_no_framing_smuggles_a_request() {
    let hidden = "GET /pub/pi-05-smuggled HTTP/1.1\r\nHost: site.test\r\nX-Evil: 1\r\n\r\n";
    let chunked = format!("0\r\n\r\n{hidden}");
    let length = chunked.len();
    let exact = format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
    for (case, head, body) in [
        ("both", format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"), chunked.clone()),
        ("both, other way", format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"), chunked.clone()),
        ("two lengths", format!("Content-Length: 0\r\nContent-Length: {}\r\n", hidden.len()), hidden.to_owned()),
        ("list of lengths", format!("Content-Length: 0, {}\r\n", hidden.len()), hidden.to_owned()),
        ("plus", format!("Content-Length: +{}\r\n", hidden.len()), hidden.to_owned()),
        ("hexadecimal", "Content-Length: 0x10\r\n".to_owned(), hidden.to_owned()),
        ("negative", "Content-Length: -1\r\n".to_owned(), hidden.to_owned()),
        ("huge", "Content-Length: 99999999999999999999\r\n".to_owned(), hidden.to_owned()),
        ("xchunked", "Transfer-Encoding: xchunked\r\n".to_owned(), chunked.clone()),
        ("identity", "Transfer-Encoding: identity\r\n".to_owned(), hidden.to_owned()),
        ("list", "Transfer-Encoding: gzip, chunked\r\n".to_owned(), exact.clone()),
        ("tab", "Transfer-Encoding:\tchunked\r\n".to_owned(), exact.clone()),
        ("space before", "Transfer-Encoding : chunked\r\n".to_owned(), chunked.clone()),
        ("folded", "Transfer-Encoding:\r\n chunked\r\n".to_owned(), chunked.clone()),
        ("extension", "Transfer-Encoding: chunked\r\n".to_owned(), exact.replacen("\r\n", ";a=\"\r\n", 1)),
        ("line feeds", "Transfer-Encoding: chunked\r\n".to_owned(), exact.replace("\r\n", "\n")),
        ("sized wrong", "Transfer-Encoding: chunked\r\n".to_owned(), format!("1\r\nab\r\n0\r\n\r\n{hidden}")),
    ] {
        trial(&format!("PI-05 {case}"), State::Any, || {
            let path = format!("/pub/pi-05-{}", case.replace([' ', ','], "-"));
            let received = smuggle(&path, &head, &body);
            assert!(!received.contains("p=/pub/pi-05-smuggled"), "{case}: {received}");
            // What the origin got of the attack is one request, its body exactly what the framing says, or nothing.
            let asked = FIXTURE.site.asked(&path);
            assert!(asked.iter().filter(|asked| asked.target == path).count() <= 1, "{case}: {asked:?}");
            let page = client().get(&format!("{path}-honest"), &[]);
            assert!(
                page.status == 200 && page.text().contains(&format!("p={path}-honest ")),
                "{case}: {}",
                page.text()
            );
        });
    }
    trial("PI-05 nothing stored", State::Cold, || {
        // Where the runtime takes what follows for a request of its own, it is that of whoever sent it, and for all a page like any other.
        let asked = FIXTURE.site.asked("/pub/pi-05-smuggled");
        assert!(asked.iter().all(|asked| asked.header("x-evil").is_none()), "{asked:?}");
    });
}

#[test]
fn pi_06_an_answer_that_is_not_whole_is_not_kept_and_the_next_one_is_right() {
    let head = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n";
    for (case, bytes) in [
        ("two lengths", format!("{head}Content-Length: 4\r\nContent-Length: 40\r\n\r\nevil")),
        ("short", format!("{head}Content-Length: 40\r\n\r\nevil")),
        ("chunk cut", format!("{head}Transfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n")),
        ("chunk size cut", format!("{head}Transfer-Encoding: chunked\r\n\r\n40\r\nevil")),
        ("chunk size odd", format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\nevil\r\n0\r\n\r\n")),
        ("both", format!("{head}Content-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n")),
        ("garbage", "evil evil evil\r\n\r\n".to_owned()),
        ("0.9", "<html>evil</html>".to_owned()),
        ("nothing", String::new()),
        ("head cut", "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nX-A: evil".to_owned()),
        ("status", "HTTP/1.1 20 OK\r\nContent-Length: 4\r\n\r\nevil".to_owned()),
        ("version", "HTTP/3.7 200 OK\r\nContent-Length: 40\r\n\r\nevil".to_owned()),
        ("gzip cut", format!("{head}Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n\x1f\u{8}evilevil")),
    ] {
        for prefix in ["/pub/", "/plain/"] {
            sweep(&format!("PI-06 {case} {prefix}"), |state| {
                let first_is_good = !matches!(state, State::Cold | State::Filling);
                let begins = bytes.starts_with(head) && case != "two lengths";
                let (count, bytes) = (AtomicUsize::new(0), bytes.clone().into_bytes());
                let bad = if first_is_good { 1..3 } else { 0..2 };
                let path = format!("{prefix}pi-06-{}-{state}", case.replace(' ', "-"));
                let mut page = brought_to(state, &path, &[], move |asked| {
                    let number = count.fetch_add(1, Ordering::SeqCst);
                    if bad.contains(&number) {
                        Answer::Raw(bytes.clone())
                    } else {
                        Answer::ok(&[FRESH], asked.marker())
                    }
                });
                let is_well = |seen: &Reply| {
                    // Who asked while it broke may get what there was of it, and sees that it is not all.
                    let is_page = seen.status == 200 && seen.complete && seen.text().contains(" n=");
                    let is_broken = seen.status == 502 || !seen.complete || seen.status == 0;
                    assert!(is_page || is_broken, "{case}, {state}: {} {}", seen.status, seen.text());
                    assert!(is_page || !seen.is_hit(), "{case}, {state}: it was kept");
                    // A body that has begun cannot be taken back.
                    if first_is_good && !begins {
                        assert!(is_page, "{case}, {state}: there was a page to stand in");
                    }
                    is_page
                };
                let seen = page.ask(|client, path| client.get(path, &[]));
                let tried = page.first.iter().chain([&seen]).filter(|seen| is_well(seen)).count();
                assert!(tried <= 2);
                until(|| is_well(&page.look()).then_some(()));
                assert_eq!(page.client.get(&format!("{path}-next"), &[]).status, 200, "{case}");
            });
        }
    }
}
