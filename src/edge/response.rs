//! Responses for the runtime.
//!
//! To build fields anew is a third of what a hit costs. Those of a stored page are the same each time but for a few, so they are kept,
//! and the runtime copies them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use fnv::FnvBuildHasher;
use http::StatusCode;
use http::header::{AGE, CONTENT_ENCODING, HeaderMap, HeaderName, SET_COOKIE};
use wasm_bindgen::prelude::*;
use web_sys::{Headers, ResponseInit};

use super::body::JsStream;
use super::js::{JsResponse, ResponseOptions};
use super::ports::Edge;
use crate::engine::Response as Answer;
use crate::engine::ports::Body;
use crate::fields::grammar::text;

/// Fields that are seldom the same twice.
const PASSING: [HeaderName; 3] =
    [AGE, HeaderName::from_static("cache-status"), HeaderName::from_static("server-timing")];

/// How many are kept; then it begins anew.
const MOST_KEPT: usize = 512;

thread_local! {
    static KEPT: RefCell<HashMap<String, Kept, FnvBuildHasher>> = RefCell::default();
}

/// The response for the runtime. What it cannot carry is passed on as it came.
pub(super) fn response(answer: Answer<Edge>) -> Result<JsValue, JsValue> {
    let Answer { status, headers, body, encoded, .. } = answer;
    let (body, is_whole) = match body {
        Body::Empty => (JsValue::NULL, true),
        Body::Blob(blob) => (blob.0.into(), true),
        Body::Stream(JsStream { native: Some(native), .. }) => return Ok(native.into()),
        Body::Stream(stream) => (stream.readable.into(), false),
    };
    let head =
        Head { status: carried(status), under_coding: encoded && headers.contains_key(CONTENT_ENCODING), headers };
    // What sets a cookie is for one client: it never comes again, and stays nowhere.
    if is_whole && !head.headers.contains_key(SET_COOKIE) {
        return Ok(JsResponse::new(&body, &kept(&head)?)?.into());
    }
    Ok(JsResponse::new(&body, &head.options(&head.fields(|_| true)?))?.into())
}

/// What a response is built with, but for the body.
struct Head {
    status: StatusCode,
    /// Whether the body is already under the coding that its fields state.
    under_coding: bool,
    headers: HeaderMap,
}

impl Head {
    fn options(&self, fields: &Headers) -> ResponseInit {
        let options = ResponseInit::new();
        options.set_status(self.status.as_u16());
        options.set_headers(fields);
        if self.under_coding {
            options.unchecked_ref::<ResponseOptions>().set_encode_body("manual");
        }
        options
    }

    fn fields(&self, which: fn(&HeaderName) -> bool) -> Result<Headers, JsValue> {
        let fields = Headers::new()?;
        append(&fields, &self.headers, which)?;
        Ok(fields)
    }

    /// Another text for all that differ in what lasts.
    fn lasting(&self) -> String {
        let mut text = lines(&self.headers, is_lasting);
        text.push_str(if self.under_coding { "coded " } else { "plain " });
        text.push_str(self.status.as_str());
        text
    }
}

/// What answers that come again are built with: the fields that last, and the others as they were the last time, which in the same
/// second they mostly are.
struct Kept {
    options: ResponseInit,
    fields: Headers,
    passing: String,
}

impl Kept {
    /// Makes the fields say what has changed.
    fn renew(&mut self, headers: &HeaderMap) -> Result<(), JsValue> {
        let passing = lines(headers, is_passing);
        if self.passing == passing {
            return Ok(());
        }
        // Whatever it was, should one of these calls fail.
        self.passing.clear();
        for name in &PASSING {
            self.fields.delete(name.as_str())?;
        }
        append(&self.fields, headers, is_passing)?;
        self.passing = passing;
        Ok(())
    }
}

fn kept(head: &Head) -> Result<JsValue, JsValue> {
    let lasting = head.lasting();
    KEPT.with_borrow_mut(|kept| {
        if !kept.contains_key(&lasting) && kept.len() == MOST_KEPT {
            kept.clear();
        }
        let known = match kept.entry(lasting) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => {
                let fields = head.fields(is_lasting)?;
                vacant.insert(Kept { options: head.options(&fields), fields, passing: String::new() })
            }
        };
        known.renew(&head.headers)?;
        Ok(known.options.clone().into())
    })
}

fn is_passing(name: &HeaderName) -> bool {
    PASSING.contains(name)
}

fn is_lasting(name: &HeaderName) -> bool {
    !is_passing(name)
}

/// As one text, which is another if a field is.
fn lines(headers: &HeaderMap, which: fn(&HeaderName) -> bool) -> String {
    let mut lines = String::with_capacity(512);
    for (name, value) in headers.iter().filter(|(name, _)| which(name)) {
        lines.extend([name.as_str(), ":", text(value), "\n"]);
    }
    lines
}

fn append(fields: &Headers, headers: &HeaderMap, which: fn(&HeaderName) -> bool) -> Result<(), JsValue> {
    for (name, value) in headers.iter().filter(|(name, _)| which(name)) {
        fields.append(name.as_str(), text(value))?;
    }
    Ok(())
}

/// A status a response can be built with.
fn carried(status: StatusCode) -> StatusCode {
    if (200..600).contains(&status.as_u16()) { status } else { StatusCode::BAD_GATEWAY }
}
