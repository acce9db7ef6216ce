//! Responses: from a stored entry, from the origin, or made here.

use std::ops::Range;
use std::rc::Rc;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Method, StatusCode};

use super::ports::{Body, Ports};
use super::report::Report;
use crate::blob::Blob;
use crate::cache::Entry;
use crate::cache::serve::{Part, Served, serve, straight_through};
use crate::esi::is_template;
use crate::fields::Seconds;
use crate::fields::content_coding::{accepts, decoded_coding, without_coding};
use crate::message::{RequestHead, ResponseHead};
use crate::policy::Policy;
use crate::reason::Reason;

/// A response on its way to the client.
pub struct Response<P: Ports> {
    /// From 200 to 999.
    pub status: StatusCode,
    /// All of them.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body<P>,
    /// Whether the bytes of the body are already under the content coding that the fields state. A body that the runtime would
    /// decode for a reader is not: it is passed on with its coding, or decoded if the fields state none.
    pub encoded: bool,
    /// Whether the body is a template, which becomes a page before it goes.
    pub template: bool,
}

/// The answer to `request` from a stored entry.
pub(super) fn from_entry<P: Ports>(
    request: &RequestHead,
    entry: &Rc<Entry<P::Blob>>,
    age: Seconds,
    policy: &Policy,
) -> Response<P> {
    let Served { status, headers, part, template } = serve(request.wanted(), &entry.head, age, policy);
    let slice = |range: Range<u64>| entry.body.slice(in_memory(range));
    let body = match part {
        Part::Nothing => Body::Empty,
        Part::Whole => Body::Blob(entry.body.clone()),
        Part::Range(range) => Body::Blob(slice(range)),
        Part::Multipart(parts, end) => {
            let pieces = parts.into_iter().flat_map(|(text, range)| [P::Blob::from_bytes(text.into()), slice(range)]);
            let pieces: Vec<_> = pieces.chain([P::Blob::from_bytes(end.into())]).collect();
            Body::Blob(P::Blob::concat(&pieces))
        }
    };
    Response { status, headers, body, encoded: true, template }
}

/// A range of a body that is in memory, so that its length is no more than an address can be.
pub(super) fn in_memory(range: Range<u64>) -> Range<usize> {
    range.start as usize..range.end as usize
}

/// The origin's own answer: under its content coding if the client takes that, decoded if not, or if it is read here.
pub(super) fn from_origin<P: Ports>(
    request: &RequestHead,
    head: &ResponseHead,
    body: Body<P>,
    policy: &Policy,
) -> Response<P> {
    let coding = decoded_coding(&head.headers);
    let template = is_template(policy, head.status, &head.headers);
    let headers = match coding {
        Some(coding) if template || !accepts(&request.headers, coding) => {
            straight_through(&without_coding(&head.headers))
        }
        _ => straight_through(&head.headers),
    };
    Response { status: head.status, headers, body, encoded: coding.is_none(), template }
}

/// An answer of our own, in plain text.
pub(super) fn plain<P: Ports>(status: StatusCode, text: &str) -> Response<P> {
    document(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

/// An answer of our own.
pub(super) fn document<P: Ports>(status: StatusCode, media_type: &'static str, text: String) -> Response<P> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Response { status, headers, body: Body::Blob(P::Blob::from_bytes(text.into())), encoded: false, template: false }
}

/// What a visitor is told when there is no answer to give: nothing that is not for everybody.
pub(super) fn failure_answer(reason: Reason) -> (StatusCode, &'static str) {
    match reason {
        Reason::OriginTimeout => (StatusCode::GATEWAY_TIMEOUT, "The site did not answer in time. Please try again."),
        Reason::OnlyIfCached => (StatusCode::GATEWAY_TIMEOUT, "Nothing is stored for this request."),
        Reason::Loop => {
            (StatusCode::LOOP_DETECTED, "This request has been here before: the origin leads back to this cache.")
        }
        Reason::HostNotServed => (StatusCode::MISDIRECTED_REQUEST, "This host is not served here."),
        Reason::HostInvalid => {
            (StatusCode::BAD_REQUEST, "The Host field does not name a host, or not the one in the request.")
        }
        Reason::WorkerFailed => (StatusCode::INTERNAL_SERVER_ERROR, "This request failed here."),
        _ => (StatusCode::BAD_GATEWAY, "The site could not be reached. Please try again."),
    }
}

impl<P: Ports> Response<P> {
    /// Ready to go: with what it has to say of itself, and without a body where there must be none.
    pub(super) fn finish(mut self, report: &Report, method: &Method, show_key: bool) -> Self {
        report.write(&mut self.headers, show_key);
        if *method == Method::HEAD || matches!(self.status.as_u16(), 204 | 205 | 304) {
            self.body = Body::Empty;
        }
        self
    }
}
