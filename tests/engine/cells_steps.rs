//! Steps of the low-level cache: their names, their patterns, and how they are told to gateways and objects.

use bytes::Bytes;
use http::StatusCode;
use larder::cells::{
    Asked, Command, Defaults, Lifetime, Name, Refusal, Reply, Step, Sweep, Verb, decode, divide, encode, join, number,
};
use larder::fields::Seconds;
use larder::policy::{Glob, Redis, RedisProtocol};
use larder::store::redis::Server;

use crate::support::test;

fn read(method: &str, path: &str, query: &str, body: &'static str) -> Result<Command, Refusal> {
    let defaults = Defaults { prefix: "p", version: 1, ttl: Seconds::new(300) };
    let asked = Asked { method, path, query: Some(query), body: Bytes::from_static(body.as_bytes()) };
    Command::read(asked, &defaults)
}

fn step(method: &str, path: &str, query: &str, body: &'static str) -> (String, Vec<String>) {
    match read(method, path, query, body).unwrap_or_else(|refusal| panic!("{method} {path}: {refusal:?}")) {
        Command::Take(step, _) => {
            let text = |part: &Bytes| String::from_utf8_lossy(part).into_owned();
            (step.target(), decode(step.body()).expect("it is whole").iter().map(text).collect())
        }
        other => panic!("{other:?} is no step"),
    }
}

#[test]
fn a_request_becomes_a_step() {
    for (method, path, query, body, target, parts) in [
        ("GET", "keys/a", "", "", "/1/get/1", &["p:1:a"][..]),
        ("HEAD", "keys/a", "version=7", "", "/1/get/1", &["p:7:a"]),
        ("PUT", "keys/a", "", "v", "/1/set/1", &["p:1:a", "300000", "v"]),
        ("PUT", "keys/a", "ttl=none", "v", "/1/set/1", &["p:1:a", "-1", "v"]),
        ("PUT", "keys/a", "ttl=0&nx=1", "v", "/1/add/1", &["p:1:a", "0", "v"]),
        ("PUT", "keys/a", "ttl=60&lease=t", "v", "/1/fill/1", &["p:1:a", "t", "60000", "60000", "v"]),
        ("PUT", "keys/a", "ttl=86400&lease=t", "v", "/1/fill/1", &["p:1:a", "t", "86400000", "3600000", "v"]),
        ("PUT", "keys/a", "ttl=none&lease=t", "v", "/1/fill/1", &["p:1:a", "t", "-1", "0", "v"]),
        ("DELETE", "keys/a%2Fb", "", "", "/1/delete/1", &["p:1:a/b"]),
        ("POST", "keys/a/incr", "by=-9223372036854775808", "", "/1/increment/1", &["p:1:a", "-9223372036854775808"]),
        ("POST", "keys/a/touch", "", "", "/1/touch/1", &["p:1:a", "300000"]),
        ("POST", "version/a", "", "{\"delta\":2}", "/1/move/2", &["p:3:a", "p:1:a"]),
        ("POST", "many", "", "{\"get\":[\"a\",\"b\"]}", "/1/get/2", &["p:1:a", "p:1:b"]),
        ("POST", "many", "", "{\"ttl\":5,\"set\":{\"a\": [1, 2]}}", "/1/set/1", &["p:1:a", "5000", "[1, 2]"]),
        ("POST", "many", "version=2", "{\"delete\":[\"a\"]}", "/1/delete/1", &["p:2:a"]),
    ] {
        let expected = (target.to_owned(), parts.iter().map(|part| (*part).to_owned()).collect());
        assert_eq!(step(method, path, query, body), expected, "{method} {path}?{query}");
    }
}

#[test]
fn what_a_read_token_may_do_changes_nothing() {
    for (method, path, body, changes) in [
        ("GET", "keys/a", "", false),
        ("HEAD", "keys/a", "", false),
        ("GET", "pattern/a", "", false),
        ("POST", "many", "{\"get\":[\"a\"]}", false),
        ("POST", "many", "{\"delete\":[\"a\"]}", true),
        ("PUT", "keys/a", "", true),
        ("DELETE", "keys/a", "", true),
        ("POST", "keys/a/incr", "", true),
        ("POST", "keys/a/lease", "", true),
        ("DELETE", "pattern/a", "", true),
        ("DELETE", "all", "", true),
        ("POST", "version/a", "", true),
    ] {
        assert_eq!(read(method, path, "", body).map(|command| command.changes()), Ok(changes), "{method} {path}");
    }
}

#[test]
fn the_keys_of_a_script_are_values_leases_and_stale_copies() {
    let name = |prefix| Name::new(prefix, 1, "a:b").expect("a name");
    for (verb, prefix, keys) in [
        (Verb::Get, "p", &["p:1:a:b"][..]),
        (Verb::Increment, "p", &["p:1:a:b"]),
        (Verb::Set, "p", &["p:1:a:b", "p:lease:1:a:b", "p:stale:1:a:b"]),
        (Verb::Delete, "", &[":1:a:b", ":lease:1:a:b", ":stale:1:a:b"]),
    ] {
        assert_eq!(Step::new(verb, vec![name(prefix)], Vec::new()).redis_keys(), keys, "{verb:?}");
    }
}

#[test]
fn only_the_star_is_special_in_a_pattern() {
    for (prefix, glob, pattern, fitting, others) in [
        ("p", "a*", r"p:1:a*", &["p:1:a", "p:1:a:b"][..], &["p:2:a", "p:1:b", "q:1:a"][..]),
        ("p*", "a?[b]\\", r"p\*:1:a\?\[b\]\\", &["p*:1:a?[b]\\"], &["pp:1:a?[b]\\", "p*:1:ab[b]\\"]),
        ("", "*", r":1:*", &[":1:", ":1:x"], &["1:x", ":11:x"]),
    ] {
        let sweep = Sweep { prefix: prefix.to_owned(), version: Some(1), glob: glob.to_owned() };
        let step = sweep.redis_step(Verb::List, None, 1000).expect("there is no cursor");
        let offset = number(prefix.len() as i64 + 1);
        assert_eq!(step.arguments, [Bytes::from("0"), pattern.into(), "500".into(), offset, "1000".into()], "{glob}");
        let compiled = Glob::new(glob);
        fitting.iter().for_each(|name| assert!(sweep.fits(&compiled, name), "{glob} {name}"));
        others.iter().for_each(|name| assert!(!sweep.fits(&compiled, name), "{glob} {name}"));
    }
    let all = Sweep { prefix: "p".to_owned(), version: None, glob: "*".to_owned() };
    for (name, fits) in
        [("p:1:a", true), ("p:22:", true), ("p:larder:1:x", false), ("p:lease:1:a", false), ("px:1:a", false)]
    {
        assert_eq!(all.fits(&Glob::new("*"), name), fits, "{name}");
    }
}

#[test]
fn a_sweep_that_removes_goes_over_leases_and_stale_copies_first() {
    let sweep = Sweep { prefix: "p".to_owned(), version: Some(1), glob: "a*".to_owned() };
    let reply = |cursor: &'static str| Reply::new(vec!["ok".into(), cursor.into(), "3".into()]);
    for (verb, cursor, pattern, answer, count, next) in [
        (Verb::Drop, None, "p:lease:1:a*", "17", 0, Some("0-17")),
        (Verb::Drop, Some("0-17"), "p:lease:1:a*", "0", 0, Some("1-0")),
        (Verb::Drop, Some("1-0"), "p:stale:1:a*", "0", 0, Some("2-0")),
        (Verb::Drop, Some("2-0"), "p:1:a*", "5", 3, Some("2-5")),
        (Verb::Drop, Some("2-0"), "p:1:a*", "again", 3, Some("2-0")),
        (Verb::Drop, Some("2-5"), "p:1:a*", "0", 3, None),
        (Verb::List, None, "p:1:a*", "5", 1, Some("2-5")),
        (Verb::List, Some("2-5"), "p:1:a*", "0", 1, None),
    ] {
        let step = sweep.redis_step(verb, cursor, 1000).expect("a cursor of ours");
        assert_eq!(step.arguments[1], pattern, "{verb:?} {cursor:?}");
        let swept = Sweep::redis_swept(verb, cursor, &reply(answer));
        assert_eq!((swept.count, swept.next.as_deref()), (count, next), "{verb:?} {cursor:?}");
    }
    for (verb, cursor) in
        [(Verb::List, "0-0"), (Verb::Drop, "3-0"), (Verb::Drop, "2"), (Verb::Drop, "2--1"), (Verb::Drop, "")]
    {
        assert!(sweep.redis_step(verb, Some(cursor), 1000).is_err(), "{cursor}");
    }
}

#[test]
fn a_step_divided_among_objects_comes_back_in_order() {
    let names: Vec<_> = (0..50).map(|at| Name::new("p", 1, &format!("k{at}")).expect("a name")).collect();
    let values: Vec<_> = (0..50).map(number).collect();
    let arguments = [number(300)].into_iter().chain(values.clone()).collect();
    for (object, part) in divide(Step::new(Verb::Set, names.clone(), arguments)) {
        assert_eq!(part.arguments.len(), part.names.len() + 1);
        for (name, value) in part.names.iter().zip(&part.arguments[1..]) {
            assert_eq!((name.object(), format!("k{}", String::from_utf8_lossy(value)).as_str()), (object, name.key()));
        }
    }
    let step = Step::new(Verb::Get, names, Vec::new());
    let reply = |part: &Step| {
        let found = part.names.iter().flat_map(|name| [number(1), Bytes::from(name.key().to_owned())]);
        Reply::new([Bytes::from("ok")].into_iter().chain(found).collect())
    };
    let replies: Vec<_> = divide(step.clone()).iter().map(|(object, part)| (*object, reply(part))).collect();
    assert!(replies.len() > 10 && join(&step, &replies) == reply(&step));
}

#[test]
fn frames_come_apart_as_they_were_put_together() {
    for parts in [vec![], vec![Bytes::new()], vec![Bytes::from("a"), Bytes::new(), Bytes::from(vec![0, 255, 4])]] {
        let whole = encode(&parts);
        assert_eq!(decode(whole.clone()), Some(parts));
        for end in 1..whole.len() {
            assert!(decode(whole.slice(..end)).is_none_or(|parts| encode(&parts).len() == end));
        }
    }
    assert_eq!(decode(Bytes::from_static(&[255; 5])), None);
}

#[test]
fn a_lifetime_is_seconds_or_none() {
    for (text, millis, stale) in [("0", 0, 0), ("60", 60_000, 60_000), ("7200", 7_200_000, 3_600_000), ("none", -1, 0)]
    {
        let lifetime = Lifetime::parse(text).expect("a lifetime");
        assert_eq!((lifetime.millis(), lifetime.stale_millis()), (millis, stale), "{text}");
    }
    for text in ["", "-1", "1.5", "None", "5m", " 5"] {
        assert!(Lifetime::parse(text).is_err(), "{text}");
    }
}

#[test]
fn scripts_reach_either_gateway_with_all_their_bytes() {
    let keys = || vec![Bytes::from("k/ä.b")];
    let redis = |protocol| Redis { protocol, url: "http://gateway.test/".to_owned() };
    let sent = |protocol, arguments: &[Bytes]| {
        let redis = redis(protocol);
        let call = Server { redis: &redis, token: None }.run::<Bytes>("return 1", keys(), arguments).expect("it fits");
        assert_eq!((call.method.as_str(), call.url.as_str()), ("POST", "http://gateway.test/"));
        let encoding = call.headers.get("upstash-encoding").map(|value| value.to_str().expect("text").to_owned());
        (String::from_utf8(call.body.expect("a body").to_vec()).expect("text"), encoding)
    };
    let (text, binary) = (Bytes::from("a/b\""), Bytes::from_static(b"\x00\xff."));
    let (body, _) = sent(RedisProtocol::Webdis, &[text.clone(), binary.clone()]);
    assert_eq!(body, "EVAL/return%201/1/k%2F%C3%A4%2Eb/a%2Fb%22/%00%FF%2E.raw");
    let (body, encoding) = sent(RedisProtocol::Upstash, std::slice::from_ref(&text));
    assert_eq!((body.as_str(), encoding.as_deref()), (r#"["EVAL","return 1","1","k/ä.b","a/b\""]"#, Some("base64")));
    let (body, _) = sent(RedisProtocol::Upstash, &[text, binary]);
    assert!(body.contains("gsub") && body.ends_with("\"1\",\"k/Ã¤.b\",\"a/b\\\"\",\"\\u0000ÿ.\"]"), "{body}");
    let huge = Bytes::from(vec![b'x'; 1 << 20]);
    let upstash = redis(RedisProtocol::Upstash);
    assert!(Server { redis: &upstash, token: None }.run::<Bytes>("return 1", keys(), &[huge]).is_none());
}

#[test]
fn what_a_script_returned_is_a_list_of_strings_or_no_answer() {
    use RedisProtocol::{Upstash, Webdis};
    for (protocol, status, body, expected) in [
        (Webdis, 200, &b"*2\r\n$2\r\nok\r\n$4\r\n\x00\xff\r\n\r\n"[..], Ok(vec![&b"ok"[..], b"\x00\xff\r\n"])),
        (Webdis, 200, b"*1\r\n$0\r\n\r\n", Ok(vec![b""])),
        (Webdis, 200, b"*0\r\n", Ok(vec![])),
        (Webdis, 200, b"*1\r\n$5\r\nok\r\n", Err("200 not understood")),
        (Webdis, 200, b"*1\r\n$-1\r\n", Err("200 not understood")),
        (Webdis, 200, b"*1\r\n:1\r\n", Err("200 not understood")),
        (Webdis, 200, b"*1\r\n$18446744073709551615\r\nx\r\n", Err("200 not understood")),
        (Webdis, 200, b"-WRONGTYPE Operation against\r\n", Err("200 WRONGTYPE")),
        (Webdis, 200, b"$-1\r\n", Err("200 not understood")),
        (Webdis, 403, b"", Err("403 not understood")),
        (Webdis, 503, b"*0\r\n", Err("503 not understood")),
        (Upstash, 200, br#"{"result":["b2s=","AP8="]}"#, Ok(vec![b"ok", b"\x00\xff"])),
        (Upstash, 200, br#"{"result":[]}"#, Ok(vec![])),
        (Upstash, 200, br#"{"result":["b2s=",1]}"#, Err("200 not understood")),
        (Upstash, 200, br#"{"result":"OK"}"#, Err("200 not understood")),
        (Upstash, 400, br#"{"error":"WRONGTYPE Operation"}"#, Err("400 WRONGTYPE")),
        (Upstash, 200, b"<html>", Err("200 not understood")),
    ] {
        let redis = Redis { protocol, url: String::new() };
        let status = StatusCode::from_u16(status).expect("a status");
        let read = Server { redis: &redis, token: None }.read_run(status, &Bytes::copy_from_slice(body));
        let expected = expected.map(|parts| parts.into_iter().map(Bytes::copy_from_slice).collect::<Vec<_>>());
        let expected = expected.map_err(str::to_owned);
        assert_eq!(read.map_err(|error| error.0), expected, "{protocol:?} {}", String::from_utf8_lossy(body));
    }
}
