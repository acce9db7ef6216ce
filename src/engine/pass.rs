//! Requests that go to the origin whole, and what the unsafe ones invalidate.

use std::rc::Rc;

use http::{HeaderMap, Method};

use super::Engine;
use super::answer::{Response, failure_answer, from_origin, plain};
use super::deferred::{Deferred, Removing};
use super::exchange::{duration, target};
use super::handle::{Outcome, RequestOf};
use super::ledger::Recorded;
use super::ports::{Body, OriginRequest, OriginResponse, Ports, StoreError};
use super::post::Posted;
use super::report::Report;
use super::settings::Configured;
use crate::cache::invalidation::{groups_invalidated_by, invalidated_by};
use crate::cache::serve::straight_through;
use crate::cache::{Fetched, Stamp};
use crate::fields::{Cookie, Cookies, Seconds};
use crate::forward::{ask_for_template, pass_through, plan, select_parameters};
use crate::key::CacheKey;
use crate::message::{RequestHead, ResponseHead};
use crate::name::Name;
use crate::policy::{CacheMode, Config, Esi, Origin, Policy};
use crate::purge::Purge;
use crate::reason::Reason;
use crate::url::CanonicalUrl;

/// What an unsafe request left to do, and what became of its purges.
struct Invalidated<P: Ports> {
    removals: Vec<Deferred<P>>,
    recorded: Result<Recorded, StoreError>,
}

/// What a request knew of purges `before` it, and its own; `None` if others have purged the same meanwhile.
fn own_stamp(recorded: &Recorded, before: Stamp) -> Option<Stamp> {
    let Some(appended) = &recorded.appended else { return Some(Stamp { own: recorded.own, ..before }) };
    let sequence = *appended.sequences.last()?;
    appended.is_alone_since(before).then_some(Stamp { own: recorded.own, sequence, ..before })
}

/// Where a request passes to.
#[derive(Clone, Copy)]
pub(super) struct Destination<'a> {
    pub origin: &'a Origin,
    /// Longest wait for the response headers.
    pub timeout: Seconds,
    /// Of its route, if there is one.
    pub policy: Option<&'a Policy>,
}

impl<'a> Destination<'a> {
    pub(super) fn of(policy: &'a Policy) -> Self {
        Self { origin: &policy.origin, timeout: policy.timeout, policy: Some(policy) }
    }
}

impl<P: Ports> Engine<P> {
    /// Hands the request to the origin of its route.
    pub(super) async fn pass_whole(&self, request: &RequestOf<'_>, policy: &Policy, reason: Reason) -> Outcome<P> {
        self.pass(request, Body::Empty, Destination::of(policy), reason).await
    }

    /// Hands a request to `origin`: all of it, but for what is ours.
    pub(super) async fn pass(
        &self,
        request: &RequestOf<'_>,
        body: Body<P>,
        Destination { origin, timeout, policy }: Destination<'_>,
        reason: Reason,
    ) -> Outcome<P> {
        let head = request.head;
        let mut sent = pass_through(head, request.handshake.as_ref());
        // What is read here is not asked for as the client would read it.
        let read_by = policy.filter(|policy| policy.esi != Esi::Off || request.lineage.is_some());
        if read_by.is_some() && request.handshake.is_none() {
            ask_for_template(&mut sent, &head.method);
        }
        let posted = (head.method == Method::POST && read_by.is_none()).then(|| sent.clone());
        let ask = OriginRequest {
            method: head.method.clone(),
            url: target(origin, &head.url),
            headers: sent,
            body,
            decode: read_by.is_some(),
            timeout: duration(timeout),
        };
        let mut report = Report::bypass(reason);
        let asked = self.ports.now();
        let before = self.stamp(asked);
        let response = match self.fetch(ask, origin, &head.url).await {
            Ok(response) => response,
            Err(error) => {
                let reason = super::exchange::Failure::Fetch(error).reason();
                let (status, text) = failure_answer(reason);
                return Outcome::new(plain(status, text), Report { reason: Some(reason), ..report }, Vec::new());
            }
        };
        if response.head.status.is_informational() && request.handshake.is_none() {
            let (status, text) = failure_answer(Reason::StatusInvalid);
            return Outcome::new(
                plain(status, text),
                Report { reason: Some(Reason::StatusInvalid), ..report },
                Vec::new(),
            );
        }
        let fetched = Fetched { requested: asked, received: self.ports.now() };
        report.origin_millis = Some(fetched.received.as_millis().saturating_sub(asked.as_millis()));
        report.forward_status = Some(response.head.status.as_u16());
        let is_purged = self.isolate.purges.borrow().has_purged(&head.url, before);
        let Invalidated { removals: mut deferred, recorded } = self.invalidate(head, &response.head).await;
        let own = recorded.ok().filter(|_| !is_purged).and_then(|recorded| own_stamp(&recorded, before));
        let (response, kept) = match posted.zip(own) {
            Some((sent, own)) => self.keep_for_get(head, &sent, response, Posted { fetched, before, own }),
            None => (response, None),
        };
        report.stored = kept.is_some();
        deferred.extend(kept);
        let OriginResponse { head: answered, body } = response;
        let response = match read_by {
            Some(policy) => from_origin(head, &answered, body, policy),
            None => {
                let headers = straight_through(&answered.headers);
                Response { status: answered.status, headers, body, encoded: true, template: false }
            }
        };
        Outcome::new(response, report, deferred)
    }

    /// Forgets what an unsafe request changed, and distrusts what is stored for whoever asked, before the request is answered: whoever
    /// is redirected to a page sees the new one. The record of it is what counts; emptying slots is tidying up.
    async fn invalidate(&self, request: &RequestHead, response: &ResponseHead) -> Invalidated<P> {
        let urls = invalidated_by(request, response);
        let groups = groups_invalidated_by(request, response);
        let mut purges: Vec<_> = groups.iter().map(|group| Purge::hard(Name::group(&request.url, group))).collect();
        let mut removals = Vec::new();
        match &self.settings.state {
            Configured::Ready(config) => {
                for url in &urls {
                    let selected = config.table.select(url, &Method::GET);
                    if selected.policy.cache != CacheMode::Pass {
                        purges.push(Purge::hard(Name::url(&select_parameters(url, selected.policy))));
                        let keys = self.keys_of(config, request, url);
                        removals.push(Deferred::Remove(Removing { keys, policy: selected.policy.clone(), but: None }));
                    }
                }
                if !urls.is_empty() {
                    let identities = self.identities_of(config, request);
                    purges.extend(identities.into_iter().map(|identity| Purge::soft(Name::identity(identity))));
                }
            }
            // What was stored before the configuration broke is there when it is whole again.
            Configured::Broken { .. } => purges.extend(urls.iter().map(|url| Purge::hard(Name::url(url)))),
        }
        let recorded = self.record(&purges, true).await;
        if recorded.is_err() {
            // The visitor's request succeeded, and this isolate knows; elsewhere the entries end with their lifetimes.
            self.ports.log("larder: an invalidation could not be recorded");
        }
        Invalidated { removals, recorded }
    }

    /// Whom the request names by cookies that are in a key somewhere.
    fn identities_of(&self, config: &Config, request: &RequestHead) -> Vec<u64> {
        let cookies = Cookies::of(&request.headers);
        let named = config.table.identity_cookies().filter_map(|name| match cookies.find(name) {
            Cookie::Value(value) => Some((name, value)),
            Cookie::Absent | Cookie::Unclear => None,
        });
        self.settings.identity.named(named)
    }

    /// The keys under which `url` may be stored for this visitor, and for one without cookies.
    pub(super) fn keys_of(&self, config: &Config, request: &RequestHead, url: &CanonicalUrl) -> Vec<CacheKey> {
        let selected = config.table.select(url, &Method::GET);
        let key = |headers: HeaderMap| {
            let request = RequestHead { method: Method::GET, url: url.clone(), headers, upgrade: false };
            plan(&Rc::new(request), selected, false, &config.key_prefix, &self.settings.identity).ok()
        };
        let visitors = [request.headers.clone(), HeaderMap::new()];
        let mut keys: Vec<_> = visitors.into_iter().filter_map(key).map(|lookup| lookup.key).collect();
        keys.dedup();
        keys
    }
}
