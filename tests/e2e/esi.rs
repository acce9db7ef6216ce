//! Edge Side Includes in the real runtime: pages that stream, and fragments of visitors. What must never be included is in `security`.

use std::io::Read;
use std::sync::LazyLock;

use serde_json::json;

use crate::support::{Answer, Asked, Client, Gate, Origin, Worker, vars};

/// A site that assembles pages, and another one on the same Worker.
pub struct World {
    pub site: Origin,
    pub other: Origin,
    worker: Worker,
}

pub static WORLD: LazyLock<World> = LazyLock::new(|| {
    let (site, other) = (Origin::start(), Origin::start());
    let routes = json!([
        { "path": "/elsewhere/*", "host": "other.test", "origin": other.url(), "cache": "force", "ttl": 60, "vary_cookie": ["sid"] },
        { "path": "/user/*", "cache": "force", "ttl": 60, "vary_cookie": ["sid"] },
        { "path": "/language/*", "cache": "force", "ttl": 60, "vary_header": { "Accept-Language": ["en", "de"] } },
        { "path": "/off/*", "cache": "force", "ttl": 60 },
        { "path": "/always/*", "cache": "force", "ttl": 60, "esi": "always" },
        { "path": "/forced/*", "cache": "force", "ttl": 60, "esi": true },
        { "path": "/passed/*", "cache": "pass", "esi": true },
        { "path": "/slow/*", "timeout": 1, "idle_timeout": 1 },
        { "path": "*", "esi": true },
    ]);
    let vars = vars(
        &site.url(),
        &json!({ "HOSTS": ["site.test", "other.test"], "SITE": { "jitter": "0" }, "ROUTES": routes }),
    );
    let worker = Worker::start(&vars);
    World { site, other, worker }
});

pub const HTML: (&str, &str) = ("Content-Type", "text/html; charset=utf-8");
pub const ESI: (&str, &str) = ("Surrogate-Control", "content=\"ESI/1.0\"");
pub const FRESH: (&str, &str) = ("Cache-Control", "public, max-age=60");

pub fn client() -> Client {
    WORLD.worker.client("site.test")
}

/// The origin sends this template.
pub fn template(path: &str, text: impl Into<String>) {
    let text = text.into();
    WORLD.site.on(path, move |_| Answer::ok(&[HTML, ESI, FRESH, ("ETag", "\"template\"")], text.clone()));
}

/// A fragment that says who asked.
pub fn who(asked: &Asked) -> Answer {
    Answer::ok(&[("Cache-Control", "max-age=30")], format!("<b>{}</b>", asked.header("cookie").unwrap_or("nobody")))
}

/// Reads until `text` is there.
fn read_until(stream: &mut std::net::TcpStream, received: &mut Vec<u8>, text: &str) {
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(received).contains(text) {
        let read = stream.read(&mut buffer).expect("it comes in time");
        assert!(read > 0, "it ended with {}", String::from_utf8_lossy(received));
        received.extend_from_slice(&buffer[..read]);
    }
}

#[test]
fn what_comes_before_a_slow_fragment_arrives_before_it() {
    for path in ["/stream/cold", "/stream/cold"] {
        // The second time the template is stored, and the fragment is asked for again.
        let gate = Gate::new();
        let (script, slow) = (gate.clone(), format!("/stream/slow{}", WORLD.site.asked("/stream/slow").len()));
        WORLD.site.on(&slow, move |_| Answer::Gated(script.clone(), Box::new(Answer::ok(&[FRESH], "SLOW"))));
        WORLD.site.on("/stream/fast", |_| Answer::ok(&[FRESH], "FAST"));
        template(
            path,
            "START<esi:include src=\"/stream/slow$(QUERY_STRING{n})\"/>-<esi:include src=\"/stream/fast\"/>END",
        );
        let number = slow.strip_prefix("/stream/slow").expect("it is one");
        let request = format!("GET {path}?n={number} HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n");
        let mut stream = client().open(request.as_bytes());
        let mut received = Vec::new();
        read_until(&mut stream, &mut received, "START");
        WORLD.site.wait_for(&slow, 1);
        assert!(!String::from_utf8_lossy(&received).contains("FAST"), "in the order of the document");
        gate.open();
        read_until(&mut stream, &mut received, "END");
        let text = String::from_utf8_lossy(&received).replace("\r\n", "|");
        assert!(text.contains("START") && text.contains("SLOW-FASTEND"), "{text}");
    }
}

#[test]
fn a_template_that_streams_is_assembled_while_it_comes() {
    let gate = Gate::new();
    let script = gate.clone();
    WORLD.site.on("/stream/template", move |_| {
        let start = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nCache-Control: no-store\r\nSurrogate-Control: content=\"ESI/1.0\"\r\n\r\nA<esi:include src=\"/stream/part\"/>B<esi:inc".to_vec();
        Answer::Held(start, script.clone(), b"lude src=\"/stream/part\"/>C".to_vec())
    });
    WORLD.site.on("/stream/part", |_| Answer::ok(&[FRESH], "PART"));
    let mut stream = client().open(b"GET /stream/template HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n");
    let mut received = Vec::new();
    read_until(&mut stream, &mut received, "PARTB");
    gate.open();
    read_until(&mut stream, &mut received, "PARTC");
}

#[test]
fn one_page_for_all_holds_a_fragment_for_each() {
    template("/shared", "<p>Hello <esi:include src=\"/user/name\"/></p>");
    WORLD.site.on("/user/name", who);
    for round in 1..=2 {
        for visitor in ["alice", "bob"] {
            let reply = client().get("/shared", &[("Cookie", &format!("sid={visitor}; csrftoken=x"))]);
            assert_eq!(reply.text(), format!("<p>Hello <b>sid={visitor}</b></p>"), "{round}");
            assert_eq!(reply.header("cache-control").as_deref(), Some("private, max-age=0"));
            for gone in ["etag", "expires", "cdn-cache-control", "surrogate-control", "last-modified"] {
                assert_eq!(reply.header(gone), None, "{gone}");
            }
        }
    }
    assert_eq!(client().get("/shared", &[]).text(), "<p>Hello <b>nobody</b></p>");
    assert_eq!((WORLD.site.asked("/shared").len(), WORLD.site.asked("/user/name").len()), (1, 3));
}

#[test]
fn branch_arguments_are_a_query_a_cookie_and_a_language() {
    template(
        "/branches",
        "<esi:include src=\"/article?id=$(QUERY_STRING{id})\"/>|<esi:include src=\"/user/branch\"/>|<esi:include src=\"/language/branch\"/>",
    );
    WORLD.site.on("/article", |asked| Answer::ok(&[FRESH], asked.target.clone()));
    WORLD.site.on("/user/branch", who);
    WORLD.site.on("/language/branch", |asked| {
        Answer::ok(&[FRESH], asked.header("accept-language").unwrap_or("none").to_owned())
    });
    for _ in 0..2 {
        for (id, sid, language, expected) in [
            ("1", "a", "de-CH, de;q=0.9", "/article?id=1|<b>sid=a</b>|de"),
            ("1", "b", "de", "/article?id=1|<b>sid=b</b>|de"),
            ("2", "a", "en-GB", "/article?id=2|<b>sid=a</b>|en"),
        ] {
            let fields = [("Cookie", format!("sid={sid}")), ("Accept-Language", language.to_owned())];
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(client().get(&format!("/branches?id={id}"), &fields).text(), expected);
        }
    }
    for (path, times) in [("/article", 2), ("/user/branch", 2), ("/language/branch", 2)] {
        assert_eq!(WORLD.site.asked(path).len(), times, "{path}");
    }
}

#[test]
fn a_page_without_anything_private_says_how_long_it_holds() {
    template("/held", "<esi:include src=\"/held/short\"/>");
    WORLD.site.on("/held/short", |_| Answer::ok(&[("Cache-Control", "max-age=10")], "short"));
    client().get("/held", &[]);
    let reply = client().get("/held", &[("If-None-Match", "\"template\""), ("Range", "bytes=0-1")]);
    assert_eq!((reply.status, reply.text().as_str()), (200, "short"));
    let lifetime = reply.header("cache-control").expect("it says so");
    let seconds: u32 = lifetime.strip_prefix("max-age=").and_then(|text| text.parse().ok()).expect("a lifetime");
    assert!((1..=10).contains(&seconds), "{lifetime}");
    assert_eq!(
        (reply.header("etag"), reply.header("age"), reply.header("content-length").as_deref()),
        (None, None, Some("5"))
    );
    let head = client().request("HEAD", "/held", &[], "");
    assert_eq!(
        (head.status, head.header("etag"), head.header("cache-control").as_deref()),
        (200, None, Some("private, max-age=0"))
    );
}

#[test]
fn a_compressed_template_is_read_and_fragments_too() {
    // "A<esi:include src="/gz/f"/>B", and "hello world".
    let template: &[u8] = include_bytes!("../../fixtures/esi/template.gz");
    let fragment: &[u8] = include_bytes!("../../fixtures/esi/fragment.gz");
    for (path, fields) in [("/gz/page", &[HTML, ESI, FRESH][..]), ("/passed/gz", &[HTML, ESI])] {
        let fields = [fields, &[("Content-Encoding", "gzip")]].concat();
        WORLD.site.on(path, move |_| Answer::ok(&fields, template));
        WORLD.site.on("/gz/f", move |_| Answer::ok(&[("Content-Encoding", "gzip")], fragment));
        for accepted in ["gzip", "identity"] {
            let reply = client().get(path, &[("Accept-Encoding", accepted)]);
            assert_eq!(
                (reply.text().as_str(), reply.header("content-encoding")),
                ("Ahello worldB", None),
                "{path} {accepted}"
            );
        }
    }
}

#[test]
fn a_large_page_is_assembled_from_memory_again_and_again() {
    let filler = "<p>filler</p>".repeat(20_000);
    template("/large", format!("{filler}<esi:include src=\"/large/f\"/>{filler}"));
    WORLD.site.on("/large/f", |_| Answer::ok(&[FRESH], "F".repeat(100_000)));
    for _ in 0..3 {
        let reply = client().get("/large", &[]);
        assert!(reply.complete && reply.body.len() == 2 * filler.len() + 100_000, "{}", reply.body.len());
        assert!(reply.text().starts_with(&filler) && reply.text().ends_with(&filler));
    }
}

#[test]
fn a_client_that_goes_away_leaves_the_rest_whole() {
    let gate = Gate::new();
    let script = gate.clone();
    template("/gone", "START<esi:include src=\"/gone/slow\"/>END");
    WORLD.site.on("/gone/slow", move |_| Answer::Gated(script.clone(), Box::new(Answer::ok(&[FRESH], "SLOW"))));
    let mut stream = client().open(b"GET /gone HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n");
    read_until(&mut stream, &mut Vec::new(), "START");
    drop(stream);
    gate.open();
    assert_eq!(client().get("/gone", &[]).text(), "STARTSLOWEND");
}
