//! Responses for the runtime.
//!
//! To build fields anew is a third of what a hit costs. Those of a stored page are the same each time but for a few, so they are built
//! once, and the runtime copies them.

use std::cell::RefCell;
use std::collections::HashMap;

use fnv::FnvBuildHasher;
use http::StatusCode;
use http::header::{AGE, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use wasm_bindgen::prelude::*;
use web_sys::{Headers, Response, ResponseInit};

use super::body::JsStream;
use super::js::{JsResponse, ResponseOptions};
use super::ports::Edge;
use crate::engine::Response as Answer;
use crate::engine::ports::Body;
use crate::fields::grammar::text;

/// Fields that are seldom the same twice.
const PASSING: [HeaderName; 3] =
    [AGE, HeaderName::from_static("cache-status"), HeaderName::from_static("server-timing")];

/// How many sets of fields are kept; then it begins anew.
const MOST_KEPT: usize = 512;

thread_local! {
    static KEPT: RefCell<HashMap<String, JsValue, FnvBuildHasher>> = RefCell::default();
}

/// The response for the runtime. What it cannot carry is passed on as it came.
pub(super) fn response(answer: Answer<Edge>) -> Result<Response, JsValue> {
    let Answer { status, headers, body, encoded, .. } = answer;
    let (body, is_whole) = match body {
        Body::Empty => (JsValue::NULL, true),
        Body::Blob(blob) => (blob.0.into(), true),
        Body::Stream(JsStream { native: Some(native), .. }) => return Ok(native),
        Body::Stream(stream) => (stream.readable.into(), false),
    };
    let options = ResponseInit::new();
    options.set_status(carried(status));
    if encoded && headers.contains_key(CONTENT_ENCODING) {
        options.unchecked_ref::<ResponseOptions>().set_encode_body("manual");
    }
    // What sets a cookie is for one client: it never comes again, and stays nowhere.
    let comes_again = is_whole && !headers.contains_key(SET_COOKIE);
    let lasting = if comes_again { kept(&headers) } else { built(&headers) };
    options.set_headers(&lasting?);
    let response: Response = JsResponse::new(&body, &options)?.unchecked_into();
    let fields = response.headers();
    for (name, value) in headers.iter().filter(|(name, _)| PASSING.contains(name)) {
        fields.append(name.as_str(), text(value))?;
    }
    Ok(response)
}

fn lasting(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    headers.iter().filter(|(name, _)| !PASSING.contains(name))
}

/// The fields that last, built at the first time.
fn kept(headers: &HeaderMap) -> Result<JsValue, JsValue> {
    let mut lines = String::with_capacity(256);
    for (name, value) in lasting(headers) {
        lines.extend([name.as_str(), ":", text(value), "\n"]);
    }
    KEPT.with_borrow_mut(|kept| {
        if let Some(fields) = kept.get(&lines) {
            return Ok(fields.clone());
        }
        if kept.len() == MOST_KEPT {
            kept.clear();
        }
        let fields = built(headers)?;
        kept.insert(lines, fields.clone());
        Ok(fields)
    })
}

fn built(headers: &HeaderMap) -> Result<JsValue, JsValue> {
    let fields = Headers::new()?;
    for (name, value) in lasting(headers) {
        fields.append(name.as_str(), text(value))?;
    }
    Ok(fields.into())
}

/// A status a response can be built with.
fn carried(status: StatusCode) -> u16 {
    match status.as_u16() {
        code @ 200..600 => code,
        _ => 502,
    }
}
