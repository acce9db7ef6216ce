//! Between the runtime's requests and responses and ours: one string each way for all fields.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{Headers, Request, Response};

use super::body::JsStream;
use super::js::{self, JsResponse};
use super::ports::Edge;
use crate::engine::ports::Body;
use crate::engine::{Arrival, Response as Answer};
use crate::url::CanonicalUrl;

/// A request as the engine takes it. `None` if the runtime says something that no request can say.
pub(super) fn arrival(request: &Request) -> Option<Arrival<Edge>> {
    let headers = read_headers(&request.headers());
    let host = headers.get(http::header::HOST).map(|host| crate::fields::grammar::text(host).to_owned());
    let body = request
        .body()
        .map_or(Body::Empty, |readable| Body::Stream(JsStream { readable, controller: None, native: None }));
    Some(Arrival {
        method: Method::from_bytes(request.method().as_bytes()).ok()?,
        url: CanonicalUrl::parse(&request.url(), host.as_deref()),
        headers,
        body,
    })
}

/// All fields, through one string: no value holds a line break.
pub(super) fn read_headers(headers: &Headers) -> HeaderMap {
    let flat = Array::from(headers).flat(1).join("\n");
    let text = String::from(flat);
    let mut lines = text.split('\n');
    let mut read = HeaderMap::new();
    while let (Some(name), Some(value)) = (lines.next(), lines.next()) {
        // A control character that no field may hold loses the field, not the request.
        let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        else {
            continue;
        };
        if read.try_append(name, value).is_err() {
            break;
        }
    }
    read
}

/// Fields as a list of pairs, in JSON.
pub(super) fn pairs(headers: &HeaderMap) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), crate::fields::grammar::text(value))).collect()
}

/// The response for the runtime. What it cannot carry is passed on as it came.
pub(super) fn response(answer: Answer<Edge>) -> Result<Response, JsValue> {
    let Answer { status, headers, body, encoded, .. } = answer;
    let body = match body {
        Body::Empty => JsValue::NULL,
        Body::Blob(blob) => blob.0.into(),
        Body::Stream(JsStream { native: Some(native), .. }) => return Ok(native),
        Body::Stream(stream) => stream.readable.into(),
    };
    let init = Init {
        status: carried(status),
        headers: pairs(&headers),
        encode_body: if encoded { "manual" } else { "automatic" },
    };
    let init = js::json_parse(&serde_json::to_string(&init).unwrap_or_default())?;
    JsResponse::new(&body, &init).map(JsCast::unchecked_into)
}

/// A status a response can be built with.
fn carried(status: StatusCode) -> u16 {
    match status.as_u16() {
        code @ 200..600 => code,
        _ => 502,
    }
}

#[derive(serde::Serialize)]
struct Init<'a> {
    status: u16,
    headers: Vec<(&'a str, &'a str)>,
    #[serde(rename = "encodeBody")]
    encode_body: &'a str,
}
