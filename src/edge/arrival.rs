//! Requests as they arrive, and fields as the runtime has them: one string for all.

use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use js_sys::Array;
use web_sys::{Headers, Request};

use super::body::JsStream;
use super::ports::Edge;
use crate::engine::Arrival;
use crate::engine::ports::Body;
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
    // An array of pairs, each of which is joined by a comma: no name holds one.
    let text = String::from(Array::from(headers).join("\n"));
    let mut read = HeaderMap::new();
    for (name, value) in text.split('\n').filter_map(|line| line.split_once(',')) {
        // A control character that no field may hold garbles the field, and loses neither the request nor that the field was there.
        let garbled = |_| HeaderValue::from_bytes(value.replace(char::is_control, "\u{fffd}").as_bytes());
        let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()).or_else(garbled))
        else {
            continue;
        };
        if read.try_append(name, value).is_err() {
            break;
        }
    }
    read
}
