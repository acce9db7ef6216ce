//! Requests as they arrive, and fields as the runtime has them: one string for all.

use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use js_sys::Array;
use web_sys::{Headers, Request};

use super::body::JsStream;
use super::js;
use super::ports::Edge;
use crate::engine::Arrival;
use crate::engine::ports::Body;
use crate::url::CanonicalUrl;

/// A request as the engine takes it. `None` if the runtime says something that no request can say.
pub(super) fn arrival(request: &Request) -> Option<Arrival<Edge>> {
    let headers = read_headers(&request.headers())?;
    let host = headers.get(http::header::HOST).map(|host| crate::fields::grammar::text(host).to_owned());
    let body = request
        .body()
        .map_or(Body::Empty, |readable| Body::Stream(JsStream { readable, controller: None, native: None }));
    Some(Arrival {
        method: Method::from_bytes(request.method().as_bytes()).ok()?,
        url: CanonicalUrl::parse(&request.url(), host.as_deref()),
        headers,
        body,
        // `entry.mjs` says so.
        again: js::get(request, "again").is_truthy(),
    })
}

/// A map of more fields has no room for those that are added here.
const MOST_FIELDS: usize = 8192;

/// All fields, through one string: no value holds a line break. `None` if they are more than any message has.
pub(super) fn read_headers(headers: &Headers) -> Option<HeaderMap> {
    // An array of pairs, each of which is joined by a comma: no name holds one.
    let text = String::from(Array::from(headers).join("\n"));
    let mut read = HeaderMap::new();
    for (name, value) in text.split('\n').filter_map(|line| line.split_once(',')) {
        // A control character that no field may hold loses the field, not the request.
        let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        else {
            continue;
        };
        if read.len() == MOST_FIELDS || read.try_append(name, value).is_err() {
            return None;
        }
    }
    Some(read)
}
