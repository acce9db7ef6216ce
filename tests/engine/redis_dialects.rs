//! What is sent to a gateway in front of Redis, and what its answers mean.

use bytes::Bytes;
use http::StatusCode;
use larder::policy::{Redis, RedisProtocol};
use larder::store::redis::{Call, Server};

use crate::support::test;

const URL: &str = "http://gateway.test/";

fn redis(protocol: RedisProtocol) -> Redis {
    Redis { protocol, url: URL.to_owned() }
}

fn shown(call: &Call<Bytes>) -> (String, String, String) {
    let authorization = call.headers.get("authorization").map(|value| value.to_str().expect("text").to_owned());
    let body = call.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned());
    (format!("{} {}", call.method, call.url), authorization.unwrap_or_default(), body.unwrap_or_default())
}

#[test]
fn webdis_is_spoken_to_in_paths_and_bodies() {
    let redis = redis(RedisProtocol::Webdis);
    let server = Server { redis: &redis, token: Some("app:secret") };
    let basic = "Basic YXBwOnNlY3JldA==".to_owned();
    let get = server.get::<Bytes>("p:a/b.c%d");
    let url = "GET http://gateway.test/GET/p%3Aa%2Fb%2Ec%25d?type=application/octet-stream";
    assert_eq!(shown(&get), (url.to_owned(), basic.clone(), String::new()));
    let set = server.set("k", &Bytes::from_static(b"a\0b"), 60).expect("it is small");
    assert_eq!(shown(&set), ("PUT http://gateway.test/SETEX/k/60".to_owned(), basic.clone(), "a\0b".to_owned()));
    let delete = server.delete::<Bytes>(&["a".to_owned(), "b/".to_owned()]);
    assert_eq!(shown(&delete), ("GET http://gateway.test/DEL/a/b%2F".to_owned(), basic, String::new()));
}

#[test]
fn upstash_is_spoken_to_in_lists() {
    let redis = redis(RedisProtocol::Upstash);
    let server = Server { redis: &redis, token: Some("secret") };
    let bearer = "Bearer secret".to_owned();
    let url = || "POST http://gateway.test/".to_owned();
    assert_eq!(shown(&server.get::<Bytes>("k\"")), (url(), bearer.clone(), r#"["GET","k\""]"#.to_owned()));
    let set = server.set("k", &Bytes::from_static(b"a\0b\xff"), 60).expect("it is small");
    assert_eq!(shown(&set), (url(), bearer.clone(), r#"["SET","k","YQBi/w==","EX","60"]"#.to_owned()));
    let delete = server.delete::<Bytes>(&["a".to_owned(), "b".to_owned()]);
    assert_eq!(shown(&delete), (url() + "pipeline", bearer, r#"[["DEL","a"],["DEL","b"]]"#.to_owned()));
    let huge = Bytes::from(vec![0; 1 << 20]);
    assert!(server.set("k", &huge, 60).is_none(), "more than a request takes");
}

#[test]
fn without_a_token_there_are_no_credentials() {
    for protocol in [RedisProtocol::Webdis, RedisProtocol::Upstash] {
        let redis = redis(protocol);
        assert_eq!(shown(&Server { redis: &redis, token: None }.get("k")).1, "");
    }
}

#[test]
fn a_value_comes_back_as_it_was_set() {
    use RedisProtocol::{Upstash, Webdis};
    for (protocol, status, body, expected) in [
        (Webdis, 200, &b"LRDR\0\xff"[..], Ok(Some(&b"LRDR\0\xff"[..]))),
        (Webdis, 200, b"TFJEUgD/", Ok(Some(b"LRDR\0\xff"))),
        (Webdis, 404, b"", Ok(None)),
        (Webdis, 403, b"", Err("403 not understood")),
        (Webdis, 503, b"", Err("503 not understood")),
        (Upstash, 200, br#"{"result":"TFJEUgD/"}"#, Ok(Some(b"LRDR\0\xff"))),
        (Upstash, 200, br#"{"result":null}"#, Ok(None)),
        (Upstash, 200, br#"{"error":"WRONGTYPE Operation"}"#, Err("200 WRONGTYPE")),
        (Upstash, 401, br#"{"error":"Unauthorized"}"#, Err("401 not understood")),
        (Upstash, 200, br#"{"result":1}"#, Err("200 not understood")),
        (Upstash, 200, b"<html>", Err("200 not understood")),
        (Upstash, 200, b"", Err("200 not understood")),
    ] {
        let redis = redis(protocol);
        let server = Server { redis: &redis, token: None };
        let status = StatusCode::from_u16(status).expect("a status");
        let read = server.read_get(status, &Bytes::copy_from_slice(body));
        let expected = expected.map(|value| value.map(Bytes::copy_from_slice)).map_err(str::to_owned);
        assert_eq!(read.map_err(|error| error.0), expected, "{protocol:?} {status} {}", String::from_utf8_lossy(body));
    }
}

#[test]
fn only_what_was_done_counts_as_done() {
    use RedisProtocol::{Upstash, Webdis};
    for (protocol, body, set, deleted) in [
        (Webdis, r#"{"SETEX":[true,"OK"]}"#, true, true),
        (Webdis, r#"{"DEL":0}"#, true, true),
        (Webdis, r#"{"SETEX":[false,"ERR wrong number of arguments"]}"#, false, false),
        (Webdis, "", false, false),
        (Webdis, "<html>", false, false),
        (Upstash, r#"{"result":"OK"}"#, true, false),
        (Upstash, r#"{"error":"OOM command not allowed"}"#, false, false),
        (Upstash, r#"[{"result":1},{"result":0}]"#, false, true),
        (Upstash, r#"[{"result":1},{"error":"ERR"}]"#, false, false),
        (Upstash, r#"[{"result":1}]"#, false, false),
        (Upstash, r#"[{"result":1},{"result":1},{"result":1}]"#, false, false),
    ] {
        let redis = redis(protocol);
        let server = Server { redis: &redis, token: None };
        let body = Bytes::copy_from_slice(body.as_bytes());
        assert_eq!(server.read_set(StatusCode::OK, &body).is_ok(), set, "{protocol:?} {body:?}");
        assert_eq!(server.read_delete(StatusCode::OK, &body, 2).is_ok(), deleted, "{protocol:?} {body:?}");
        assert!(server.read_set(StatusCode::INTERNAL_SERVER_ERROR, &body).is_err());
    }
}
