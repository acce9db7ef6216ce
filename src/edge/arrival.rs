//! Requests as they arrive, and the fields of responses: read through one text for all.

use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use wasm_bindgen::prelude::*;
use web_sys::{Request, Response};

use super::body::JsStream;
use super::ports::Edge;
use crate::engine::Arrival;
use crate::engine::ports::Body;
use crate::url::CanonicalUrl;

/// A request as the engine takes it. `None` if the runtime says something that no request can say.
pub(super) fn arrival(request: &Request) -> Option<Arrival<Edge>> {
    let head = request_lines(request);
    let mut lines = head.split('\n');
    let (method, url, again) = (lines.next()?, lines.next()?, lines.next()?);
    let headers = read_fields(lines)?;
    let host = headers.get(http::header::HOST).map(crate::fields::grammar::text);
    let url = CanonicalUrl::parse(url, host);
    let body = request.body().map_or(Body::Empty, |readable| {
        Body::Stream(JsStream { readable, controller: None, shared: false, expected: None, native: None })
    });
    Some(Arrival { method: Method::from_bytes(method.as_bytes()).ok()?, url, headers, body, again: !again.is_empty() })
}

/// All fields of a response. `None` if they are more than any message has.
pub(super) fn response_fields(response: &Response) -> Option<HeaderMap> {
    read_fields(response_lines(response).split('\n'))
}

/// A map of more fields has no room for those that are added here.
const MOST_FIELDS: usize = 8192;

/// From lines of name and value with a comma between them: no name holds one.
fn read_fields<'a>(lines: impl Iterator<Item = &'a str>) -> Option<HeaderMap> {
    let mut read = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(',')) {
        // A control character that no field may hold garbles the field, and loses neither the request nor that the field was there.
        let garbled = |_| HeaderValue::from_bytes(value.replace(char::is_control, "\u{fffd}").as_bytes());
        let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()).or_else(garbled))
        else {
            continue;
        };
        if read.len() == MOST_FIELDS || read.try_append(name, value).is_err() {
            return None;
        }
    }
    Some(read)
}

// `again` is set by `entry.mjs`. One text is by far the cheapest way to have all of it: no method, URL, name or value holds a line break.
#[wasm_bindgen(inline_js = "
const lines = (first, fields) => {
  fields.forEach((value, name) => { first += `${name},${value}\\n` })
  return first
}
export const request_lines = request =>
  lines(`${request.method}\\n${request.url}\\n${request.again ? 'again' : ''}\\n`, request.headers)
export const response_lines = response => lines('', response.headers)
")]
extern "C" {
    fn request_lines(request: &Request) -> String;
    fn response_lines(response: &Response) -> String;
}
