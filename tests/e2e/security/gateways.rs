//! BS: what a store behind a gateway is told, and what it can answer.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::{State, trial};
use crate::support::{Answer, Asked, Client, Options, Origin, Redis, Reply, Upstash, Webdis, Worker, until, vars};

const ADMIN: (&str, &str) = ("Authorization", "Bearer admin-token");
const TOKEN: &str = "gateway:secret-token";

/// Paths that mean something to a gateway, a shell, a template or a path.
const HOSTILE: [&str; 14] = [
    "/a/b/c",
    "/a%2fb",
    "/x.json",
    "/x.raw",
    "/SET/x/y",
    "/GET/larder:1:x",
    "/FLUSHALL",
    "/a?b=/SET/x/y",
    "/a%0d%0aSET%20x%20y",
    "/a%00b",
    "/__proto__",
    "/constructor?__proto__[x]=1",
    "/%F0%9F%98%80",
    "/*",
];

/// A Worker whose pages are in this gateway alone.
fn worker(origin: &Origin, protocol: &str, url: &str, token: &str) -> Worker {
    let more = json!({
        "KEY_PREFIX": "prod",
        "SITE": { "cache": "force", "ttl": 600, "collapse": "isolate" },
        "REDIS": { "protocol": protocol, "url": url },
        "CACHES": { "default": { "tiers": ["redis"] } },
    });
    let mut options = Options { ledger: false, ..Options::default() };
    options.secrets["REDIS_TOKEN"] = token.into();
    Worker::with(&vars(&origin.url(), &more), &options)
}

struct Recorded {
    gateway: Origin,
    worker: Worker,
    client: Client,
}

/// A gateway that only writes down what it is told, and has nothing.
static WEBDIS: LazyLock<Recorded> = LazyLock::new(|| recorded("webdis"));
static UPSTASH: LazyLock<Recorded> = LazyLock::new(|| recorded("upstash"));

fn recorded(protocol: &str) -> Recorded {
    let (origin, gateway) = (Origin::start(), Origin::start());
    let worker = worker(&origin, protocol, &gateway.url(), TOKEN);
    let client = worker.client("site.test");
    Recorded { gateway, worker, client }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[test]
fn bs_01_a_gateway_sees_a_fixed_word_and_a_digest() {
    for path in HOSTILE {
        trial(&format!("BS-01 webdis {path}"), State::Cold, || {
            let before = WEBDIS.gateway.asked("").len();
            let raw = format!("GET {path} HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n");
            assert_eq!(WEBDIS.client.raw(raw.as_bytes()).status, 200, "{path}");
            for asked in &WEBDIS.gateway.asked("")[before..] {
                let words: Vec<_> = asked.target.trim_start_matches('/').split(['/', '?']).collect();
                let key = words.get(1).and_then(|key| key.strip_prefix("prod%3Alarder%3A1%3A")).unwrap_or_default();
                assert!(["GET", "SETEX", "DEL"].contains(&words[0]) && is_digest(key), "{}", asked.target);
                let rest_is_ours = words
                    .get(2)
                    .is_none_or(|word| word.bytes().all(|b| b.is_ascii_digit()) || *word == "type=application");
                assert!(rest_is_ours, "{}", asked.target);
            }
        });
        trial(&format!("BS-01 upstash {path}"), State::Cold, || {
            let before = UPSTASH.gateway.asked("").len();
            let raw = format!("GET {path} HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n");
            assert_eq!(UPSTASH.client.raw(raw.as_bytes()).status, 200, "{path}");
            for asked in &UPSTASH.gateway.asked("")[before..] {
                assert!(["/", "/pipeline"].contains(&asked.target.as_str()), "{}", asked.target);
                let words: Value = serde_json::from_slice(&asked.body).expect("it is JSON");
                let key = words[1].as_str().and_then(|key| key.strip_prefix("prod:larder:1:")).unwrap_or_default();
                assert!(["GET", "SET"].contains(&words[0].as_str().unwrap_or_default()) && is_digest(key), "{words}");
            }
        });
    }
}

/// Redis behind a gateway.
struct Kept {
    name: &'static str,
    redis: Redis,
    worker: Worker,
    _gateway: Gateway,
}

enum Gateway {
    Webdis { _running: Webdis },
    Upstash { _running: Upstash },
}

/// Both dialects.
fn gateways() -> [Kept; 2] {
    ["webdis", "upstash"].map(|name| {
        let (origin, redis) = (Origin::start(), Redis::start());
        for (path, body) in bodies() {
            origin.on(path, move |_| Answer::ok(&[("X-A", "\"]}\\u0000\\ud800")], body.clone()));
        }
        let (gateway, url, token) = if name == "webdis" {
            let running = Webdis::start(&redis);
            let url = running.url();
            (Gateway::Webdis { _running: running }, url, Webdis::TOKEN)
        } else {
            let running = Upstash::start(&redis, TOKEN);
            let url = running.url();
            (Gateway::Upstash { _running: running }, url, TOKEN)
        };
        let worker = worker(&origin, name, &url, token);
        Kept { name, redis, worker, _gateway: gateway }
    })
}

/// Bodies that end a string, a list or a line somewhere.
fn bodies() -> [(&'static str, Vec<u8>); 5] {
    [
        ("/json", b"\"],[\"FLUSHALL\"],[\"SET\",\"x\",\"y\"]\\u0000\\ud800\0".to_vec()),
        ("/resp", b"$3\r\nfoo\r\n*1\r\n$8\r\nFLUSHALL\r\n+OK\r\n-ERR\r\n".to_vec()),
        ("/bytes", (0..=u8::MAX).cycle().take(70_000).collect()),
        ("/base64", b"TFJEUgEAAAA=".to_vec()),
        ("/large", vec![b'"'; 3 << 20]),
    ]
}

#[test]
fn bs_02_07_bodies_fields_and_keys_come_back_byte_for_byte() {
    for Kept { name, redis, worker, .. } in &gateways() {
        let client = worker.client("site.test");
        for (path, body) in bodies() {
            trial(&format!("BS-02 {name} {path}"), State::Fresh, || {
                assert_eq!(client.get(path, &[]).body, body, "{name} {path}");
                let is_kept = !(*name == "upstash" && body.len() > 700_000);
                let reply = match is_kept {
                    true => until(|| Some(client.get(path, &[])).filter(Reply::is_hit)),
                    false => client.get(path, &[]),
                };
                assert!(reply.body == body, "{name} {path}");
                assert_eq!(reply.header("x-a").as_deref(), Some("\"]}\\u0000\\ud800"), "{name} {path}");
            });
        }
        trial(&format!("BS-07 {name}"), State::Any, || {
            // Low-level keys are of whoever uses them: each is one name, whatever is in it.
            for (number, key) in
                ["__proto__", "%F0%9F%98%80", "a%2Fb", "x.json", "a%22%5D", "%2A", "SET%2Fx%2Fy", "..", "%3Cscript%3E"]
                    .iter()
                    .enumerate()
            {
                let target = format!("/_larder/cache/default/keys/{key}");
                let put = client.request("PUT", &target, &[ADMIN], &number.to_string());
                assert_eq!(put.status, if *key == ".." { put.status } else { 204 }, "{name} {key}: {}", put.text());
                if put.status == 204 {
                    assert_eq!(client.get(&target, &[ADMIN]).text(), number.to_string(), "{name} {key}");
                }
            }
            let keys = redis.cli(&["KEYS", "*"]);
            assert!(
                keys.lines()
                    .all(|key| key.starts_with("prod:1:") || key.strip_prefix("prod:larder:1:").is_some_and(is_digest)),
                "{keys}"
            );
            assert_eq!(redis.cli(&["EXISTS", "x"]), "0", "{name}");
            let listed = client.get("/_larder/cache/default/pattern/*", &[ADMIN]);
            let shown: Value = serde_json::from_slice(&listed.body).expect("it is JSON, whatever the keys are");
            let names: Vec<_> = shown["keys"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
            assert!(
                names.contains(&"__proto__") && names.contains(&"\u{1f600}") && names.contains(&"a\"]"),
                "{names:?}"
            );
            let many =
                client.request("POST", "/_larder/cache/default/many", &[ADMIN], r#"{"get":["__proto__","a\"]"]}"#);
            assert_eq!(many.text(), r#"{"values":{"__proto__":0,"a\"]":4}}"#);
        });
    }
}

#[test]
fn bs_03_the_token_is_in_its_field_and_nowhere_else() {
    for (name, recorded, expected) in [
        ("webdis", &WEBDIS, "Basic Z2F0ZXdheTpzZWNyZXQtdG9rZW4="),
        ("upstash", &UPSTASH, "Bearer gateway:secret-token"),
    ] {
        trial(&format!("BS-03 {name}"), State::Any, || {
            recorded.gateway.on("/", |_| Answer::new(401, &[], "gateway:secret-token is wrong"));
            for number in 0..8 {
                let reply = recorded.client.get(&format!("/bs-03-{number}"), &[]);
                assert!(reply.status == 200 && !reply.contains("secret-token") && !reply.contains("Z2F0ZXdheT"));
            }
            let asked = recorded.gateway.asked("");
            assert!(!asked.is_empty());
            for asked in asked {
                assert_eq!(asked.header("authorization"), Some(expected), "{name}");
                let elsewhere = asked.headers.iter().filter(|(field, _)| !field.eq_ignore_ascii_case("authorization"));
                let shown =
                    elsewhere.map(|(_, value)| value.as_str()).chain([asked.target.as_str()]).collect::<String>();
                assert!(!shown.contains("secret-token") && !shown.contains("_token"), "{name}: {shown}");
                // Nor is a visitor's cookie, or our own token, of any interest to a gateway.
                assert!(asked.header("cookie").is_none() && asked.header("larder-debug").is_none());
            }
            let health = recorded.client.get("/_larder/health", &[ADMIN]);
            let cells = recorded.client.get("/_larder/cache/default/keys/x", &[ADMIN]);
            for text in [recorded.worker.log(), health.text(), cells.text()] {
                assert!(!text.contains("secret-token") && !text.contains("Z2F0ZXdheT"), "{name}: {text}");
            }
        });
    }
}

#[test]
fn bs_06_a_gateway_leads_nowhere_and_fills_nothing() {
    type Script = Box<dyn Fn(&Asked) -> Answer + Send + Sync>;
    let [inside, gateway, origin] = [(); 3].map(|()| Origin::start());
    let redirect = |status: u16| -> Script {
        let target = format!("{}/inside", inside.url());
        Box::new(move |_| Answer::new(status, &[("Location", &target)], ""))
    };
    let cases: [(&str, Script); 8] = [
        ("moved", redirect(301)),
        ("found", redirect(302)),
        ("temporary", redirect(307)),
        ("huge", Box::new(|_| Answer::ok(&[], vec![b'x'; 20 << 20]))),
        ("truncated", Box::new(|_| Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"))),
        ("page", Box::new(|_| Answer::ok(&[("Content-Type", "text/html")], "<html>evil</html>"))),
        ("foreign", Box::new(|_| Answer::ok(&[], r#"{"result":"ZXZpbA=="}"#))),
        ("cookie", Box::new(|_| Answer::ok(&[("Set-Cookie", "evil=1")], r#"{"result":null}"#))),
    ];
    // A gateway for each, so that none is left alone because another one failed.
    let names = cases.each_ref().map(|(case, _)| *case);
    let each = |value: &dyn Fn(&str) -> Value| names.iter().map(|case| ((*case).to_owned(), value(case))).collect();
    let redis: Map<String, Value> =
        each(&|case| json!({ "protocol": "upstash", "url": format!("{}/{case}", gateway.url()) }));
    let caches: Map<String, Value> = each(&|case| json!({ "tiers": ["redis"], "redis": case }));
    let routes: Vec<_> = names
        .iter()
        .map(|case| json!({ "path": format!("/{case}/*"), "cache": "force", "ttl": 600, "store": case }))
        .collect();
    let mut more = json!({ "REDIS": redis, "CACHES": caches, "ROUTES": routes });
    more["CACHES"]["default"] = json!({ "tiers": ["memory"] });
    let worker = Worker::start(&vars(&origin.url(), &more));
    let client = worker.client("site.test");
    for (case, script) in cases {
        gateway.on(&format!("/{case}/"), script);
        trial(&format!("BS-06 {case}"), State::Any, || {
            for number in 0..2 {
                let reply = client.get(&format!("/{case}/{number}"), &[]);
                assert_eq!((reply.status, reply.is_hit(), reply.header("set-cookie")), (200, false, None), "{case}");
                assert!(reply.text().contains(" n=") && !reply.contains("evil"), "{case}: {}", reply.text());
            }
            let low_level = client.get(&format!("/_larder/cache/{case}/keys/x"), &[ADMIN]);
            assert!(low_level.status >= 400 && !low_level.contains("evil"), "{case}: {}", low_level.text());
            assert!(gateway.asked(&format!("/{case}/")).len() >= 3, "{case}: it was asked");
        });
    }
    assert!(inside.asked("").is_empty(), "{:?}", inside.asked(""));
}
