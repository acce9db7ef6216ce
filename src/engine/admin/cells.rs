//! `/_larder/cache/{alias}/`: Django's verbs over HTTP.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Scope, problem};
use crate::blob::Blob as _;
use crate::cells::{Answer, Asked, Command, Defaults, FOREVER, MAX_TOGETHER, Refusal, Reply, Step, Swept, Verb};
use crate::engine::Engine;
use crate::engine::answer::{Response, document};
use crate::engine::cells::{Cells, Failure};
use crate::engine::handle::RequestOf;
use crate::engine::ports::{Body, Ports};
use crate::engine::settings::Configured;

/// What all of these paths begin with.
pub(super) const ROOT: &str = "/_larder/cache/";

/// What is left of a value's life: seconds, `none` if it has no end, 0 if it is stale.
const TTL: HeaderName = HeaderName::from_static("larder-ttl");

/// An answer that is an error: its status, and what is wrong.
type Trouble = (StatusCode, String);

impl<P: Ports> Engine<P> {
    /// Answers a request below [`ROOT`].
    pub(super) async fn serve_cells(&self, request: &RequestOf<'_>, body: Bytes) -> Response<P> {
        self.obey(request, body).await.unwrap_or_else(|(status, why)| problem(status, &why))
    }

    async fn obey(&self, request: &RequestOf<'_>, body: Bytes) -> Result<Response<P>, Trouble> {
        let Configured::Ready(config) = &self.settings.state else {
            return Err(trouble(StatusCode::SERVICE_UNAVAILABLE, "The configuration is invalid; see /_larder/health."));
        };
        let url = &request.head.url;
        let below = url.path.strip_prefix(ROOT).unwrap_or_default();
        let (name, path) = below.split_once('/').unwrap_or((below, ""));
        let Some(alias) = config.caches.get(name) else {
            return Err(trouble(StatusCode::NOT_FOUND, "There is no such alias in CACHES."));
        };
        let prefix = alias.key_prefix.as_deref().unwrap_or(&config.key_prefix);
        let defaults = Defaults { prefix, version: alias.version, ttl: alias.default_ttl };
        let asked = Asked { method: request.head.method.as_str(), path, query: url.query.as_deref(), body };
        let command = Command::read(asked, &defaults).map_err(refused)?;
        if command.changes() && request.scope != Some(Scope::Admin) {
            return Err(trouble(StatusCode::FORBIDDEN, "This token may only see."));
        }
        let cells = Cells { name, alias };
        match command {
            Command::Take(step, answer) => {
                let reply = self.take(cells, &step).await.map_err(failed)?;
                answered(&step, answer, &reply)
            }
            Command::Lease(name, length, wait) => {
                let reply = self.lease(cells, name, length, wait).await.map_err(failed)?;
                Ok(match reply.word() {
                    "value" => value(reply.part(1), reply.number(0)),
                    _ => {
                        let text = format!("{{\"token\":\"{}\",\"ttl\":{length}}}", reply.text(1));
                        document(StatusCode::ACCEPTED, JSON, text)
                    }
                })
            }
            Command::Sweep(verb, sweep, cursor) => {
                let swept = self.sweep(cells, verb, &sweep, cursor).await.map_err(failed)?;
                Ok(page(&swept, sweep.beginning().len(), verb == Verb::Drop))
            }
        }
    }
}

const JSON: &str = "application/json";

fn trouble(status: StatusCode, why: &str) -> Trouble {
    (status, why.to_owned())
}

fn refused(refusal: Refusal) -> Trouble {
    match refusal {
        Refusal::Unknown => trouble(StatusCode::NOT_FOUND, "There is nothing here."),
        Refusal::Method => trouble(StatusCode::METHOD_NOT_ALLOWED, "Not by this method."),
        Refusal::Bad(why) => (StatusCode::BAD_REQUEST, why),
    }
}

fn failed(failure: Failure) -> Trouble {
    let (status, why) = match failure {
        Failure::NoStore => (
            StatusCode::SERVICE_UNAVAILABLE,
            "There is no store: bind the Durable Object class Cells as CELLS, or give the alias the tier redis.",
        ),
        Failure::Unavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, "The store did not answer, or refused. Whether it was done is not known.")
        }
        Failure::NotAValue => (StatusCode::CONFLICT, "Redis keeps something by that name that is no value."),
        Failure::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "It is more than the gateway takes at once."),
        Failure::Bad(why) => return (StatusCode::BAD_REQUEST, why),
    };
    trouble(status, why)
}

fn answered<P: Ports>(step: &Step, answer: Answer, reply: &Reply) -> Result<Response<P>, Trouble> {
    let absent = || trouble(StatusCode::NOT_FOUND, "There is no such key.");
    let conflict = |why| Err(trouble(StatusCode::CONFLICT, why));
    match reply.word() {
        "absent" => return Err(absent()),
        "taken" => return conflict("There is such a key already."),
        "passed" => return conflict("The lease has passed on, or something newer ended it. Nothing was stored."),
        "not-an-integer" => return conflict("The value is not a whole number, or would be beyond 64 bits."),
        "too-large" => return Err(too_large()),
        _ => {}
    }
    let said = |text| document(StatusCode::OK, JSON, text);
    Ok(match answer {
        Answer::Value(default) => match (reply.number(0), default) {
            (left, _) if left >= FOREVER => value(reply.part(1), left),
            (_, Some(default)) => {
                let mut response = value(default.into(), 0);
                response.headers.remove(TTL);
                response
            }
            _ => return Err(absent()),
        },
        Answer::Values => said(values(step, reply)?),
        Answer::Number => said(reply.text(1).to_owned()),
        Answer::Count => said(format!("{{\"deleted\":{}}}", reply.number(0))),
        Answer::Said(text) => said(text),
        Answer::Deleted if reply.number(0) == 0 => return Err(absent()),
        Answer::Deleted | Answer::Nothing => nothing(StatusCode::NO_CONTENT),
        Answer::Created => nothing(StatusCode::CREATED),
    })
}

fn nothing<P: Ports>(status: StatusCode) -> Response<P> {
    let mut response = document(status, JSON, String::new());
    response.headers.remove(CONTENT_TYPE);
    response
}

/// A value as it was sent, and no web page, whatever it looks like.
fn value<P: Ports>(bytes: Bytes, left: i64) -> Response<P> {
    let mut response = document(StatusCode::OK, "application/octet-stream", String::new());
    response.body = Body::Blob(P::Blob::from_bytes(bytes));
    let left = match left {
        FOREVER => HeaderValue::from_static("none"),
        millis => HeaderValue::from(millis.unsigned_abs().div_ceil(1000)),
    };
    response.headers.insert(TTL, left);
    response
}

fn too_large() -> Trouble {
    trouble(StatusCode::PAYLOAD_TOO_LARGE, "The values are more than 4 MiB together: ask for fewer.")
}

/// What was found, each value as the JSON that it is; what is none comes as base64, apart.
fn values(step: &Step, reply: &Reply) -> Result<String, Trouble> {
    let (mut values, mut others, mut size) = (String::new(), String::new(), 0);
    for (at, name) in step.names.iter().enumerate() {
        if reply.number(2 * at) < FOREVER {
            continue;
        }
        let bytes = reply.part(2 * at + 1);
        size += bytes.len();
        match std::str::from_utf8(&bytes) {
            Ok(text) if serde_json::from_str::<IgnoredAny>(text).is_ok() => add(&mut values, name.key(), text),
            _ => add(&mut others, name.key(), &format!("\"{}\"", BASE64_STANDARD.encode(&bytes))),
        }
    }
    if size > MAX_TOGETHER {
        return Err(too_large());
    }
    let others = if others.is_empty() { others } else { format!(",\"base64\":{{{others}}}") };
    Ok(format!("{{\"values\":{{{values}}}{others}}}"))
}

/// Adds a member to a JSON object under way.
fn add(members: &mut String, name: &str, value: &str) {
    add_text(members, name);
    members.push(':');
    members.push_str(value);
}

/// Adds a string to a JSON list under way.
fn add_text(list: &mut String, text: &str) {
    if !list.is_empty() {
        list.push(',');
    }
    list.push_str(&Value::from(text).to_string());
}

/// A page: keys without what all names begin with, or how many there were; and where to go on, if it is not the last.
fn page<P: Ports>(swept: &Swept, beginning: usize, counts: bool) -> Response<P> {
    let mut page = String::new();
    if counts {
        add(&mut page, "deleted", &swept.count.to_string());
    } else {
        let mut keys = String::new();
        swept.names.iter().for_each(|name| add_text(&mut keys, name.get(beginning..).unwrap_or_default()));
        add(&mut page, "keys", &format!("[{keys}]"));
    }
    if let Some(cursor) = &swept.next {
        add(&mut page, "cursor", &Value::from(cursor.as_str()).to_string());
    }
    document(StatusCode::OK, JSON, format!("{{{page}}}"))
}
