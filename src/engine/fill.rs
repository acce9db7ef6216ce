//! A request that the store alone cannot answer: wait for one that is under way, or ask the origin.

use std::rc::Rc;

use http::{Method, StatusCode};

use super::Engine;
use super::answer::{Response, failure_answer, from_entry, plain};
use super::deferred::{Deferred, Removing, StorePlan, Storing, Writing};
use super::exchange::{Exchanged, Failure, duration};
use super::find::{Asking, Found};
use super::flights::{Lead, Role, Verdict};
use super::handle::{Outcome, RequestOf};
use super::ports::{Body, OriginResponse, Ports};
use super::report::Report;
use super::within::within;
use crate::cache::reuse::Reuse;
use crate::cache::serve::{has_it_already, set_downstream_lifetime, straight_through};
use crate::cache::storability::{Admission, storability};
use crate::cache::{Entry, Fetched, Head, Stamp};
use crate::fields::cookie::set_names;
use crate::fields::{Forward, Timestamp};
use crate::forward::Lookup;
use crate::message::ResponseHead;
use crate::policy::{Collapse, Policy};
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
    /// The stored response to validate.
    fn stored(&self) -> Option<&Rc<Entry<P::Blob>>> {
        self.found.entry.as_ref().map(|(entry, _)| entry)
    }

    /// The stored response to serve should the origin fail.
    fn fallback(&self) -> Option<&Rc<Entry<P::Blob>>> {
        match &self.found.entry {
            Some((entry, Reuse::Validate { if_error: true, .. } | Reuse::Stale { .. })) => Some(entry),
            _ => None,
        }
    }
}

impl<P: Ports> Engine<P> {
    /// Answers a request that has to go to the origin, or to wait for one that did.
    pub(super) async fn fill(&self, request: &RequestOf<'_>, mut fill: Fill<'_, P>) -> Outcome<P> {
        let lookup = fill.asking.lookup;
        if fill.asking.directives.only_if_cached {
            return self.refuse(request, Report { reason: Some(Reason::OnlyIfCached), generated: true, ..fill.report });
        }
        let unshareable = self.isolate.unshareable(&lookup.key, fill.asking.now);
        if unshareable == Some(Reason::WithheldCookieSet) && !lookup.withheld.is_empty() {
            return self.pass_whole(request, fill.policy, Reason::WithheldCookieSet).await;
        }
        let lead = match may_collapse(request, &fill) {
            _ if unshareable.is_some() => {
                fill.report.reason = fill.report.reason.or(Some(Reason::HitForMiss));
                None
            }
            false => None,
            true => match self.collapse(request, &mut fill).await {
                Joined::Answered(outcome) => return *outcome,
                Joined::Leads(lead) => Some(lead),
                Joined::Alone => None,
            },
        };
        self.fetch_and_answer(request, fill, lead).await
    }

    /// Waits for the request that leads, or becomes it.
    async fn collapse(&self, request: &RequestOf<'_>, fill: &mut Fill<'_, P>) -> Joined<P> {
        let patience = duration(fill.policy.timeout);
        loop {
            let follow = match self.isolate.flights.join(&self.ports, fill.asking.lookup.key) {
                Role::Lead(lead) => return Joined::Leads(lead),
                Role::Follow(follow) => follow,
            };
            match within(&*self.ports, patience, follow.verdict()).await {
                // The leader is gone: somebody else leads.
                Some(None) => {}
                None => return Joined::Alone,
                Some(Some(Verdict::Stored(entry))) => {
                    return match self.from_leader(request, fill, &entry) {
                        Some(outcome) => Joined::Answered(Box::new(outcome)),
                        None => Joined::Alone,
                    };
                }
                Some(Some(Verdict::NotShared(_))) => return Joined::Alone,
                Some(Some(Verdict::Failed(failure))) => {
                    return match (fill.fallback(), failure) {
                        (None, None) => Joined::Alone,
                        (_, failure) => Joined::Answered(Box::new(self.without_origin(request, fill, failure))),
                    };
                }
            }
        }
    }

    /// What a leader stored, if it answers this request too.
    fn from_leader(
        &self,
        request: &RequestOf<'_>,
        fill: &Fill<'_, P>,
        entry: &Rc<Entry<P::Blob>>,
    ) -> Option<Outcome<P>> {
        if !crate::cache::variant::answers(&entry.head, &fill.asking.lookup.headers) {
            return None;
        }
        let now = self.ports.now();
        let asking = Asking { now, ..fill.asking };
        let (age, ttl) = match self.judge(entry, asking) {
            Reuse::Fresh { age, ttl } | Reuse::Stale { age, ttl, .. } => (age, ttl),
            // It was fetched after this request came: for this one it is as good as fetched now.
            Reuse::Validate { .. } if entry.head.fetched.requested >= fill.asking.now => (entry.head.age(now), 0),
            Reuse::Validate { .. } | Reuse::Refuse(_) => return None,
        };
        let report = Report {
            collapsed: true,
            ttl: Some(ttl),
            forward_status: Some(entry.head.status.as_u16()),
            ..fill.report.clone()
        };
        Some(Outcome::new(from_entry(request.head, entry, age, fill.policy), report, Vec::new()))
    }

    async fn fetch_and_answer(
        &self,
        request: &RequestOf<'_>,
        mut fill: Fill<'_, P>,
        lead: Option<Lead<P>>,
    ) -> Outcome<P> {
        let stamp = self.stamp(self.ports.now());
        let stored = fill.stored().cloned();
        let exchange = self.exchange(request.head, fill.asking.lookup, fill.policy, stored.as_deref()).await;
        fill.report.origin_millis = Some(exchange.millis());
        match exchange.result {
            Exchanged::NotModified(head) => {
                // There is one: it was validated.
                let body = stored.map(|entry| entry.body.clone());
                self.validated(request, fill, Head { stamp, ..*head }, body, lead)
            }
            Exchanged::Failed(failure) => {
                if let (Some(lead), Failure::Fetch(error)) = (lead, failure) {
                    lead.land(Verdict::Failed(Some(error)));
                }
                self.failed(request, &fill, failure)
            }
            Exchanged::Response(response) => {
                fill.report.forward_status = Some(response.head.status.as_u16());
                if is_server_failure(response.head.status) && fill.fallback().is_some() {
                    if let Some(lead) = lead {
                        lead.land(Verdict::Failed(None));
                    }
                    return self.without_origin(request, &fill, None);
                }
                if sets_withheld_cookie(fill.asking.lookup, &response.head) {
                    self.isolate.remember_unshareable(
                        fill.asking.lookup.key,
                        Reason::WithheldCookieSet,
                        self.ports.now(),
                    );
                    drop(lead);
                    return self.pass_whole(request, fill.policy, Reason::WithheldCookieSet).await;
                }
                self.answered(request, fill, response, exchange.fetched, stamp, lead)
            }
        }
    }

    /// The stored response, fresh again.
    fn validated(
        &self,
        request: &RequestOf<'_>,
        fill: Fill<'_, P>,
        head: Head,
        body: Option<P::Blob>,
        lead: Option<Lead<P>>,
    ) -> Outcome<P> {
        let Some(body) = body else {
            return self.failed(request, &fill, Failure::Nonsense(Reason::UnexpectedNotModified));
        };
        let entry = Rc::new(Entry { head: Head { draw: self.ports.draw() as f32, ..head }, body });
        let now = self.ports.now();
        let (age, lifetime) = (entry.head.age(now), entry.head.lifetime(fill.policy));
        let ttl = i64::from(lifetime.get()) - i64::from(age.get());
        let report = Report { forward_status: Some(304), stored: true, ttl: Some(ttl), ..fill.report };
        let response = from_entry(request.head, &entry, age, fill.policy);
        if let Some(lead) = lead {
            lead.land(Verdict::Stored(entry.clone()));
        }
        let write = Deferred::Write(Writing { entry, policy: fill.policy.clone(), tiers: Vec::new() });
        Outcome::new(response, report, vec![write])
    }

    /// A response of the origin's own: to the client at once, and into the store if it may.
    fn answered(
        &self,
        request: &RequestOf<'_>,
        fill: Fill<'_, P>,
        response: OriginResponse<P>,
        fetched: Fetched,
        stamp: Stamp,
        lead: Option<Lead<P>>,
    ) -> Outcome<P> {
        let lookup = fill.asking.lookup;
        match self.admission(request, &fill, &response.head, fetched) {
            Err(reason) => {
                self.isolate.remember_unshareable(lookup.key, reason, self.ports.now());
                if let Some(lead) = lead {
                    lead.land(Verdict::NotShared(reason));
                }
                let deferred = superseded(&fill, response.head.status).into_iter().collect();
                let report = Report { reason: Some(reason), ..fill.report };
                Outcome::new(straight(response), report, deferred)
            }
            Ok(admission) => self.store_and_send(request, fill, response, fetched, stamp, admission, lead),
        }
    }

    fn admission(
        &self,
        request: &RequestOf<'_>,
        fill: &Fill<'_, P>,
        response: &ResponseHead,
        fetched: Fetched,
    ) -> Result<Admission, Reason> {
        if request.head.method != Method::GET {
            return Err(Reason::MethodNotListed);
        }
        let no_store = fill.asking.directives.no_store;
        let admission = storability(fill.asking.lookup, no_store, response, fill.policy, fetched)?;
        match fill.stored() {
            Some(entry) => not_replaced(admission, response, entry, fill.policy, fill.asking.now),
            None => Ok(admission),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "they are all the parts of one response")]
    fn store_and_send(
        &self,
        request: &RequestOf<'_>,
        fill: Fill<'_, P>,
        response: OriginResponse<P>,
        fetched: Fetched,
        stamp: Stamp,
        admission: Admission,
        lead: Option<Lead<P>>,
    ) -> Outcome<P> {
        let OriginResponse { head, body } = response;
        let (own, kept) = match body {
            Body::Stream(stream) => match self.ports.tee(stream) {
                Ok((own, kept)) => (Body::Stream(own), Body::Stream(kept)),
                Err(stream) => {
                    let response = OriginResponse { head, body: Body::Stream(stream) };
                    return Outcome::new(
                        straight(response),
                        Report { reason: Some(Reason::Unrepresentable), ..fill.report },
                        Vec::new(),
                    );
                }
            },
            Body::Blob(blob) => (Body::Blob(blob.clone()), Body::Blob(blob)),
            Body::Empty => (Body::Empty, Body::Empty),
        };
        let mut headers = straight_through(&head.headers);
        set_downstream_lifetime(&mut headers, admission.initial_age, fill.policy);
        let lifetime =
            crate::cache::freshness::lifetime(&admission.terms, head.status, fill.policy).unwrap_or_default();
        let ttl = i64::from(lifetime.get()) - i64::from(admission.initial_age.get());
        let response = if has_it_already(request.head, &head, fetched.received) {
            Response { status: StatusCode::NOT_MODIFIED, headers, body: Body::Empty, encoded: false }
        } else {
            Response { status: head.status, headers, body: own, encoded: true }
        };
        let plan = StorePlan {
            key: fill.asking.lookup.key,
            status: head.status,
            admission,
            fetched,
            stamp,
            policy: fill.policy.clone(),
            primary: fill.found.primary,
            sent: fill.asking.lookup.headers.clone(),
        };
        let report = Report { stored: true, ttl: Some(ttl), ..fill.report };
        let store = Deferred::Store(Box::new(Storing { body: kept, plan, lead }));
        Outcome::new(response, report, vec![store])
    }

    /// No answer: what is stored, if it may serve for that; otherwise the truth.
    fn failed(&self, request: &RequestOf<'_>, fill: &Fill<'_, P>, failure: Failure) -> Outcome<P> {
        if fill.fallback().is_some() {
            let error = if let Failure::Fetch(error) = failure { Some(error) } else { None };
            return self.without_origin(request, fill, error);
        }
        // "If the cache cannot reach the origin and must not serve stale: 504" (RFC 9111 §5.2.2.2).
        let must_ask = fill.stored().is_some_and(|entry| entry.head.terms.must_revalidate);
        let reason = failure.reason();
        let (status, text) = if must_ask { failure_answer(Reason::OriginTimeout) } else { failure_answer(reason) };
        let report = Report { generated: true, reason: Some(reason), ..fill.report.clone() };
        Outcome::new(plain(status, text), report, Vec::new())
    }

    /// The stale entry, because the origin failed; if there is none, an error.
    fn without_origin(
        &self,
        request: &RequestOf<'_>,
        fill: &Fill<'_, P>,
        error: Option<super::ports::FetchError>,
    ) -> Outcome<P> {
        let Some(entry) = fill.fallback() else {
            let failure = error.map_or(Failure::Nonsense(Reason::OriginUnreachable), Failure::Fetch);
            let (status, text) = failure_answer(failure.reason());
            let report = Report { generated: true, reason: Some(failure.reason()), ..fill.report.clone() };
            return Outcome::new(plain(status, text), report, Vec::new());
        };
        let now = self.ports.now();
        let age = entry.head.age(now);
        let ttl = i64::from(entry.head.lifetime(fill.policy).get()) - i64::from(age.get());
        let report = Report { reason: Some(Reason::StaleIfError), ttl: Some(ttl), ..fill.report.clone() };
        Outcome::new(from_entry(request.head, entry, age, fill.policy), report, Vec::new())
    }

    /// An error of our own.
    pub(super) fn refuse(&self, _request: &RequestOf<'_>, report: Report) -> Outcome<P> {
        let (status, text) = failure_answer(report.reason.unwrap_or(Reason::OriginUnreachable));
        Outcome::new(plain(status, text), report, Vec::new())
    }
}

/// What became of joining a flight.
enum Joined<P: Ports> {
    Answered(Box<Outcome<P>>),
    Leads(Lead<P>),
    Alone,
}

/// Whether one answer could do for several: a plain GET that nobody narrows down.
fn may_collapse<P: Ports>(request: &RequestOf<'_>, fill: &Fill<'_, P>) -> bool {
    let narrowed = ["range", "if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range"]
        .iter()
        .any(|name| fill.asking.lookup.headers.contains_key(*name));
    let collapses = fill.policy.collapse != Collapse::Off && request.head.method == Method::GET;
    // With something to validate, the origin is asked our own conditions, whatever the client's were.
    collapses && !fill.asking.directives.no_store && (!narrowed || fill.stored().is_some())
}

/// The origin's own failure: what a stale response may stand in for ([RFC 5861 §4](https://www.rfc-editor.org/rfc/rfc5861#section-4)).
fn is_server_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

/// Whether the response sets a cookie that the client has and the origin was not shown.
fn sets_withheld_cookie(lookup: &Lookup, response: &ResponseHead) -> bool {
    set_names(&response.headers).any(|name| lookup.withheld.iter().any(|withheld| withheld == name))
}

/// An error or an empty answer never takes the place of a good entry.
pub(super) fn not_replaced<B>(
    admission: Admission,
    response: &ResponseHead,
    entry: &Entry<B>,
    policy: &Policy,
    now: Timestamp,
) -> Result<Admission, Reason> {
    let status = response.status;
    let poor = status.as_u16() >= 400 || status == StatusCode::NO_CONTENT;
    if poor && status != entry.head.status && entry.head.is_of_use(policy, now) {
        Err(Reason::NotReplaced)
    } else {
        Ok(admission)
    }
}

/// An answer that says the stored response is no longer anyone's: signed out, forbidden, gone, moved. It is removed, so that no
/// later failure of the origin brings it back.
fn superseded<P: Ports>(fill: &Fill<'_, P>, status: StatusCode) -> Option<Deferred<P>> {
    let over = status.is_redirection() || matches!(status.as_u16(), 401 | 403 | 404 | 410);
    let entry = fill.stored().filter(|_| over && fill.found.forward != Forward::VaryMiss)?;
    let validated = matches!(fill.found.entry, Some((_, Reuse::Validate { forward: Forward::Stale, .. })));
    validated.then(|| Deferred::Remove(Removing { keys: vec![entry.head.key], policy: fill.policy.clone() }))
}

/// The origin's response as it is.
fn straight<P: Ports>(response: OriginResponse<P>) -> Response<P> {
    let headers = straight_through(&response.head.headers);
    Response { status: response.head.status, headers, body: response.body, encoded: true }
}
