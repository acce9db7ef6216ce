//! `/_larder/cache/{alias}/`: Django's verbs over HTTP.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::{Scope, problem};
use crate::blob::Blob as _;
use crate::cells::{Asked, Command, Defaults, FOREVER, MAX_TOGETHER, Name, Refusal, Reply, Step, Swept, Verb, When};
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

impl<P: Ports> Engine<P> {
    /// Answers a request below [`ROOT`].
    pub(super) async fn serve_cells(&self, request: &RequestOf<'_>, body: Bytes) -> Response<P> {
        let Configured::Ready(config) = &self.settings.state else {
            return problem(StatusCode::SERVICE_UNAVAILABLE, "The configuration is invalid; see /_larder/health.");
        };
        let head = request.head;
        let below = head.url.path.strip_prefix(ROOT).unwrap_or_default();
        let (name, path) = below.split_once('/').unwrap_or((below, ""));
        let Some(alias) = config.caches.get(name) else {
            return problem(StatusCode::NOT_FOUND, "There is no such alias in CACHES.");
        };
        let prefix = alias.key_prefix.as_deref().unwrap_or(&config.key_prefix);
        let defaults = Defaults { prefix, version: alias.version, ttl: alias.default_ttl };
        let asked = Asked { method: head.method.as_str(), path, query: head.url.query.as_deref(), body };
        let command = match Command::read(&asked, &defaults) {
            Ok(command) if command.changes() && request.scope != Some(Scope::Admin) => {
                return problem(StatusCode::FORBIDDEN, "This token may only see.");
            }
            Ok(command) => command,
            Err(Refusal::Unknown) => return problem(StatusCode::NOT_FOUND, "There is nothing here."),
            Err(Refusal::Method) => return problem(StatusCode::METHOD_NOT_ALLOWED, "Not by this method."),
            Err(Refusal::Bad(why)) => return problem(StatusCode::BAD_REQUEST, &why),
        };
        self.obey(Cells { name, alias }, command).await.unwrap_or_else(|failure| failed(&failure))
    }

    async fn obey(&self, cells: Cells<'_>, command: Command) -> Result<Response<P>, Failure> {
        let (step, answer): (_, fn(&Reply) -> Response<P>) = match command {
            Command::Get { name, default } => {
                let reply = self.take(cells, Step::new(Verb::Get, vec![name], Vec::new())).await?;
                return Ok(match default.filter(|_| reply.number(0) < FOREVER) {
                    Some(default) => value(default.into(), None),
                    None => found(&reply),
                });
            }
            Command::Set { name, value, lifetime, when } => match when {
                When::Always => (Step::set(Verb::Set, vec![name], lifetime, vec![value]), |_| nothing()),
                When::Absent => (Step::set(Verb::Add, vec![name], lifetime, vec![value]), added),
                When::Leased(token) => (Step::fill(name, token, lifetime, value), filled),
            },
            Command::Delete(name) => (Step::new(Verb::Delete, vec![name], Vec::new()), deleted),
            Command::Increment { name, by } => {
                (Step::new(Verb::Increment, vec![name], vec![by.to_string().into()]), incremented)
            }
            Command::Touch { name, lifetime } => (Step::set(Verb::Touch, vec![name], lifetime, Vec::new()), touched),
            Command::Lease { name, seconds, wait } => {
                let reply = self.lease(cells, &name, seconds, wait).await?;
                let token = || String::from_utf8_lossy(&reply.part(0)).into_owned();
                return Ok(match reply.word() {
                    "value" => value(reply.part(1), Some(reply.number(0))),
                    _ => data(StatusCode::ACCEPTED, &json!({ "token": token(), "ttl": seconds.get() })),
                });
            }
            Command::GetMany(names) => {
                let reply = self.take(cells, Step::new(Verb::Get, names.clone(), Vec::new())).await?;
                return Ok(many(&names, &reply));
            }
            Command::SetMany { names, values, lifetime } => {
                (Step::set(Verb::Set, names, lifetime, values), |_| data(StatusCode::OK, &json!({ "failed": [] })))
            }
            Command::DeleteMany(names) => (Step::new(Verb::Delete, names, Vec::new()), |reply| {
                data(StatusCode::OK, &json!({ "deleted": reply.number(0) }))
            }),
            Command::List { sweep, cursor } => {
                let swept = self.sweep(cells, Verb::List, &sweep, cursor).await?;
                return Ok(page(Verb::List, swept, sweep.beginning().len()));
            }
            Command::Drop { sweep, cursor } => {
                return Ok(page(Verb::Drop, self.sweep(cells, Verb::Drop, &sweep, cursor).await?, 0));
            }
            Command::Move { from, to } => {
                let version = to.version;
                let reply = self.take(cells, Step::new(Verb::Move, vec![to, from], Vec::new())).await?;
                return Ok(match reply.word() {
                    "ok" => data(StatusCode::OK, &json!({ "version": version })),
                    _ => absent(),
                });
            }
        };
        Ok(answer(&self.take(cells, step).await?))
    }
}

fn failed<P: Ports>(failure: &Failure) -> Response<P> {
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    match failure {
        Failure::NoStore => problem(
            unavailable,
            "There is no store: bind the Durable Object class Cells as CELLS, or give the alias the tier redis.",
        ),
        Failure::Unavailable => {
            problem(unavailable, "The store did not answer, or refused. Whether it was done is not known.")
        }
        Failure::NotAValue => problem(StatusCode::CONFLICT, "Redis keeps something by that name that is no value."),
        Failure::TooLarge => problem(StatusCode::PAYLOAD_TOO_LARGE, "It is more than the gateway takes at once."),
        Failure::Bad(why) => problem(StatusCode::BAD_REQUEST, why),
    }
}

fn absent<P: Ports>() -> Response<P> {
    problem(StatusCode::NOT_FOUND, "There is no such key.")
}

fn nothing<P: Ports>() -> Response<P> {
    let mut response = document(StatusCode::NO_CONTENT, "", String::new());
    response.headers.remove(CONTENT_TYPE);
    response
}

fn found<P: Ports>(reply: &Reply) -> Response<P> {
    match reply.number(0) {
        left if left < FOREVER => absent(),
        left => value(reply.part(1), Some(left)),
    }
}

fn added<P: Ports>(reply: &Reply) -> Response<P> {
    match reply.word() {
        "ok" => Response { status: StatusCode::CREATED, ..nothing() },
        _ => problem(StatusCode::CONFLICT, "There is such a key already."),
    }
}

fn filled<P: Ports>(reply: &Reply) -> Response<P> {
    match reply.word() {
        "ok" => nothing(),
        _ => {
            problem(StatusCode::CONFLICT, "The lease has passed on, or was ended by a newer value. Nothing was stored.")
        }
    }
}

fn deleted<P: Ports>(reply: &Reply) -> Response<P> {
    if reply.number(0) == 0 { absent() } else { nothing() }
}

fn touched<P: Ports>(reply: &Reply) -> Response<P> {
    if reply.word() == "ok" { nothing() } else { absent() }
}

fn incremented<P: Ports>(reply: &Reply) -> Response<P> {
    match reply.word() {
        "ok" => {
            let text = String::from_utf8_lossy(&reply.part(0)).into_owned();
            document(StatusCode::OK, "application/json", text)
        }
        "absent" => absent(),
        _ => problem(StatusCode::CONFLICT, "The value is not a whole number, or would be beyond 64 bits."),
    }
}

/// A value as it was sent, and no web page, whatever it looks like.
fn value<P: Ports>(bytes: Bytes, left: Option<i64>) -> Response<P> {
    let mut response = document(StatusCode::OK, "application/octet-stream", String::new());
    response.body = Body::Blob(P::Blob::from_bytes(bytes));
    let left = left.map(|left| match left {
        FOREVER => HeaderValue::from_static("none"),
        millis => HeaderValue::from((millis.unsigned_abs()).div_ceil(1000)),
    });
    response.headers.extend(left.map(|left| (TTL, left)));
    response
}

fn data<P: Ports>(status: StatusCode, data: &Value) -> Response<P> {
    document(status, "application/json", data.to_string())
}

/// What was found, each value as the JSON that it is; what is none comes as base64, apart.
fn many<P: Ports>(names: &[Name], reply: &Reply) -> Response<P> {
    use base64::Engine as _;
    let size: usize = reply.parts().iter().map(Bytes::len).sum();
    if reply.word() != "ok" || size > MAX_TOGETHER {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "The values are more than 4 MiB together: ask for fewer.");
    }
    let (mut values, mut others) = (String::new(), String::new());
    for (at, name) in names.iter().enumerate().filter(|(at, _)| reply.number(2 * at) >= FOREVER) {
        let bytes = reply.part(2 * at + 1);
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok();
        let text = std::str::from_utf8(&bytes).ok().filter(|_| is_json);
        let list = if text.is_some() { &mut values } else { &mut others };
        let comma = if list.is_empty() { "" } else { "," };
        let value =
            text.map_or_else(|| format!("\"{}\"", base64::prelude::BASE64_STANDARD.encode(&bytes)), str::to_owned);
        list.push_str(&format!("{comma}{}:{value}", Value::from(name.key.as_str())));
    }
    let others = if others.is_empty() { others } else { format!(",\"base64\":{{{others}}}") };
    document(StatusCode::OK, "application/json", format!("{{\"values\":{{{values}}}{others}}}"))
}

/// A page: keys without what all names begin with, or how many there were; and where to go on, if it is not the last.
fn page<P: Ports>(verb: Verb, swept: Swept, beginning: usize) -> Response<P> {
    let mut page = match verb {
        Verb::List => {
            let keys: Vec<_> = swept.names.iter().filter_map(|name| name.get(beginning..)).collect();
            json!({ "keys": keys })
        }
        _ => json!({ "deleted": swept.count }),
    };
    if let Some(cursor) = swept.next {
        page["cursor"] = cursor.into();
    }
    data(StatusCode::OK, &page)
}
