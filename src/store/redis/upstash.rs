//! Upstash's REST API: a command is a list, several are a pipeline.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Call, RedisError, Server, refusal};
use crate::blob::Blob;

/// A request takes a mebibyte, of which base64 leaves three quarters; the rest is for the command.
pub(super) const MAX_VALUE: usize = 768 * 1024 - 1024;

/// Either of the two is there.
#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    result: Option<Value>,
    #[serde(default)]
    error: Option<String>,
}

pub(super) fn command<B: Blob>(server: &Server, command: &[&str]) -> Call<B> {
    post(server, "", &command)
}

pub(super) fn pipeline<B: Blob>(server: &Server, commands: &[[&str; 2]]) -> Call<B> {
    post(server, "pipeline", &commands)
}

fn post<B: Blob>(server: &Server, path: &str, body: &impl Serialize) -> Call<B> {
    let mut headers = server.headers();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = serde_json::to_vec(body).unwrap_or_default();
    Call { method: Method::POST, url: server.url(path), headers, body: Some(B::from_bytes(body.into())) }
}

/// The text in `result`; `None` if that is null.
pub(super) fn read_text<B: Blob>(status: StatusCode, body: &B) -> Result<Option<String>, RedisError> {
    let Reply { result, error } =
        serde_json::from_slice(&body.read(0..body.len())).map_err(|_| refusal(status, None))?;
    match result {
        Some(Value::String(text)) if status == StatusCode::OK && error.is_none() => Ok(Some(text)),
        None | Some(Value::Null) if status == StatusCode::OK && error.is_none() => Ok(None),
        _ => Err(refusal(status, error.as_deref())),
    }
}

/// One reply for each command, none of them an error: the sum of the numbers in them. Of any other length nobody knows which is whose.
pub(super) fn read_pipeline<B: Blob>(status: StatusCode, body: &B, count: usize) -> Result<u64, RedisError> {
    let replies: Vec<Reply> = serde_json::from_slice(&body.read(0..body.len())).map_err(|_| refusal(status, None))?;
    let error = replies.iter().find_map(|reply| reply.error.as_deref());
    match status == StatusCode::OK && replies.len() == count && error.is_none() {
        true => Ok(replies.iter().filter_map(|reply| reply.result.as_ref()?.as_u64()).sum()),
        false => Err(refusal(status, error)),
    }
}

/// What one request takes.
const MAX_REQUEST: usize = 1 << 20;

/// JSON has no bytes: those that are no text are sent as the characters of the same numbers, and this makes bytes of them again.
const FROM_LATIN_1: &str = "
for _, list in ipairs({ KEYS, ARGV }) do for i = 1, #list do
  list[i] = list[i]:gsub('([\\194\\195])([\\128-\\191])', function(lead, byte)
    return string.char(byte:byte() + (lead == '\\195' and 64 or 0))
  end)
end end
";

/// Strings come back as base64, which takes all bytes.
pub(super) fn run<B: Blob>(server: &Server, script: &str, words: &[Bytes]) -> Option<Call<B>> {
    let is_text = words.iter().all(|word| std::str::from_utf8(word).is_ok());
    let script = if is_text { script.to_owned() } else { format!("{FROM_LATIN_1}{script}") };
    let mut texts = vec!["EVAL".to_owned(), script];
    for word in words {
        texts.push(match std::str::from_utf8(word) {
            Ok(text) if is_text => text.to_owned(),
            _ => word.iter().map(|byte| char::from(*byte)).collect(),
        });
    }
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let mut call = command(server, &texts);
    call.headers.insert("upstash-encoding", HeaderValue::from_static("base64"));
    call.body.as_ref().is_some_and(|body: &B| body.len() <= MAX_REQUEST).then_some(call)
}

pub(super) fn read_run<B: Blob>(status: StatusCode, body: &B) -> Result<Vec<Bytes>, RedisError> {
    let Reply { result, error } =
        serde_json::from_slice(&body.read(0..body.len())).map_err(|_| refusal(status, None))?;
    let refused = || refusal(status, error.as_deref());
    match result {
        Some(Value::Array(strings)) if status == StatusCode::OK && error.is_none() => {
            let bytes = |string: &Value| BASE64_STANDARD.decode(string.as_str()?).ok().map(Bytes::from);
            strings.iter().map(bytes).collect::<Option<_>>().ok_or_else(refused)
        }
        _ => Err(refused()),
    }
}
