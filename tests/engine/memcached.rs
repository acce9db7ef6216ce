//! memcached: its text protocol, and a site that does not notice when it is down.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use larder::key::CacheKey;
use larder::policy::Tier;
use larder::store::memcached::{Reply, delete, get, set};
use serde_json::{Value, json};

use crate::support::memcached::MEMCACHED;
use crate::support::world::{Asked, Fault, Scripted, World};
use crate::support::{NOW, test};

const KEY: CacheKey = CacheKey([0xab; 32]);

fn text(request: &Bytes) -> String {
    String::from_utf8(request.to_vec()).expect("text")
}

#[test]
fn requests_are_what_the_protocol_says() {
    let name = format!("larder:1:{KEY}");
    assert_eq!(text(&get(KEY)), format!("get {name}\r\n"));
    assert_eq!(text(&delete(KEY)), format!("delete {name}\r\n"));
    let day = 86_400;
    for (life, expected) in [
        (0, 1),
        (60, 60),
        (30 * day, 30 * day),
        // More is a date.
        (30 * day + 1, NOW.as_millis() / 1000 + 30 * day + 1),
    ] {
        let request = set(KEY, &Bytes::from_static(b"a\r\nb"), Duration::from_secs(life), NOW);
        assert_eq!(text(&request), format!("set {name} 0 {expected} 4\r\na\r\nb\r\n"), "{life} s");
    }
}

/// What an answer comes to, in two pieces cut at `at`.
fn cut(answer: &[u8], at: usize) -> Reply<Bytes> {
    let mut reply = Reply::default();
    let pieces = [&answer[..at], &answer[at..]].map(Bytes::copy_from_slice);
    let [early, late] = pieces.map(|piece| reply.take(piece));
    assert!(!early || at == answer.len(), "it ends at {at} of {:?}", String::from_utf8_lossy(answer));
    assert!(late, "{:?} is all there is", String::from_utf8_lossy(answer));
    reply
}

/// The same, byte by byte.
fn trickled(answer: &[u8]) -> Reply<Bytes> {
    let mut reply = Reply::default();
    let (last, before) = answer.split_last().expect("it is not empty");
    assert!(before.iter().all(|byte| !reply.take(Bytes::copy_from_slice(&[*byte]))));
    assert!(reply.take(Bytes::copy_from_slice(&[*last])));
    reply
}

#[test]
fn an_answer_is_read_wherever_it_is_cut() {
    for (answer, expected) in [
        (&b"END\r\n"[..], Ok(None)),
        (b"VALUE k 0 0\r\n\r\nEND\r\n", Ok(Some(&b""[..]))),
        (b"VALUE k 0 5\r\nhello\r\nEND\r\n", Ok(Some(b"hello"))),
        (b"VALUE k 7 9\r\n\r\nEND\r\n\xff\0\r\nEND\r\n", Ok(Some(b"\r\nEND\r\n\xff\0"))),
        (b"VALUE k 0 5\r\nhello\r\nENDE\r", Err("not understood")),
        (b"VALUE k 0 99999999999999999999\r\n", Err("not understood")),
        (b"VALUE k 0 4294967295\r\n", Err("not understood")),
        (b"VALUE k 0 -1\r\n", Err("not understood")),
        (b"VALUE k\r\n", Err("not understood")),
        (b"STORED\r\n", Err("not understood")),
        (b"\r\n", Err("not understood")),
        (b"HTTP/1.1 400 session=secret\r\n", Err("not understood")),
        (b"ERROR\r\n", Err("ERROR")),
        (b"SERVER_ERROR out of memory reading request\r\n", Err("SERVER_ERROR out of memory reading request")),
    ] {
        let expected = expected.map(|value| value.map(Bytes::from_static)).map_err(str::to_owned);
        let of = |reply: Reply<Bytes>| reply.value().map_err(|error| error.0);
        assert_eq!(of(trickled(answer)), expected, "{:?}", String::from_utf8_lossy(answer));
        for at in 0..=answer.len() {
            assert_eq!(of(cut(answer, at)), expected, "{:?} cut at {at}", String::from_utf8_lossy(answer));
        }
    }
}

#[test]
fn what_a_write_or_a_removal_comes_to() {
    for (answer, stored, deleted) in [
        ("STORED", Ok(true), false),
        ("SERVER_ERROR object too large for cache", Ok(false), false),
        ("SERVER_ERROR out of memory storing object", Ok(false), false),
        ("SERVER_ERROR proxy write to backend failed", Err("SERVER_ERROR proxy write to backend failed"), false),
        ("CLIENT_ERROR bad data chunk", Err("CLIENT_ERROR bad data chunk"), false),
        ("NOT_STORED", Err("not understood"), false),
        ("DELETED", Err("not understood"), true),
        ("NOT_FOUND", Err("not understood"), true),
        ("END", Err("not understood"), false),
    ] {
        let reply = || trickled(format!("{answer}\r\n").as_bytes());
        assert_eq!(reply().stored().map_err(|error| error.0), stored.map_err(str::to_owned), "{answer}");
        assert_eq!(reply().deleted().is_ok(), deleted, "{answer}");
    }
}

#[test]
fn what_never_ends_a_line_is_given_up() {
    let mut reply = Reply::default();
    let pieces = (1..).find(|_| reply.take(Bytes::from_static(&[b'x'; 100]))).expect("it ends");
    assert_eq!(pieces, 6);
    assert!(reply.value().is_err());
}

fn vars() -> Value {
    json!({ "MEMCACHED": MEMCACHED, "CACHES": { "default": { "tiers": ["memory", "memcached"] } } })
}

fn cacheable(_: &Asked) -> Scripted {
    Scripted::new(200, &[("cache-control", "max-age=600")], "page")
}

#[test]
fn another_isolate_finds_what_one_has_stored_until_it_is_removed() {
    let world = World::new(&vars(), cacheable);
    world.get("/a", &[]);
    assert!(world.another_isolate(&vars()).get("/a", &[]).is_hit());
    assert_eq!(world.asked(), 1);
    world.request(Method::POST, "/a", &[]);
    assert!(world.ports.memcached.values.borrow().is_empty());
}

#[test]
fn the_site_does_not_notice_when_it_is_down() {
    for (what, fault, says) in [
        ("fails", Fault { fails: true, ..Fault::default() }, None),
        ("hangs", Fault { delay: Duration::from_secs(60), ..Fault::default() }, None),
        ("is no memcached", Fault::default(), Some(("", "HTTP/1.1 400 Bad Request\r\n\r\n"))),
        ("ends early", Fault::default(), Some(("", "VALUE k 0 10\r\nhello"))),
        ("refuses", Fault::default(), Some(("", "ERROR\r\n"))),
    ] {
        let world = World::new(&vars(), cacheable);
        world.fault(Tier::Memcached, fault);
        world.ports.memcached.says.set(says);
        world.runs_deferred.set(false);
        for number in 0..12 {
            let began = world.ports.executor.now();
            let answer = world.get(&format!("/{number}"), &[]);
            assert_eq!((answer.status, answer.reason()), (200, Some("store-failed")), "{what}");
            assert!(world.ports.executor.now() - began <= 600, "{what}");
        }
        let began = world.ports.executor.now();
        world.get("/left-alone", &[]);
        assert!(world.ports.executor.now() - began < 100, "{what}");
    }
}

#[test]
fn what_is_damaged_on_its_way_is_a_miss() {
    let world = World::new(&vars(), cacheable);
    world.get("/a", &[]);
    world.fault(Tier::Memcached, Fault { corrupts: true, ..Fault::default() });
    assert_eq!(world.another_isolate(&vars()).get("/a", &[]).reason(), Some("record-unreadable"));
}

#[test]
fn a_server_without_room_is_not_down() {
    for says in ["SERVER_ERROR object too large for cache\r\n", "SERVER_ERROR out of memory storing object\r\n"] {
        let world = World::new(&vars(), cacheable);
        world.get("/kept", &[]);
        world.ports.memcached.says.set(Some(("set", says)));
        for number in 0..8 {
            assert_eq!(world.get(&format!("/{number}"), &[]).reason(), None, "{says}");
        }
        assert!(world.another_isolate(&vars()).get("/kept", &[]).is_hit(), "{says}");
        assert_eq!(world.ports.memcached.values.borrow().len(), 1, "{says}");
    }
}

#[test]
fn what_is_larger_than_an_item_is_not_sent() {
    let origin = |_: &Asked| Scripted::new(200, &[("cache-control", "max-age=600")], &"x".repeat(1 << 20));
    let world = World::new(&vars(), origin);
    assert_eq!(world.get("/a", &[]).body.len(), 1 << 20);
    assert!(world.ports.memcached.values.borrow().is_empty());
}
