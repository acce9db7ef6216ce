//! Fetching from an origin: past Cloudflare's own cache, without following redirects, with a deadline for the headers.

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, StatusCode};
use js_sys::{Object, Reflect};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use web_sys::{ReadableStream, Response};

use super::arrival::response_fields;
use super::body::JsStream;
use super::js::{self, AbortController};
use super::ports::Edge;
use super::timer::sleep;
use crate::engine::ports::{Body, FetchError, OriginRequest, OriginResponse};
use crate::engine::within;
use crate::fields::grammar::text;
use crate::message::ResponseHead;

#[derive(Serialize)]
struct Init<'a> {
    method: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    redirect: &'static str,
    /// Neither looked up nor kept in the zone's cache, which knows none of our rules.
    cache: &'static str,
    #[serde(rename = "encodeResponseBody")]
    encode_response_body: &'static str,
}

/// Asks.
pub(super) async fn fetch(request: OriginRequest<Edge>) -> Result<OriginResponse<Edge>, FetchError> {
    let controller = AbortController::new_controller();
    let init = init(&request, &controller).map_err(|_| FetchError::Unreachable)?;
    let Some(answer) = within(sleep(request.timeout), js::fetch_url(&request.url, &init)).await else {
        controller.abort();
        return Err(FetchError::Timeout);
    };
    let answer = answer.map_err(|_| FetchError::Unreachable)?;
    let response: Response = answer.dyn_into().map_err(|_| FetchError::Unreachable)?;
    read_response(response, controller).ok_or(FetchError::Unreachable)
}

fn init(request: &OriginRequest<Edge>, controller: &AbortController) -> Result<Object, JsValue> {
    let plain = Init {
        method: request.method.as_str(),
        headers: pairs(&request.headers),
        redirect: "manual",
        cache: "no-store",
        encode_response_body: if request.decode { "automatic" } else { "manual" },
    };
    let init: Object = js::json_parse(&serde_json::to_string(&plain).unwrap_or_default())?.unchecked_into();
    Reflect::set(&init, &"signal".into(), &controller.signal())?;
    match &request.body {
        Body::Empty => {}
        Body::Blob(blob) => drop(Reflect::set(&init, &"body".into(), &blob.0)?),
        Body::Stream(stream) => drop(Reflect::set(&init, &"body".into(), &stream.readable)?),
    }
    Ok(init)
}

fn pairs(headers: &HeaderMap) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect()
}

fn read_response(response: Response, controller: AbortController) -> Option<OriginResponse<Edge>> {
    let status = StatusCode::from_u16(response.status()).ok()?;
    let headers = response_fields(&response)?;
    let rebuildable = (200..600).contains(&status.as_u16());
    let body = match response.body() {
        Some(readable) => stream(readable, controller, expected(&headers), &response, rebuildable),
        None if rebuildable => Body::Empty,
        // Nothing to read, and still nothing that could be built anew.
        None => stream(ReadableStream::from(JsValue::NULL), controller, None, &response, false),
    };
    Some(OriginResponse { head: ResponseHead { status, headers }, body })
}

/// How long the body is to be. What is encoded may be decoded on its way, and is longer then.
fn expected(headers: &HeaderMap) -> Option<u32> {
    let length = headers.get(CONTENT_LENGTH).filter(|_| !headers.contains_key(CONTENT_ENCODING))?;
    text(length).parse().ok()
}

fn stream(
    readable: ReadableStream,
    controller: AbortController,
    expected: Option<u32>,
    response: &Response,
    rebuildable: bool,
) -> Body<Edge> {
    let native = (!rebuildable).then(|| Clone::clone(response));
    Body::Stream(JsStream { readable, controller: Some(controller), shared: false, expected, native })
}
