//! A response of the origin's own: to the client at once, and into the store if it may.

use http::{Method, StatusCode};

use super::Engine;
use super::answer::{Response, from_origin};
use super::deferred::{Deferred, Removing, StorePlan, Storing};
use super::fill::Fill;
use super::flights::{Lead, Verdict};
use super::handle::{Outcome, RequestOf};
use super::ports::{Body, OriginResponse, Ports};
use super::report::Report;
use crate::cache::freshness::lifetime;
use crate::cache::reuse::Reuse;
use crate::cache::serve::{has_it_already, set_downstream_lifetime};
use crate::cache::storability::{Admission, storability};
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
        self.isolate.remember_unshareable(fill.asking.lookup.key, reason, self.ports.now());
        if let Some(lead) = arrived.lead {
            lead.land(Verdict::NotShared(reason));
        }
        let deferred = superseded(fill, head.status).into_iter().collect();
        let report = Report { reason: Some(reason), ..fill.report.clone() };
        Outcome::new(from_origin(request.head, &head, body), report, deferred)
    }

    /// To the client, while a copy of the body is read for the store.
    fn store_and_send(
        &self,
        request: &RequestOf<'_>,
        fill: Fill<'_, P>,
        arrived: Arrived<P>,
        admission: Admission,
    ) -> Outcome<P> {
        let Arrived { response, fetched, stamp, lead } = arrived;
        let (own, kept) = match response.body {
            Body::Stream(stream) => match self.ports.tee(stream) {
                Ok((own, kept)) => (Body::Stream(own), Body::Stream(kept)),
                Err(stream) => {
                    let response = OriginResponse { body: Body::Stream(stream), ..response };
                    return self.send(
                        request,
                        &fill,
                        Arrived { response, fetched, stamp, lead },
                        Reason::Unrepresentable,
                    );
                }
            },
            Body::Blob(blob) => (Body::Blob(blob.clone()), Body::Blob(blob)),
            Body::Empty => (Body::Empty, Body::Empty),
        };
        let head = response.head;
        let lifetime = lifetime(&admission.terms, head.status, fill.policy).unwrap_or_default();
        let ttl = i64::from(lifetime.get()) - i64::from(admission.initial_age.get());
        let mut response = from_origin(request.head, &head, own);
        set_downstream_lifetime(&mut response.headers, admission.initial_age, fill.policy);
        if has_it_already(request.head, &head, fetched.received) {
            response = Response { status: StatusCode::NOT_MODIFIED, body: Body::Empty, ..response };
        }
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
        Outcome::new(response, report, vec![Deferred::Store(Box::new(Storing { body: kept, plan, lead }))])
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
    let no_store = fill.asking.directives.no_store;
    let admission = storability(fill.asking.lookup, no_store, &as_stored(response), fill.policy, fetched)?;
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
pub(super) fn sets_withheld_cookie(lookup: &Lookup, response: &ResponseHead) -> bool {
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
    let (entry, reuse) = fill.found.entry.as_ref()?;
    let was_stale = matches!(reuse, Reuse::Validate { forward: Forward::Stale, .. });
    (over && was_stale).then(|| Deferred::Remove(Removing { keys: vec![entry.head.key], policy: fill.policy.clone() }))
}
