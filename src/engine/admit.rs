//! A response of the origin's own: to the client at once, and into the store if it may.

use std::rc::Rc;

use http::{HeaderMap, Method, StatusCode};

use super::Engine;
use super::answer::{Response, from_origin};
use super::deferred::{Deferred, Removing, StorePlan, Storing, Writing};
use super::exchange::is_server_failure;
use super::fill::Fill;
use super::flights::{Lead, Verdict};
use super::handle::{Outcome, RequestOf};
use super::ports::{Body, OriginResponse, Ports};
use super::report::Report;
use crate::cache::freshness::lifetime;
use crate::cache::reuse::Reuse;
use crate::cache::serve::{has_it_already, set_downstream_lifetime};
use crate::cache::storability::{Admission, Asked, storability};
use crate::cache::validation::{HeadUpdate, update_by_head};
use crate::cache::{Entry, Fetched, Stamp};
use crate::fields::content_coding::{decoded_coding, without_coding};
use crate::fields::cookie::set_names;
use crate::fields::{Forward, Timestamp};
use crate::forward::Lookup;
use crate::message::ResponseHead;
use crate::policy::Policy;
use crate::reason::Reason;

/// A response, when it came, and who is waiting for it.
pub(super) struct Arrived<P: Ports> {
    pub response: OriginResponse<P>,
    pub fetched: Fetched,
    /// What was known of purges before it was asked for.
    pub stamp: Stamp,
    pub lead: Option<Lead<P>>,
}

impl<P: Ports> Engine<P> {
    /// Answers with it, and stores it if it may be stored.
    pub(super) fn admit(&self, request: &RequestOf<'_>, fill: Fill<'_, P>, arrived: Arrived<P>) -> Outcome<P> {
        let admission = admission(request, &fill, &arrived.response.head, arrived.fetched);
        match admission {
            Ok(admission) => self.store_and_send(request, fill, arrived, admission),
            Err(reason) => self.send(request, &fill, arrived, reason),
        }
    }

    /// To the client, and nowhere else.
    fn send(&self, request: &RequestOf<'_>, fill: &Fill<'_, P>, arrived: Arrived<P>, reason: Reason) -> Outcome<P> {
        let OriginResponse { head, body } = arrived.response;
        // An error says nothing of the page: it may be stored elsewhere by now, and the next requests for it may wait for each other.
        if !is_server_failure(head.status) {
            self.isolate.remember_unshareable(fill.asking.lookup.key, reason, self.ports.now());
        }
        if let Some(lead) = arrived.lead {
            lead.land(Verdict::NotShared(reason));
        }
        let asked = fill.errand(request).asked(arrived.fetched);
        let updated = if request.head.method == Method::HEAD { self.head_update(fill, &head, asked) } else { None };
        let deferred = superseded(fill, head.status).or(updated).into_iter().collect();
        let report = Report { reason: Some(reason), ..fill.report.clone() };
        Outcome::new(from_origin(request.head, &head, body, fill.policy), report, deferred)
    }

    /// What the answer to a HEAD says of the stored answer to a GET.
    fn head_update(&self, fill: &Fill<'_, P>, response: &ResponseHead, asked: Asked<'_>) -> Option<Deferred<P>> {
        let entry = fill.stored()?;
        let policy = fill.policy.clone();
        match update_by_head(&entry.head, &as_stored(response), asked) {
            HeadUpdate::Holds(revision) if revision.stored.is_ok() => {
                let entry = Rc::new(Entry { head: revision.head, body: entry.body.clone() });
                let url = fill.asking.lookup.url().clone();
                Some(Deferred::Write(Writing { entry, url, policy, tiers: Vec::new() }))
            }
            HeadUpdate::Differs => Some(Deferred::Remove(Removing { keys: vec![entry.head.key], policy, but: None })),
            HeadUpdate::Holds(_) | HeadUpdate::Unproved => None,
        }
    }

    /// To the client, while a copy of the body is read for the store.
    fn store_and_send(
        &self,
        request: &RequestOf<'_>,
        fill: Fill<'_, P>,
        arrived: Arrived<P>,
        admission: Admission,
    ) -> Outcome<P> {
        let plan = StorePlan {
            lookup: fill.asking.lookup.clone(),
            status: arrived.response.head.status,
            admission,
            fetched: arrived.fetched,
            stamp: arrived.stamp,
            posted: None,
            policy: fill.policy.clone(),
            part: fill.stored().filter(|entry| entry.head.status == StatusCode::PARTIAL_CONTENT).cloned(),
            after_purge: fill.report.reason == Some(Reason::Purged),
            primary: fill.found.primary.clone(),
        };
        if let Err(reason) = self.check_variant(&plan) {
            return self.send(request, &fill, arrived, reason);
        }
        let Arrived { response, fetched, stamp, lead } = arrived;
        let (own, kept) = match self.divide(response.body) {
            Ok(bodies) => bodies,
            Err(body) => {
                let arrived = Arrived { response: OriginResponse { body, ..response }, fetched, stamp, lead };
                return self.send(request, &fill, arrived, Reason::Unrepresentable);
            }
        };
        let head = response.head;
        let StorePlan { admission, .. } = &plan;
        let lifetime = lifetime(&admission.terms, head.status, fill.policy).unwrap_or_default();
        let ttl = i64::from(lifetime.get()) - i64::from(admission.initial_age.get());
        let mut response = from_origin(request.head, &head, own, fill.policy);
        set_downstream_lifetime(&mut response.headers, admission.initial_age, fill.policy);
        if !response.template && has_it_already(request.head, &head, fetched.received) {
            response = Response { status: StatusCode::NOT_MODIFIED, body: Body::Empty, ..response };
        }
        let report = Report { stored: true, ttl: Some(ttl), ..fill.report };
        Outcome::new(response, report, vec![Deferred::Store(Box::new(Storing { body: kept, plan, lead }))])
    }
}

impl<P: Ports> Engine<P> {
    /// A body for the client and one for the store; the body itself, if it cannot be divided.
    pub(super) fn divide(&self, body: Body<P>) -> Result<(Body<P>, Body<P>), Body<P>> {
        match body {
            Body::Stream(stream) => match self.ports.tee(stream) {
                Ok((own, kept)) => Ok((Body::Stream(own), Body::Stream(kept))),
                Err(stream) => Err(Body::Stream(stream)),
            },
            Body::Blob(blob) => Ok((Body::Blob(blob.clone()), Body::Blob(blob))),
            Body::Empty => Ok((Body::Empty, Body::Empty)),
        }
    }
}

/// Whether the answer may be stored, and in place of what there is.
fn admission<P: Ports>(
    request: &RequestOf<'_>,
    fill: &Fill<'_, P>,
    response: &ResponseHead,
    fetched: Fetched,
) -> Result<Admission, Reason> {
    if request.head.method != Method::GET {
        return Err(Reason::MethodNotListed);
    }
    let admission = storability(&as_stored(response), fill.errand(request).asked(fetched))?;
    match fill.stored() {
        Some(entry) => not_replaced(admission, response, entry, fill.policy, fill.asking.now),
        None => Ok(admission),
    }
}

/// The response as it goes into the store: its body is read decoded.
pub(super) fn as_stored(response: &ResponseHead) -> ResponseHead {
    match decoded_coding(&response.headers) {
        Some(_) => ResponseHead { status: response.status, headers: without_coding(&response.headers) },
        None => response.clone(),
    }
}

/// Whether the response sets a cookie that the client has and the origin was not shown.
pub(super) fn sets_withheld_cookie(lookup: &Lookup, response: &HeaderMap) -> bool {
    set_names(response).any(|name| lookup.withheld().iter().any(|withheld| withheld == name))
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
    let (entry, reuse) = fill.found.entry.as_ref()?;
    let was_stale = matches!(reuse, Reuse::Validate { forward: Forward::Stale, .. });
    (over && was_stale)
        .then(|| Deferred::Remove(Removing { keys: vec![entry.head.key], policy: fill.policy.clone(), but: None }))
}
