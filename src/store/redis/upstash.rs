//! Upstash's REST API: a command is a list, several are a pipeline.

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
