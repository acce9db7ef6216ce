//! RX: what somebody can make us and the origin spend.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use serde_json::json;

use super::{FIXTURE, State, brought_to, trial};
use crate::support::{Answer, Client, Gate, Options, Origin, Worker, until, vars};

const FRESH: (&str, &str) = ("Cache-Control", "max-age=60");

struct World {
    origin: Origin,
    worker: Worker,
}

/// A site that keeps its pages in Workers KV alone.
static WORLD: LazyLock<World> = LazyLock::new(|| {
    let origin = Origin::start();
    let more = json!({
        "ROUTES": [
            { "path": "/brief/*", "cache": "force", "ttl": 600, "timeout": 1, "idle_timeout": 1, "collapse": "global" },
            { "path": "/*", "cache": "force", "ttl": 600, "max_body": "1MiB" },
        ],
        "CACHES": { "default": { "tiers": ["kv"] } },
    });
    let worker = Worker::start(&vars(&origin.url(), &more));
    World { origin, worker }
});

fn client() -> Client {
    WORLD.worker.client("site.test")
}

/// So many who have asked and wait.
fn crowd(client: &Client, path: &str, size: usize) -> Vec<TcpStream> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n");
    (0..size).map(|_| client.open(request.as_bytes())).collect()
}

/// What each of them gets.
fn answers(crowd: Vec<TcpStream>) -> Vec<String> {
    let read = |mut stream: TcpStream| {
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it is answered");
        text
    };
    crowd.into_iter().map(read).collect()
}

#[test]
fn rx_01_pages_asked_for_once_cost_no_writes() {
    // Two hundred instead of a hundred thousand: the rule counts each by itself. What was written, another process finds.
    let origin = Origin::start();
    for path in ["/once/cold", "/once/hot", "/each/cold", "/each/hot"] {
        origin.on(path, |asked| Answer::ok(&[("Cache-Control", "max-age=6000")], asked.marker()));
    }
    let folder = std::env::temp_dir().join(format!("larder-rx-01-{}", std::process::id()));
    let more = json!({
        "ROUTES": [{ "path": "/once/*", "admission": "second-hit" }, { "path": "/each/*" }],
        "BUDGET": { "kv_writes_per_day": 20 },
        "CACHES": { "default": { "tiers": ["memory", "kv"] } },
    });
    let start = || {
        let options = Options { persist: Some(folder.to_string_lossy().into_owned()), ..Options::default() };
        Worker::with(&vars(&origin.url(), &more), &options)
    };
    {
        let worker = start();
        let client = worker.client("site.test");
        for route in ["/once", "/each"] {
            let hot = format!("{route}/hot");
            until(|| (client.get(&hot, &[]).is_hit() && client.get(&hot, &[]).is_hit()).then_some(()));
            for number in 0..100 {
                assert_eq!(client.get(&format!("{route}/cold?r={number}"), &[]).status, 200);
            }
            assert!(client.get(&hot, &[]).is_hit(), "who comes back notices nothing");
        }
    }
    let worker = start();
    let client = worker.client("site.test");
    let stored = |path: &str| client.get(path, &[("Cache-Control", "only-if-cached")]).is_hit();
    for (case, route, most) in [("second hit", "/once", 0), ("budget", "/each", 20)] {
        trial(&format!("RX-01 {case}"), State::Cold, || {
            assert!(stored(&format!("{route}/hot")), "{case}: or nothing at all is written");
            let written = (0..100).filter(|number| stored(&format!("{route}/cold?r={number}"))).count();
            assert!(written <= most, "{case}: {written} were written");
        });
    }
    drop(worker);
    drop(std::fs::remove_dir_all(&folder));
}

#[test]
fn rx_02_a_crowd_at_a_cold_page_is_one_request() {
    // Five hundred connections instead of ten thousand. How many may wait is bounded natively: tests/engine/collapse.rs.
    for prefix in ["/pub/", "/tiers/"] {
        trial(&format!("RX-02 {prefix}"), State::Filling, || {
            let gate = Gate::new();
            let barrier = gate.clone();
            let page = brought_to(State::Cold, &format!("{prefix}rx-02"), &[], move |asked| {
                Answer::Gated(barrier.clone(), Box::new(Answer::ok(&[FRESH], asked.marker())))
            });
            let waiting = crowd(&page.client, &page.path, 500);
            page.origin.wait_for(&page.path, 1);
            gate.open();
            let answers = answers(waiting);
            assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 200") && answer.contains(" n=")));
            assert_eq!(page.origin.asked(&page.path).len(), 1);
        });
    }
}

#[test]
fn rx_03_a_crowd_at_a_page_that_is_nobodys_else_is_not_queued() {
    for prefix in ["/pub/", "/plain/"] {
        trial(&format!("RX-03 {prefix}"), State::Any, || {
            let path = format!("{prefix}rx-03");
            let gate = Gate::new();
            gate.open();
            let barrier = Arc::new(std::sync::Mutex::new(gate));
            let script = barrier.clone();
            FIXTURE.site.on(&path, move |asked| {
                let gate = script.lock().expect("nobody panicked here").clone();
                Answer::Gated(gate, Box::new(Answer::ok(&[("Cache-Control", "private")], asked.marker())))
            });
            let client = FIXTURE.client();
            client.get(&path, &[]);
            let closed = Gate::new();
            *barrier.lock().expect("nobody panicked here") = closed.clone();
            let waiting = crowd(&client, &path, 100);
            // All of them are at the origin before it has answered any.
            FIXTURE.site.wait_for(&path, 101);
            closed.open();
            let mut answers: Vec<_> =
                answers(waiting).iter().filter_map(|text| Some(text.split(" n=").nth(1)?.to_owned())).collect();
            answers.sort();
            answers.dedup();
            assert_eq!(answers.len(), 100);
        });
    }
}

/// So many mebibytes of zeros in a thousandth of that, with the CRC they have.
fn bomb(mebibytes: u32, crc: u32) -> Vec<u8> {
    // One of them, deflated, up to a flush: the next one may follow (RFC 1951 §3.2).
    let block: &[u8] = include_bytes!("../../../fixtures/security/zeros.deflate");
    let head = [31, 139, 8, 0, 0, 0, 0, 0, 2, 255];
    let length = mebibytes << 20;
    [&head[..], &block.repeat(mebibytes as usize), &[3, 0], &crc.to_le_bytes(), &length.to_le_bytes()].concat()
}

#[test]
fn rx_05_a_bomb_is_streamed_through_and_not_kept() {
    for (case, coding, body) in [
        ("gzip", "gzip", bomb(200, 0x534f0861)),
        ("nested", "gzip, gzip", bomb(16, 0xa47ca14a)),
        ("brotli", "br", bomb(16, 0xa47ca14a)),
        ("unknown", "zstd", bomb(16, 0xa47ca14a)),
        ("upper", "GZIP", bomb(16, 0xa47ca14a)),
    ] {
        for accepted in ["gzip", "identity"] {
            trial(&format!("RX-05 {case} {accepted}"), State::Cold, || {
                let path = format!("/bomb-{case}-{accepted}");
                let sent = body.clone();
                WORLD.origin.on(&path, move |_| {
                    Answer::ok(&[FRESH, ("Content-Encoding", coding), ("Content-Type", "text/html")], sent.clone())
                });
                for _ in 0..2 {
                    // Whoever asks for it has read enough soon, and goes away.
                    let request =
                        format!("GET {path} HTTP/1.1\r\nHost: site.test\r\nAccept-Encoding: {accepted}\r\n\r\n");
                    let mut stream = client().open(request.as_bytes());
                    assert!(stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0));
                }
                let next = client().get(&path, &[("Cache-Control", "only-if-cached")]);
                let whole = coding == "zstd" && next.is_hit() && next.body.len() == body.len();
                assert!(!next.is_hit() || whole, "{case}: {}", next.cache_status());
                assert_eq!(client().get(&format!("{path}-next"), &[]).status, 200);
            });
        }
    }
}

#[test]
fn rx_06_a_body_without_end_holds_nobody_up() {
    let never = Gate::new();
    for (case, path, sent) in [("stalls", "/brief/rx-06-stalls", 10), ("too large", "/rx-06-large", 2 << 20)] {
        trial(&format!("RX-06 {case}"), State::Filling, || {
            let (gate, count) = (never.clone(), AtomicUsize::new(0));
            WORLD.origin.on(path, move |asked| match count.fetch_add(1, Ordering::SeqCst) {
                0 => {
                    let head = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n";
                    let chunk = [format!("{sent:x}\r\n").as_bytes(), &vec![b'x'; sent], b"\r\n"].concat();
                    Answer::Held([head.as_bytes(), &chunk].concat(), gate.clone(), Vec::new())
                }
                _ => Answer::ok(&[FRESH], asked.marker()),
            });
            let mut first = client().open(format!("GET {path} HTTP/1.1\r\nHost: site.test\r\n\r\n").as_bytes());
            assert!(first.read(&mut [0; 1024]).is_ok_and(|read| read > 0));
            // It is still coming; who asks now waits at most until it is given up.
            let second = client().get(path, &[]);
            assert!(second.status == 200 && second.text().contains(" n="), "{case}: {}", second.cache_status());
        });
    }
    never.open();
}

#[test]
fn rx_07_what_no_store_takes_is_delivered() {
    let long = "v".repeat(1000);
    let fields = |count: usize, name: &str| {
        (0..count).map(|number| (name.replace('#', &number.to_string()), long.clone())).collect::<Vec<_>>()
    };
    for (case, fields, size) in [
        ("25 MiB and one", Vec::new(), (25 << 20) + 1),
        ("300 KB of fields", fields(300, "X-#"), 10),
        ("5,000 fields", (0..5000).map(|number| (format!("X-{number}"), "v".to_owned())).collect(), 10),
        ("1,000 cookies", (0..1000).map(|number| ("Set-Cookie".to_owned(), format!("a{number}=1"))).collect(), 10),
        ("1,000 tags", (0..1000).map(|number| ("Cache-Tag".to_owned(), format!("tag-{number}"))).collect(), 10),
    ] {
        trial(&format!("RX-07 {case}"), State::Cold, || {
            let path = format!("/rx-07-{}", case.len());
            WORLD.origin.on(&path, move |_| {
                let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                Answer::ok(&[&[FRESH], &fields[..]].concat(), vec![b'x'; size])
            });
            for _ in 0..2 {
                let reply = client().get(&path, &[]);
                assert_eq!((reply.status, reply.complete, reply.body.len()), (200, true, size), "{case}");
                let cookies = reply.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")).count();
                assert!(cookies == if case.contains("cookies") { 1000 } else { 0 }, "{case}: {cookies}");
            }
            assert_eq!(client().get(&format!("{path}-next"), &[]).status, 200, "{case}");
        });
    }
    trial("RX-07 request", State::Any, || {
        let fields: String = (0..2000).map(|number| format!("X-{number}: v\r\n")).collect();
        let url = "x".repeat(200_000);
        for request in [
            format!("GET /rx-07 HTTP/1.1\r\nHost: site.test\r\n{fields}Connection: close\r\n\r\n"),
            format!("GET /rx-07?{url} HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"),
            format!("GET /rx-07 HTTP/1.1\r\nHost: site.test\r\nX-Long: {url}\r\nConnection: close\r\n\r\n"),
            format!(
                "GET /rx-07 HTTP/1.1\r\nHost: site.test\r\nCookie: {}\r\nConnection: close\r\n\r\n",
                "a=1; ".repeat(20_000)
            ),
        ] {
            let reply = client().raw(request.as_bytes());
            assert!(reply.status == 200 || (400..500).contains(&reply.status), "{}: {}", &request[..40], reply.status);
        }
        assert_eq!(client().get("/rx-07-after", &[]).status, 200);
    });
}

#[test]
fn rx_09_an_origin_that_leads_back_here_is_stopped_after_one_turn() {
    static BACK: OnceLock<Client> = OnceLock::new();
    let origin = Origin::start();
    let back = |asked: &crate::support::Asked| {
        let fields: Vec<_> = asked
            .headers
            .iter()
            .filter(|(name, _)| !["host", "connection"].contains(&name.to_ascii_lowercase().as_str()))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let reply = BACK.get().expect("it has started").get(&asked.target, &fields);
        let control = reply.header("cache-control").unwrap_or_default();
        Answer::new(reply.status, &[("Cache-Control", &control)], reply.body)
    };
    for path in ["/forced/loop", "/passed/loop", "/plain/loop"] {
        origin.on(path, back);
    }
    let routes = json!([
        { "path": "/forced/*", "cache": "force", "ttl": 60 }, { "path": "/passed/*", "cache": "pass" }, { "path": "/*" },
    ]);
    let worker = Worker::start(&vars(&origin.url(), &json!({ "ROUTES": routes })));
    let client = *BACK.get_or_init(|| worker.client("site.test"));
    for path in ["/forced/loop", "/passed/loop", "/plain/loop"] {
        trial(&format!("RX-09 {path}"), State::Cold, || {
            for turn in 1..=2 {
                let reply = client.get(path, &[]);
                assert_eq!((reply.status, origin.asked(path).len()), (508, turn), "{}", reply.text());
            }
        });
    }
    trial("RX-09 redirect", State::Cold, || {
        origin.on("/plain/self", |_| Answer::new(302, &[("Location", "http://site.test/plain/self"), FRESH], ""));
        for turn in 1..=2 {
            assert_eq!((client.get("/plain/self", &[]).status, origin.asked("/plain/self").len()), (302, turn));
        }
    });
}

#[test]
fn rx_10_a_client_that_does_not_read_costs_the_others_nothing() {
    let client = FIXTURE.client();
    trial("RX-10", State::Fresh, || {
        FIXTURE.site.on("/pub/rx-10", |_| Answer::ok(&[FRESH], vec![b'x'; 3 << 20]));
        until(|| client.get("/pub/rx-10", &[]).is_hit().then_some(()));
        let deaf = crowd(&client, "/pub/rx-10", 50);
        let slow: Vec<_> =
            (0..50).map(|_| client.open(b"GET /pub/rx-10 HTTP/1.1\r\nHost: site.test\r\nX-Slow: ")).collect();
        for number in 0..20 {
            assert_eq!(client.get(&format!("/pub/rx-10-{number}"), &[]).status, 200);
        }
        assert_eq!(client.get("/pub/rx-10", &[]).body.len(), 3 << 20);
        // Who takes up reading again gets all of it.
        let mut one = &deaf[0];
        let mut received = Vec::new();
        one.read_to_end(&mut received).expect("it is all there");
        assert!(received.len() > 3 << 20, "{}", received.len());
        let mut last = &slow[0];
        last.write_all(b"x\r\nConnection: close\r\n\r\n").expect("it is read");
        let mut received = Vec::new();
        last.read_to_end(&mut received).expect("it is answered");
        assert!(received.starts_with(b"HTTP/1.1 200") && received.len() > 3 << 20);
    });
}

/// FNV-1a, as so many maps have it.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn rx_11_names_that_collide_elsewhere_do_not_here() {
    // Keys are digests of SHA-256; what visitors choose is in no map by itself. Names of one bucket of a small hash are as good as others.
    trial("RX-11", State::Fresh, || {
        let client = FIXTURE.client();
        until(|| client.get("/pub/rx-11", &[]).is_hit().then_some(()));
        let names: Vec<_> = (0u64..)
            .map(|number| format!("/pub/rx-11-{number}"))
            .filter(|name| fnv(name).is_multiple_of(1024))
            .take(100)
            .collect();
        for name in &names {
            client.get(name, &[]);
        }
        for name in &names {
            let seen = client.get(name, &[]);
            assert!(seen.is_hit() && seen.text().contains(&format!("p={name} ")), "{name}");
        }
        for name in &names {
            client.request("POST", name, &[], "x");
        }
        assert!(client.get("/pub/rx-11", &[]).is_hit());
    });
    trial("RX-11 tags", State::Fresh, || {
        let tags: Vec<_> = (0u64..)
            .map(|number| format!("rx-11-{number}"))
            .filter(|name| fnv(name).is_multiple_of(1024))
            .take(1000)
            .collect();
        let body = json!({ "tags": tags }).to_string();
        let reply = client().request("POST", "/_larder/purge", &[("Authorization", "Bearer admin-token")], &body);
        assert_eq!(reply.status, 200);
        assert_eq!(client().get("/rx-11-after", &[]).status, 200);
    });
}
