//! Webdis: a command is a path, a value a body.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
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
