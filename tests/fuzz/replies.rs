//! What stores, gateways and objects answer: anything at all, in whatever pieces; it is understood or refused.
#![cfg_attr(fuzzing, no_main)]

use bytes::Bytes;
use http::StatusCode;
use larder::cells::{self, Reply, Sweep, Swept, Verb};
use larder::policy::{Redis, RedisProtocol};
use larder::purge::Snapshot;
use larder::shield::{Ask, Role, Word};
use larder::store::memcached;
use larder::store::redis::Server;

#[cfg(fuzzing)]
#[allow(dead_code, reason = "another target uses it")]
mod input;
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holds(data));

/// `data` is an answer, of all of them.
pub fn holds(data: &[u8]) {
    let answer = Bytes::copy_from_slice(data);
    assert_memcached_is_read_whole(&answer);
    assert_gateways_are_understood_or_refused(&answer);
    assert_objects_agree(&String::from_utf8_lossy(data));
    if let Some(parts) = cells::decode(answer.clone()) {
        assert_eq!(cells::encode(&parts), answer);
        let reply = Reply::new(parts);
        for verb in [Verb::List, Verb::Drop] {
            let swept = [Sweep::redis_swept(verb, None, &reply), Swept::of_object(verb, 15, &reply)];
            assert!(swept.iter().all(|swept| swept.names.len() <= reply.parts().len()));
        }
    }
    if let Some(snapshot) = Snapshot::decode(&answer) {
        assert_eq!(Snapshot::decode(&snapshot.encode().into()), Some(snapshot));
    }
}

/// However it is cut.
fn assert_memcached_is_read_whole(answer: &Bytes) {
    let read = |size: usize| {
        let mut reply = memcached::Reply::default();
        let mut pieces = answer.chunks(size);
        let complete = pieces.by_ref().any(|piece| reply.take(Bytes::copy_from_slice(piece)));
        (complete && pieces.next().is_none(), reply)
    };
    let whole = answer.len().max(1);
    let (complete, reply) = read(whole);
    let value = reply.value();
    assert!(!matches!(&value, Ok(Some(value)) if value.len() > answer.len()), "more than was sent");
    for size in [1, 7] {
        let (as_complete, reply) = read(size);
        if complete && as_complete {
            assert_eq!(reply.value(), value, "in pieces of {size}");
            assert_eq!(read(size).1.stored(), read(whole).1.stored());
            assert_eq!(read(size).1.deleted(), read(whole).1.deleted());
        }
    }
}

fn assert_gateways_are_understood_or_refused(answer: &Bytes) {
    for protocol in [RedisProtocol::Webdis, RedisProtocol::Upstash] {
        let redis = Redis { protocol, url: "https://redis.test".to_owned() };
        let server = Server { redis: &redis, token: None };
        for status in [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::INTERNAL_SERVER_ERROR] {
            let (value, strings) = (server.read_get(status, answer), server.read_run(status, answer));
            assert!(!matches!(&value, Ok(Some(value)) if value.len() > answer.len()), "more than was sent");
            assert!(!matches!(&strings, Ok(strings) if strings.len() > answer.len()), "more than was sent");
            let done = [server.read_set(status, answer), server.read_delete(status, answer, 1).map(drop)];
            assert!(status == StatusCode::OK || done.iter().all(Result::is_err), "{status}");
            let refusals = done.into_iter().chain([value.map(drop), strings.map(drop)]).filter_map(Result::err);
            // Of what is no answer nothing is repeated but a word in capitals.
            for refusal in refusals {
                let plain = |c: char| c.is_ascii_alphanumeric() || c == ' ';
                assert!(refusal.0.len() <= answer.len() + 20 && refusal.0.chars().all(plain), "{}", refusal.0);
            }
        }
    }
}

fn assert_objects_agree(text: &str) {
    if let Some(ask) = Ask::parse(text) {
        assert_eq!(Ask::parse(&ask.target()), Some(ask));
    }
    if let Some(role) = Role::parse(text) {
        assert_eq!(Role::parse(&role.to_string()), Some(role));
    }
    if let Some(word) = Word::parse(text) {
        assert_eq!(word.to_string(), text);
    }
}
