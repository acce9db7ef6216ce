//! Webdis: a command is a path, a value a body.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};
use serde_json::Value;

use super::{Call, RedisError, Server, refusal};
use crate::blob::Blob;

/// A dot would be taken for the beginning of a format, a slash for the end of an argument.
const ARGUMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

fn path(command: &str, arguments: &[&str]) -> String {
    let arguments = arguments.iter().map(|argument| utf8_percent_encode(argument, ARGUMENT).to_string());
    [command.to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join("/")
}

pub(super) fn get<B>(server: &Server, key: &str) -> Call<B> {
    let url = server.url(&format!("{}?type=application/octet-stream", path("GET", &[key])));
    Call { method: Method::GET, url, headers: server.headers(), body: None }
}

/// 404 says that there is no such key, or nothing in it.
pub(super) fn read_get<B: Blob>(status: StatusCode, body: &B) -> Result<Option<B>, RedisError> {
    match status {
        StatusCode::OK => Ok(Some(body.clone())),
        StatusCode::NOT_FOUND => Ok(None),
        _ => Err(refusal(status, None)),
    }
}

pub(super) fn set<B: Blob>(server: &Server, key: &str, value: &B, seconds: &str) -> Call<B> {
    let mut headers = server.headers();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    let url = server.url(&path("SETEX", &[key, seconds]));
    Call { method: Method::PUT, url, headers, body: Some(value.clone()) }
}

pub(super) fn delete<B>(server: &Server, keys: &[String]) -> Call<B> {
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    Call { method: Method::GET, url: server.url(&path("DEL", &keys)), headers: server.headers(), body: None }
}

/// `{"SETEX": [true, "OK"]}`, `{"DEL": 2}`: one member, which is no list that begins with `false`. The number, if it is one.
pub(super) fn read_ok<B: Blob>(status: StatusCode, body: &B) -> Result<u64, RedisError> {
    let answer: Option<Value> = serde_json::from_slice(&body.read(0..body.len())).ok();
    let result = answer.as_ref().and_then(Value::as_object).and_then(|members| members.values().next());
    match result {
        Some(result) if status == StatusCode::OK && result.get(0) != Some(&Value::Bool(false)) => {
            Ok(result.as_u64().unwrap_or_default())
        }
        result => Err(refusal(status, result.and_then(|result| result.get(1)).and_then(Value::as_str))),
    }
}

/// A command in the body, which may be as long as it likes. `.raw` asks for the answer as Redis gave it, the one that takes all bytes.
pub(super) fn run<B: Blob>(server: &Server, script: &str, words: &[Bytes]) -> Call<B> {
    let mut command = format!("EVAL/{}", utf8_percent_encode(script, ARGUMENT));
    for word in words {
        command.push('/');
        command.extend(percent_encode(word, ARGUMENT));
    }
    command.push_str(".raw");
    let body = Some(B::from_bytes(command.into()));
    Call { method: Method::POST, url: server.url(""), headers: server.headers(), body }
}

/// `*2`, and `$` with its length before each string ([RESP](https://redis.io/docs/latest/develop/reference/protocol-spec/)).
pub(super) fn read_run(status: StatusCode, mut body: Bytes) -> Result<Vec<Bytes>, RedisError> {
    let error = body.strip_prefix(b"-").and_then(|text| std::str::from_utf8(text).ok());
    let refused = refusal(status, error);
    let mut strings = Vec::new();
    let count = length(&mut body, b'*').filter(|_| status == StatusCode::OK);
    for _ in 0..count.ok_or_else(|| refused.clone())? {
        let length = length(&mut body, b'$').filter(|length| length.saturating_add(2) <= body.len());
        strings.push(body.split_to(length.ok_or_else(|| refused.clone())?));
        body = body.slice(2..);
    }
    Ok(strings)
}

/// The number in the next line, if that is of this kind.
fn length(body: &mut Bytes, kind: u8) -> Option<usize> {
    let end = body.iter().position(|byte| *byte == b'\n')?;
    let line = body.split_to(end + 1);
    std::str::from_utf8(line.strip_prefix(&[kind])?).ok()?.trim_end().parse().ok()
}
