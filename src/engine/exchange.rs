//! One exchange with the origin: what is asked, and what the answer means for what is stored.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http::{Method, StatusCode};

use super::Engine;
use super::ports::{Body, FetchError, OriginRequest, OriginResponse, Ports};
use crate::cache::partial::ask_for_rest;
use crate::cache::storability::Asked;
use crate::cache::validation::{Revision, freshen, make_conditional, remove_conditions};
use crate::cache::{Entry, Fetched, Stamp};
use crate::fields::{Seconds, Timestamp, retry_after};
use crate::forward::{Lookup, map_locations};
use crate::message::{RequestHead, ResponseHead};
use crate::policy::{Origin, Policy};
use crate::reason::Reason;
use crate::url::CanonicalUrl;

/// Marks a request as one that this deployment has already forwarded.
pub(super) const LOOP: HeaderName = HeaderName::from_static("larder-loop");

/// What the origin had to say.
pub(super) enum Exchanged<P: Ports> {
    /// What is stored still holds: as it is, or completed.
    Updated {
        /// Its new head.
        revision: Box<Revision>,
        /// Its body.
        body: P::Blob,
        /// 304, or the 206 that completed it.
        status: StatusCode,
    },
    /// A response of its own.
    Response(OriginResponse<P>),
    /// Nothing that can be used.
    Failed(Failure),
}

/// Why there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No answer.
    Fetch(FetchError),
    /// An answer that makes no sense here.
    Nonsense(Reason),
}

impl Failure {
    pub(super) fn reason(self) -> Reason {
        match self {
            Self::Fetch(FetchError::Unreachable) => Reason::OriginUnreachable,
            Self::Fetch(FetchError::Timeout) => Reason::OriginTimeout,
            Self::Nonsense(reason) => reason,
        }
    }
}

/// An exchange and when it took place.
pub(super) struct Exchange<P: Ports> {
    pub result: Exchanged<P>,
    pub fetched: Fetched,
    /// What was known of purges before it.
    pub stamp: Stamp,
}

impl<P: Ports> Exchange<P> {
    /// Milliseconds until the headers were here.
    pub(super) fn millis(&self) -> u64 {
        self.fetched.received.as_millis().saturating_sub(self.fetched.requested.as_millis())
    }
}

/// What the origin is asked, and for whom.
#[derive(Clone, Copy)]
pub(super) struct Errand<'a> {
    pub request: &'a RequestHead,
    pub lookup: &'a Lookup,
    pub policy: &'a Policy,
    /// Whether the client wants nothing of it stored.
    pub no_store: bool,
}

impl<'a> Errand<'a> {
    pub(super) fn asked(&self, fetched: Fetched) -> Asked<'a> {
        Asked { lookup: self.lookup, no_store: self.no_store, policy: self.policy, fetched }
    }
}

/// What there is to build on.
#[derive(Clone, Copy)]
pub(super) enum Basis<'a, B> {
    /// Nothing.
    Nothing,
    /// A response that may still hold.
    Validate(&'a Entry<B>),
    /// A part that may be completed.
    Complete { part: &'a Entry<B>, fresh: bool },
}

impl<B> Basis<'_, B> {
    /// Makes the request build on it; on nothing, if that is no use.
    fn prepare(self, headers: &mut HeaderMap, method: &Method) -> Self {
        let builds = match &self {
            Self::Nothing => true,
            Self::Validate(entry) => make_conditional(headers, &entry.head),
            Self::Complete { part, fresh } => *method == Method::GET && ask_for_rest(headers, &part.head, *fresh),
        };
        if builds { self } else { Self::Nothing }
    }
}

impl<P: Ports> Engine<P> {
    /// Asks the origin for what `errand` stands for, or for as much of it as is not known.
    pub(super) async fn exchange(&self, errand: Errand<'_>, basis: Basis<'_, P::Blob>) -> Exchange<P> {
        let mut headers = errand.lookup.headers().clone();
        let basis = basis.prepare(&mut headers, &errand.request.method);
        let asked_by_client = [IF_NONE_MATCH, IF_MODIFIED_SINCE].iter().any(|name| headers.contains_key(name));
        let Exchange { result, fetched, stamp } = self.ask(errand, headers).await;
        let Exchanged::Response(response) = result else { return Exchange { result, fetched, stamp } };
        let status = response.head.status;
        let updated = match (basis, status) {
            (Basis::Nothing, StatusCode::NOT_MODIFIED) if asked_by_client => {
                return Exchange { result: Exchanged::Response(response), fetched, stamp };
            }
            (Basis::Validate(entry), StatusCode::NOT_MODIFIED) => {
                freshen(&entry.head, &response.head, errand.asked(fetched)).map(|head| (head, entry.body.clone()))
            }
            (Basis::Complete { part, .. }, StatusCode::PARTIAL_CONTENT) => {
                self.complete(part, response, errand.asked(fetched)).await
            }
            (_, StatusCode::NOT_MODIFIED) | (Basis::Complete { .. }, StatusCode::RANGE_NOT_SATISFIABLE) => None,
            _ => return Exchange { result: Exchanged::Response(response), fetched, stamp },
        };
        // What was purged meanwhile is not brought back by a word from before: the origin may not have known better.
        let overtaken = |revision: &Revision| self.is_overtaken(errand.lookup, &revision.head, stamp);
        match updated.filter(|(revision, _)| !overtaken(revision)) {
            Some((revision, body)) => {
                Exchange { result: Exchanged::Updated { revision: Box::new(revision), body, status }, fetched, stamp }
            }
            None => self.ask_for_all(errand).await,
        }
    }

    /// What came speaks of something that is not here: once more, without conditions.
    async fn ask_for_all(&self, errand: Errand<'_>) -> Exchange<P> {
        let mut headers = errand.lookup.headers().clone();
        remove_conditions(&mut headers);
        let exchange = self.ask(errand, headers).await;
        match &exchange.result {
            Exchanged::Response(response) if response.head.status == StatusCode::NOT_MODIFIED => {
                let failed = Exchanged::Failed(Failure::Nonsense(Reason::UnexpectedNotModified));
                Exchange { result: failed, ..exchange }
            }
            _ => exchange,
        }
    }

    async fn ask(&self, errand: Errand<'_>, headers: HeaderMap) -> Exchange<P> {
        let Errand { request, lookup, policy, .. } = errand;
        let ask = OriginRequest {
            method: request.method.clone(),
            url: target(&policy.origin, lookup.url()),
            headers,
            body: Body::Empty,
            decode: true,
            timeout: duration(policy.timeout),
        };
        let requested = self.ports.now();
        let stamp = self.stamp(requested);
        let answer = self.fetch(ask, &policy.origin, &request.url).await;
        let fetched = Fetched { requested, received: self.ports.now() };
        self.note_health(errand, answer.as_ref().ok().map(|response| &response.head), fetched.received);
        let result = match answer {
            Ok(response) if response.head.status.is_informational() => {
                Exchanged::Failed(Failure::Nonsense(Reason::StatusInvalid))
            }
            Ok(response) => Exchanged::Response(response),
            Err(error) => Exchanged::Failed(Failure::Fetch(error)),
        };
        Exchange { result, fetched, stamp }
    }

    /// Remembers how the origin is doing: with everything, and with what was asked for.
    fn note_health(&self, Errand { lookup, policy, .. }: Errand<'_>, answer: Option<&ResponseHead>, now: Timestamp) {
        let name = origin_breaker(&policy.origin);
        let mut backoff = self.isolate.backoff.borrow_mut();
        if answer.is_some_and(|answer| !is_server_failure(answer.status)) {
            self.isolate.succeeded(&name);
            backoff.succeeded(&lookup.key);
        } else {
            self.isolate.failed(&name, now, self.ports.draw());
            backoff.failed(lookup.key, now, answer.and_then(|answer| retry_after(&answer.headers, now)));
        }
    }

    /// Whether the origin is better left alone, as long as there is something else to serve.
    pub(super) fn is_failing(&self, Errand { lookup, policy, .. }: Errand<'_>, now: Timestamp) -> bool {
        self.isolate.backoff.borrow().waits(&lookup.key, now)
            || !self.isolate.admits(&origin_breaker(&policy.origin), now)
    }

    /// Fetches for a visitor of `visited`: marked, and with the origin's own name in `Location` replaced by the visitor's.
    pub(super) async fn fetch(
        &self,
        mut request: OriginRequest<P>,
        origin: &Origin,
        visited: &CanonicalUrl,
    ) -> Result<OriginResponse<P>, FetchError> {
        if let Ok(mark) = HeaderValue::from_str(&self.settings.mark) {
            request.headers.append(LOOP, mark);
        }
        self.spend();
        let mut response = self.ports.fetch(request).await?;
        map_locations(&mut response.head.headers, origin, visited);
        Ok(response)
    }
}

/// What the breaker of an origin is called.
fn origin_breaker(origin: &Origin) -> String {
    format!("origin:{origin}")
}

/// The origin's own failure: what a stale response may stand in for
/// ([RFC 5861 §4](https://www.rfc-editor.org/rfc/rfc5861#section-4)).
pub(super) fn is_server_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

/// Where `url` is at the origin.
pub(super) fn target(origin: &Origin, url: &CanonicalUrl) -> String {
    format!("{origin}{}", url.target())
}

/// Seconds as the runtime takes them.
pub(super) fn duration(seconds: Seconds) -> Duration {
    Duration::from_secs(u64::from(seconds.get()))
}
