//! One exchange with the origin: what is asked, and what the answer means for what is stored.

use std::time::Duration;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH};

use super::Engine;
use super::ports::{Body, FetchError, OriginRequest, OriginResponse, Ports};
use crate::cache::Fetched;
use crate::cache::validation::{freshen, make_conditional, remove_conditions};
use crate::cache::{Entry, Head};
use crate::fields::Seconds;
use crate::forward::{Lookup, map_locations};
use crate::message::RequestHead;
use crate::policy::{Origin, Policy};
use crate::reason::Reason;
use crate::url::CanonicalUrl;

/// Marks a request as one that this deployment has already forwarded.
pub(super) const LOOP: HeaderName = HeaderName::from_static("larder-loop");

/// What the origin had to say.
pub(super) enum Exchanged<P: Ports> {
    /// The stored response still holds.
    NotModified {
        /// Its new head.
        head: Box<Head>,
        /// Its body, which is the old one.
        body: P::Blob,
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
}

impl<P: Ports> Exchange<P> {
    /// Milliseconds until the headers were here.
    pub(super) fn millis(&self) -> u64 {
        self.fetched.received.as_millis().saturating_sub(self.fetched.requested.as_millis())
    }
}

impl<P: Ports> Engine<P> {
    /// Asks the origin for what `lookup` stands for; if there is a stored response to validate, whether that still holds.
    pub(super) async fn exchange(
        &self,
        request: &RequestHead,
        lookup: &Lookup,
        policy: &Policy,
        stored: Option<&Entry<P::Blob>>,
    ) -> Exchange<P> {
        let mut headers = lookup.headers.clone();
        let validating = stored.filter(|entry| make_conditional(&mut headers, &entry.head));
        let asked_by_client = [IF_NONE_MATCH, IF_MODIFIED_SINCE].iter().any(|name| headers.contains_key(name));
        let first = self.ask(request, lookup, policy, headers.clone()).await;
        let Exchanged::Response(response) = &first.result else { return first };
        if response.head.status != http::StatusCode::NOT_MODIFIED {
            return first;
        }
        if let Some(entry) = validating {
            if let Some(head) = freshen(&entry.head, &response.head, policy, first.fetched) {
                let result = Exchanged::NotModified { head: Box::new(head), body: entry.body.clone() };
                return Exchange { result, ..first };
            }
        } else if asked_by_client {
            return first;
        }
        // It speaks of something that is not here: once more, without conditions.
        remove_conditions(&mut headers);
        let second = self.ask(request, lookup, policy, headers).await;
        match &second.result {
            Exchanged::Response(response) if response.head.status == http::StatusCode::NOT_MODIFIED => {
                let failed = Exchanged::Failed(Failure::Nonsense(Reason::UnexpectedNotModified));
                Exchange { result: failed, ..second }
            }
            _ => second,
        }
    }

    async fn ask(&self, request: &RequestHead, lookup: &Lookup, policy: &Policy, headers: HeaderMap) -> Exchange<P> {
        let ask = OriginRequest {
            method: request.method.clone(),
            url: target(&policy.origin, &lookup.url),
            headers,
            body: Body::Empty,
            decode: true,
            timeout: duration(policy.timeout),
        };
        let requested = self.ports.now();
        let answer = self.fetch(ask, &policy.origin, &request.url).await;
        let fetched = Fetched { requested, received: self.ports.now() };
        let result = match answer {
            Ok(response) if response.head.status.is_informational() => {
                Exchanged::Failed(Failure::Nonsense(Reason::StatusInvalid))
            }
            Ok(response) => Exchanged::Response(response),
            Err(error) => Exchanged::Failed(Failure::Fetch(error)),
        };
        Exchange { result, fetched }
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
        let mut response = self.ports.fetch(request).await?;
        map_locations(&mut response.head.headers, origin, visited);
        Ok(response)
    }
}

/// Where `url` is at the origin.
pub(super) fn target(origin: &Origin, url: &CanonicalUrl) -> String {
    format!("{origin}{}", url.target())
}

/// Seconds as the runtime takes them.
pub(super) fn duration(seconds: Seconds) -> Duration {
    Duration::from_secs(u64::from(seconds.get()))
}
