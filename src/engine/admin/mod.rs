//! What is reserved for whoever runs the site: `/_larder/`, and the method `PURGE`.

mod auth;
mod cells;
mod fan_out;
mod health;
mod purge;

use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::{Method, StatusCode};

pub use auth::{Scope, Tokens};
use health::health;

use super::Engine;
use super::answer::{Response, document};
use super::handle::{Outcome, RequestOf};
use super::ports::{Body, BodyLimits, CollectError, Ports};
use super::report::Report;

/// More is not read.
const MAX_BODY: u64 = 1 << 20;

/// Whether a path is ours, in any spelling an origin might take for ours: none of these is forwarded or stored.
#[must_use]
pub fn is_reserved(path: &str) -> bool {
    const OURS: &str = "/_larder";
    let looks_reserved = |path: &str| {
        let beginning = path.get(..OURS.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(OURS));
        beginning && matches!(path.as_bytes().get(OURS.len()), None | Some(b'/'))
    };
    looks_reserved(path) || crate::url::looser_readings(path).iter().any(|reading| looks_reserved(reading))
}

/// Whether a method steers caches: nobody's page is asked for by it, and a cache behind this one would take our word for theirs.
#[must_use]
pub fn steers_caches(method: &Method) -> bool {
    matches!(method.as_str(), "PURGE" | "BAN" | "REFRESH")
}

impl<P: Ports> Engine<P> {
    /// Everything under `/_larder/`, and everything that might be meant for it.
    pub(super) async fn administer(&self, request: &RequestOf<'_>, body: Body<P>) -> Outcome<P> {
        let (response, deferred) = match self.refuse(request) {
            Some(response) => (response, Vec::new()),
            None => self.serve_admin(request, body).await,
        };
        Outcome::new(response, Report { generated: true, ..Report::default() }, deferred)
    }

    /// The answer to who may not do it. Without a token nothing shows what there is.
    fn refuse(&self, request: &RequestOf<'_>) -> Option<Response<P>> {
        let is_read = [Method::GET, Method::HEAD].contains(&request.head.method);
        let is_health = request.head.url.path == "/_larder/health" && is_read;
        let purges = steers_caches(&request.head.method) || request.head.url.path == "/_larder/purge";
        match request.scope {
            _ if is_health => None,
            None if self.settings.tokens.enabled() => {
                Some(problem(StatusCode::UNAUTHORIZED, "A valid bearer token is needed."))
            }
            None if steers_caches(&request.head.method) => {
                Some(problem(StatusCode::METHOD_NOT_ALLOWED, "There is no purge here."))
            }
            None => Some(problem(StatusCode::NOT_FOUND, "There is nothing here.")),
            Some(Scope::Read) if purges => Some(problem(StatusCode::FORBIDDEN, "This token may only see.")),
            Some(Scope::Purge) if !purges => Some(problem(StatusCode::FORBIDDEN, "This token may only purge.")),
            Some(_) => None,
        }
    }

    async fn serve_admin(
        &self,
        request: &RequestOf<'_>,
        body: Body<P>,
    ) -> (Response<P>, Vec<super::deferred::Deferred<P>>) {
        let head = request.head;
        let is_read = head.method == Method::GET || head.method == Method::HEAD;
        let response = match head.url.path.as_str() {
            "/_larder/health" if is_read => {
                let health = health(self, matches!(request.scope, Some(Scope::Admin | Scope::Read)));
                let status = if health.status == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                document(status, "application/json", serde_json::to_string(&health).unwrap_or_default())
            }
            _ if head.method.as_str() == "PURGE" => return self.purge_one(head).await,
            "/_larder/purge" if head.method == Method::POST => match self.read_admin_body(body).await {
                Ok(body) => return self.purge(head, &body).await,
                Err(response) => response,
            },
            path if path.starts_with(cells::ROOT) => match self.read_admin_body(body).await {
                Ok(body) => Box::pin(self.serve_cells(request, body)).await,
                Err(response) => response,
            },
            path if ["/_larder/health", "/_larder/purge"].contains(&path) || steers_caches(&head.method) => {
                problem(StatusCode::METHOD_NOT_ALLOWED, "Not by this method.")
            }
            _ => problem(StatusCode::NOT_FOUND, "There is nothing here."),
        };
        (response, Vec::new())
    }

    async fn read_admin_body(&self, body: Body<P>) -> Result<bytes::Bytes, Response<P>> {
        use crate::blob::Blob;
        let blob = match body {
            Body::Empty => return Ok(bytes::Bytes::new()),
            Body::Blob(blob) => blob,
            Body::Stream(stream) => {
                let patience = std::time::Duration::from_secs(10);
                let limits = BodyLimits { room: self.isolate.room(MAX_BODY), idle: patience, total: patience };
                self.ports.collect(stream, limits).await.map_err(|error| match error {
                    CollectError::TooLarge => problem(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 1 MiB."),
                    CollectError::Truncated => problem(StatusCode::BAD_REQUEST, "The body ended early."),
                })?
            }
        };
        Ok(blob.read(0..blob.len()))
    }
}

/// An error as a document ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
pub(in crate::engine) fn problem<P: Ports>(status: StatusCode, title: &str) -> Response<P> {
    let document_text =
        serde_json::json!({ "type": "about:blank", "title": title, "status": status.as_u16() }).to_string();
    let mut response = document(status, "application/problem+json", document_text);
    if status == StatusCode::UNAUTHORIZED {
        response.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
