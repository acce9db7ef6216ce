//! A request that the store alone cannot answer: wait for one that is under way, or ask the origin.

use std::rc::Rc;

use http::StatusCode;

use super::Engine;
use super::admit::{Arrived, sets_withheld_cookie};
use super::answer::{failure_answer, from_entry, plain};
use super::collapse::{Joined, may_collapse};
use super::deferred::{Deferred, Removing, Writing};
use super::exchange::{Basis, Errand, Exchanged, Failure, is_server_failure};
use super::find::{Asking, Found};
use super::flights::{Clock, Lead, Verdict};
use super::handle::{Outcome, RequestOf};
use super::ports::{FetchError, Ports};
use super::report::Report;
use crate::cache::reuse::Reuse;
use crate::cache::validation::Revision;
use crate::cache::{Entry, Head};
use crate::policy::Policy;
use crate::reason::Reason;

/// A request on its way to the origin.
pub(super) struct Fill<'a, P: Ports> {
    pub asking: Asking<'a>,
    pub policy: &'a Rc<Policy>,
    pub found: Found<P>,
    /// What has been noted so far.
    pub report: Report,
}

impl<P: Ports> Fill<'_, P> {
    /// The stored response to validate or to complete.
    pub(super) fn stored(&self) -> Option<&Rc<Entry<P::Blob>>> {
        self.found.entry.as_ref().map(|(entry, _)| entry)
    }

    /// What the origin's answer may build on.
    fn basis(&self) -> Basis<'_, P::Blob> {
        match &self.found.entry {
            None => Basis::Nothing,
            Some((part, Reuse::Complete { fresh })) => Basis::Complete { part, fresh: *fresh },
            Some((entry, _)) => Basis::Validate(entry),
        }
    }

    /// What the origin is asked.
    pub(super) fn errand<'r>(&'r self, request: &RequestOf<'r>) -> Errand<'r> {
        let Asking { lookup, policy, directives, .. } = self.asking;
        Errand { request: request.head, lookup, policy, no_store: directives.no_store }
    }

    /// The stored response to serve should the origin fail. A failure that was stored stands in for none: the new one says as much.
    pub(super) fn fallback(&self) -> Option<&Rc<Entry<P::Blob>>> {
        match &self.found.entry {
            Some((entry, Reuse::Validate { if_error: true, .. } | Reuse::Stale { .. })) => {
                Some(entry).filter(|entry| !is_server_failure(entry.head.status))
            }
            _ => None,
        }
    }
}

impl<P: Ports> Engine<P> {
    /// Answers a request that has to go to the origin, or to wait for one that did.
    pub(super) async fn fill(&self, request: &RequestOf<'_>, mut fill: Fill<'_, P>) -> Outcome<P> {
        let lookup = fill.asking.lookup;
        if fill.asking.directives.only_if_cached {
            return self.give_up(&fill, Reason::OnlyIfCached);
        }
        if fill.fallback().is_some() && self.is_failing(fill.errand(request), self.ports.now()) {
            fill.report.forward = None;
            return self.without_origin(request, &fill, None);
        }
        let unshareable = self.isolate.unshareable(&lookup.key, fill.asking.now);
        if unshareable == Some(Reason::WithheldCookieSet) && !lookup.withheld().is_empty() {
            return self.pass_whole(request, fill.policy, Reason::WithheldCookieSet).await;
        }
        let lead = match unshareable {
            Some(_) => {
                fill.report.reason = fill.report.reason.or(Some(Reason::HitForMiss));
                None
            }
            None if may_collapse(request, &fill) => match self.collapse(request, &fill).await {
                Joined::Answered(outcome) => return *outcome,
                Joined::Leads(lead) => Some(lead),
                Joined::Alone => None,
            },
            None => None,
        };
        self.fetch_and_answer(request, fill, lead).await
    }

    async fn fetch_and_answer(
        &self,
        request: &RequestOf<'_>,
        mut fill: Fill<'_, P>,
        lead: Option<Lead<P>>,
    ) -> Outcome<P> {
        let exchange = self.exchange(fill.errand(request), fill.basis()).await;
        let stamp = exchange.stamp;
        fill.report.origin_millis = Some(exchange.millis());
        let response = match exchange.result {
            Exchanged::Updated { revision, body, status } => {
                fill.report.forward_status = Some(status.as_u16());
                if sets_withheld_cookie(fill.asking.lookup, &revision.head.headers) {
                    return self.withheld_cookie_set(request, &fill).await;
                }
                return self.updated(
                    request,
                    fill,
                    Revision { head: Head { stamp, ..revision.head }, ..*revision },
                    body,
                    lead,
                );
            }
            Exchanged::Failed(failure) => {
                if let (Some(lead), Failure::Fetch(error)) = (lead, failure) {
                    lead.land(Verdict::Failed(Some(error)));
                }
                return self.failed(request, &fill, failure);
            }
            Exchanged::Response(response) => response,
        };
        fill.report.forward_status = Some(response.head.status.as_u16());
        if is_server_failure(response.head.status) && fill.fallback().is_some() {
            if let Some(lead) = lead {
                lead.land(Verdict::Failed(None));
            }
            return self.without_origin(request, &fill, None);
        }
        if sets_withheld_cookie(fill.asking.lookup, &response.head.headers) {
            drop(lead);
            return self.withheld_cookie_set(request, &fill).await;
        }
        self.admit(request, fill, Arrived { response, fetched: exchange.fetched, stamp, lead })
    }

    /// An answer that sets a cookie which the origin was not shown is not used: the request is repeated whole.
    async fn withheld_cookie_set(&self, request: &RequestOf<'_>, fill: &Fill<'_, P>) -> Outcome<P> {
        let reason = Reason::WithheldCookieSet;
        self.isolate.remember_unshareable(fill.asking.lookup.key, reason, self.ports.now());
        self.pass_whole(request, fill.policy, reason).await
    }

    /// The stored response, fresh again or complete. If the update forbids to store it, it is for this client alone.
    fn updated(
        &self,
        request: &RequestOf<'_>,
        fill: Fill<'_, P>,
        revision: Revision,
        body: P::Blob,
        lead: Option<Lead<P>>,
    ) -> Outcome<P> {
        let entry = Rc::new(Entry { head: Head { draw: self.draw(false), ..revision.head }, body });
        let now = self.ports.now();
        let (age, ttl) = (entry.head.age(now), entry.head.ttl(fill.policy, now));
        let response = from_entry(request.head, &entry, age, fill.policy);
        let (verdict, report, deferred) = match revision.stored {
            Ok(()) => {
                let report = Report { stored: true, ttl: Some(ttl), ..fill.report };
                let url = fill.asking.lookup.url().clone();
                let write = Writing { entry: entry.clone(), url, policy: fill.policy.clone(), tiers: Vec::new() };
                (Verdict::Stored(entry, Clock::Own), report, Some(Deferred::Write(write)))
            }
            Err(reason) => {
                self.isolate.remember_unshareable(fill.asking.lookup.key, reason, now);
                let gone = Removing { keys: vec![entry.head.key], policy: fill.policy.clone(), but: None };
                let removal = reason.holds_for_everyone().then_some(Deferred::Remove(gone));
                (Verdict::NotShared(reason), Report { reason: Some(reason), ..fill.report }, removal)
            }
        };
        if let Some(lead) = lead {
            lead.land(verdict);
        }
        Outcome::new(response, report, deferred.into_iter().collect())
    }

    /// No answer: what is stored, if it may serve for that; otherwise the truth.
    fn failed(&self, request: &RequestOf<'_>, fill: &Fill<'_, P>, failure: Failure) -> Outcome<P> {
        match failure {
            Failure::Fetch(error) => self.without_origin(request, fill, Some(error)),
            Failure::Nonsense(_) if fill.fallback().is_some() => self.without_origin(request, fill, None),
            Failure::Nonsense(reason) => self.give_up(fill, reason),
        }
    }

    /// The stale entry, because the origin failed; if there is none, an error.
    pub(super) fn without_origin(
        &self,
        request: &RequestOf<'_>,
        fill: &Fill<'_, P>,
        error: Option<FetchError>,
    ) -> Outcome<P> {
        let Some(entry) = fill.fallback() else {
            return self.give_up(fill, Failure::Fetch(error.unwrap_or(FetchError::Unreachable)).reason());
        };
        let now = self.ports.now();
        let (age, ttl) = (entry.head.age(now), entry.head.ttl(fill.policy, now));
        let report = Report { reason: Some(Reason::StaleIfError), ttl: Some(ttl), ..fill.report.clone() };
        Outcome::new(from_entry(request.head, entry, age, fill.policy), report, Vec::new())
    }

    /// An error of our own. A cache that "cannot reach the origin" and must validate says 504
    /// ([RFC 9111 §5.2.2.2](https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.2)).
    fn give_up(&self, fill: &Fill<'_, P>, reason: Reason) -> Outcome<P> {
        let (status, text) = failure_answer(reason);
        let must_validate = fill.stored().is_some_and(|entry| entry.head.terms.must_revalidate);
        let status = if must_validate { StatusCode::GATEWAY_TIMEOUT } else { status };
        let report = Report { generated: true, reason: Some(reason), ..fill.report.clone() };
        Outcome::new(plain(status, text), report, Vec::new())
    }
}
