//! The gateways before Redis that the other tests rely on: what a test proves with them holds for those that users run.

use std::io::Read;
use std::time::Duration;

use crate::support::{Redis, Upstash, Webdis};

/// No text: neither UTF-8, nor free of what ends a string or a line.
const BINARY: &[u8] = b"\x00\x01\xff/\r\n";

/// Basic authorisation with `Webdis::TOKEN`.
const WEBDIS: &str = "Basic bGFyZGVyOndlYmRpcy10b2tlbg==";

#[test]
fn the_gateway_speaks_what_upstash_documents() {
    let redis = Redis::start();
    let gateway = Upstash::start(&redis, "secret");
    let (bearer, base64) = (("Authorization", "Bearer secret"), ("Upstash-Encoding", "base64"));
    let (plain, encoded) = (&[bearer][..], &[bearer, base64][..]);
    for (path, headers, body, status, expected) in [
        ("/", &[][..], r#"["PING"]"#, 401, r#"{"error":"Unauthorized"}"#),
        ("/", &[("Authorization", "Bearer other")], r#"["PING"]"#, 401, r#"{"error":"Unauthorized"}"#),
        ("/", plain, r#"["SET","foo","bär","EX",100]"#, 200, r#"{"result":"OK"}"#),
        ("/", encoded, r#"["SET","foo","bär","EX",100]"#, 200, r#"{"result":"OK"}"#),
        ("/", plain, r#"["GET","foo"]"#, 200, r#"{"result":"bär"}"#),
        ("/", encoded, r#"["GET","foo"]"#, 200, r#"{"result":"YsOkcg=="}"#),
        ("/", encoded, r#"["GET","absent"]"#, 200, r#"{"result":null}"#),
        ("/", encoded, r#"["INCR","n"]"#, 200, r#"{"result":1}"#),
        ("/", encoded, r#"["MGET","foo","absent"]"#, 200, r#"{"result":["YsOkcg==",null]}"#),
        ("/", plain, r#"["EVAL","return 'a\\255'",0]"#, 200, "{\"result\":\"a\u{fffd}\"}"),
        ("/", encoded, r#"["EVAL","return 'a\\255'",0]"#, 200, r#"{"result":"Yf8="}"#),
        ("/", plain, r#"["GET"]"#, 400, r#"{"error":"ERR wrong number of arguments for 'get' command"}"#),
        ("/", plain, "no JSON", 400, r#"{"error":"ERR failed to parse the body as JSON"}"#),
        ("/pipeline", encoded, r#"[["SET","m","v"],["GET","m"]]"#, 200, r#"[{"result":"OK"},{"result":"dg=="}]"#),
        (
            "/pipeline",
            plain,
            r#"[["INCR","foo"],["INCR","n"]]"#,
            200,
            r#"[{"error":"ERR value is not an integer or out of range"},{"result":2}]"#,
        ),
        ("/pipeline", &[], r#"[["PING"]]"#, 401, r#"{"error":"Unauthorized"}"#),
    ] {
        let reply = gateway.client().request("POST", path, headers, body);
        assert_eq!((reply.status, reply.text().as_str()), (status, expected), "{path} {headers:?} {body}");
    }
    assert_eq!(redis.cli(&["GET", "foo"]), "bär");
}

#[test]
fn webdis_stores_and_returns_any_bytes_for_whoever_is_authorised() {
    let redis = Redis::start();
    let webdis = Webdis::start(&redis);
    let put = |authorisation| webdis.client().raw(&request("PUT", "/SETEX/k%2Fa%2Eb/60", authorisation, BINARY));
    let get = |target| webdis.client().get(target, &[("Authorization", WEBDIS)]);
    assert_eq!(put("Basic bm9ib2R5").status, 403);
    assert_eq!(put(WEBDIS).text(), r#"{"SETEX":[true,"OK"]}"#);
    assert_eq!(redis.cli_bytes(&["GET", "k/a.b"]), BINARY);
    redis.cli(&["SET", "empty", ""]);
    for (target, status, expected) in [
        ("/GET/k%2Fa%2Eb?type=application/octet-stream", 200, BINARY),
        ("/GET/empty?type=application/octet-stream", 200, b""),
        ("/GET/absent?type=application/octet-stream", 404, b""),
    ] {
        let reply = get(target);
        assert_eq!((reply.status, reply.body.as_slice()), (status, expected), "{target}");
    }
}

#[test]
fn gateways_hang_while_redis_does_and_fail_when_it_is_gone() {
    let redis = Redis::start();
    let (webdis, upstash) = (Webdis::start(&redis), Upstash::start(&redis, "secret"));
    let gateways = [
        (webdis.url(), webdis.client(), request("GET", "/PING", WEBDIS, b""), 503),
        (upstash.url(), upstash.client(), request("POST", "/", "Bearer secret", br#"["PING"]"#), 500),
    ];
    for (url, client, ping, _) in &gateways {
        redis.pause();
        let mut connection = client.open(ping);
        connection.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout can be set");
        assert!(connection.read(&mut [0]).is_err(), "{url} answers");
        redis.resume();
        assert_eq!(client.raw(ping).status, 200, "{url}");
    }
    redis.stop();
    for (url, client, ping, status) in &gateways {
        assert_eq!(client.raw(ping).status, *status, "{url}");
    }
}

/// A request with a body of any bytes.
fn request(method: &str, target: &str, authorisation: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: redis.test\r\nConnection: close\r\nAuthorization: {authorisation}\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}
