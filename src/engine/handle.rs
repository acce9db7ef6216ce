//! One request, top to bottom.

use std::rc::Rc;

use http::header::{AUTHORIZATION, HeaderMap, UPGRADE};
use http::{Method, StatusCode};

use super::Engine;
use super::admin::{Scope, is_reserved, steers_caches};
use super::answer::{Response, failure_answer, from_entry, plain};
use super::assembly::Lineage;
use super::deferred::{Deferred, Refreshing, backfill};
use super::exchange::LOOP;
use super::fill::Fill;
use super::find::Asking;
use super::ledger::Trust;
use super::pass::Destination;
use super::ports::{Body, Ports};
use super::report::Report;
use super::settings::Configured;
use crate::cache::Entry;
use crate::cache::ahead::refreshes;
use crate::cache::reuse::Reuse;
use crate::fields::{Forward, RequestDirectives, Seconds, grammar, hop_by_hop};
use crate::forward::{Lookup, plan};
use crate::message::RequestHead;
use crate::policy::{ClientDirectives, Config, Policy, Selected};
use crate::reason::Reason;
use crate::url::{CanonicalUrl, UrlError};

/// A request as it arrives: its URL may not be one.
pub struct Arrival<P: Ports> {
    /// As received.
    pub method: Method,
    /// Canonical, or why not.
    pub url: Result<CanonicalUrl, UrlError>,
    /// All of them.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body<P>,
    /// Whether the Worker died at the first try.
    pub again: bool,
}

/// A request, and who sent it.
pub(super) struct RequestOf<'a> {
    pub head: &'a Rc<RequestHead>,
    /// The fields of the connection too, if the request asks for another protocol: its handshake is made of them.
    pub handshake: Option<HeaderMap>,
    /// What its bearer may do. The token itself is gone from the fields: it is nobody else's business.
    pub scope: Option<Scope>,
    /// Of which page it is a fragment, if it is one.
    pub lineage: Option<Lineage>,
}

/// What becomes of a request.
pub struct Outcome<P: Ports> {
    /// For the client.
    pub response: Response<P>,
    /// What happened.
    pub report: Report,
    /// What is left to do.
    pub deferred: Vec<Deferred<P>>,
}

impl<P: Ports> Outcome<P> {
    pub(super) fn new(response: Response<P>, report: Report, deferred: Vec<Deferred<P>>) -> Self {
        Self { response, report, deferred }
    }
}

impl<P: Ports> Engine<P> {
    /// Handles a request. There is always a response: a store can only cost time, a configuration can only fail when it is read,
    /// and an origin can only fail a request that nothing stored may answer.
    pub async fn handle(&self, arrival: Arrival<P>) -> Outcome<P> {
        let Arrival { method, url, mut headers, body, again } = arrival;
        let sees_keys = self.settings.tokens.debug(&headers);
        let Outcome { response, report, deferred } = match url {
            Err(_) => turned_away(Reason::HostInvalid),
            Ok(url) => {
                let scope = self.settings.tokens.bearer(&headers);
                if scope.is_some() {
                    headers.remove(AUTHORIZATION);
                }
                let websocket =
                    grammar::members(&headers, UPGRADE).any(|protocol| protocol.eq_ignore_ascii_case("websocket"));
                let handshake = websocket.then(|| headers.clone());
                hop_by_hop::strip(&mut headers);
                let head = Rc::new(RequestHead { method: method.clone(), url, headers, upgrade: handshake.is_some() });
                let request = RequestOf { head: &head, handshake, scope, lineage: None };
                self.dispatch(&request, body, again).await
            }
        };
        let tell = (!self.landings.borrow().is_empty()).then_some(Deferred::Tell);
        let deferred = tell.into_iter().chain(deferred).collect();
        Outcome { response: response.finish(&report, &method, sees_keys), report, deferred }
    }

    async fn dispatch(&self, request: &RequestOf<'_>, body: Body<P>, again: bool) -> Outcome<P> {
        let head = request.head;
        let looped = grammar::members(&head.headers, LOOP).any(|mark| mark == self.settings.mark);
        if looped {
            return turned_away(Reason::Loop);
        }
        match &self.settings.state {
            Configured::Broken { .. } if is_reserved(&head.url.path) => self.administer(request, body).await,
            Configured::Broken { origin: None, .. } => {
                let text = self.settings.mistakes();
                Outcome::new(
                    plain(StatusCode::INTERNAL_SERVER_ERROR, &text),
                    Report::generated(Reason::ConfigInvalid),
                    Vec::new(),
                )
            }
            Configured::Broken { origin: Some(origin), .. } => {
                let destination = Destination { origin, timeout: Seconds::new(30), policy: None };
                self.pass(request, body, destination, Reason::ConfigInvalid).await
            }
            Configured::Ready(config) if !config.serves(&head.url.authority) => turned_away(Reason::HostNotServed),
            Configured::Ready(_) if is_ours(head) && again => turned_away(Reason::WorkerFailed),
            Configured::Ready(_) if is_ours(head) => self.administer(request, body).await,
            Configured::Ready(config) if again => self.rescue(config, request, body).await,
            Configured::Ready(config) => self.route(config, request, body).await,
        }
    }

    /// Whatever it died of, a rule, a key or a store: it goes past all of them, whole, and is kept nowhere.
    async fn rescue(&self, config: &Config, request: &RequestOf<'_>, body: Body<P>) -> Outcome<P> {
        let selected = config.table.select(&request.head.url, &request.head.method);
        let destination = Destination { policy: None, ..Destination::of(selected.policy) };
        self.pass(request, body, destination, Reason::WorkerFailed).await
    }

    /// Steps 3 to 10: policy, key, store, decision, origin.
    async fn route(&self, config: &Config, request: &RequestOf<'_>, body: Body<P>) -> Outcome<P> {
        let head = request.head;
        let selected = config.table.select(&head.url, &head.method);
        self.route_by(config, request, selected, body).await
    }

    /// The same by a policy that is known. What turns out to be a template becomes a page.
    pub(super) async fn route_by(
        &self,
        config: &Config,
        request: &RequestOf<'_>,
        selected: Selected<'_>,
        body: Body<P>,
    ) -> Outcome<P> {
        let outcome = self.look_up_or_pass(config, request, selected, body).await;
        if outcome.response.template { self.assemble(request, selected.policy, outcome).await } else { outcome }
    }

    async fn look_up_or_pass(
        &self,
        config: &Config,
        request: &RequestOf<'_>,
        selected: Selected<'_>,
        body: Body<P>,
    ) -> Outcome<P> {
        let head = request.head;
        let ambiguous = config.table.is_ambiguous(&head.url, &head.method);
        let lookup = match plan(head, selected, ambiguous, &config.key_prefix, &self.settings.identity) {
            Ok(lookup) => lookup,
            Err(reason) => {
                return self.pass(request, body, Destination::of(selected.policy), reason).await;
            }
        };
        // A body on a GET means nothing, and the origin does not see it.
        drop(body);
        self.look_up(config, request, selected, &lookup).await
    }

    async fn look_up(
        &self,
        config: &Config,
        request: &RequestOf<'_>,
        selected: Selected<'_>,
        lookup: &Lookup,
    ) -> Outcome<P> {
        let policy = selected.policy;
        let directives = match policy.client_directives {
            ClientDirectives::Honour => RequestDirectives::read(&request.head.headers),
            ClientDirectives::Ignore => RequestDirectives::default(),
        };
        let trust = self.trust_index(policy.strict_purge).await;
        if trust == Trust::Doubt && policy.strict_purge {
            return self.pass_whole(request, policy, Reason::LedgerUnavailable).await;
        }
        let now = self.ports.now();
        let asking = Asking { lookup, policy, wanted: request.head.wanted(), directives, trust, now };
        let mut found = self.find(config, asking).await;
        if !found.is_fresh()
            && let Some(equivalent) = self.find_equivalent(config, request.head, selected, asking).await
        {
            found = equivalent;
        }
        let store_millis = self.ports.now().as_millis().saturating_sub(now.as_millis());
        let report = Report {
            key: Some(lookup.key),
            store_millis: Some(store_millis),
            redis_millis: found.redis_millis,
            ..Report::default()
        };
        let (entry, reuse) = match &found.entry {
            Some((entry, reuse)) => (entry.clone(), *reuse),
            None => {
                let report = Report { forward: Some(found.forward), reason: found.reason, ..report };
                return self.fill(request, Fill { asking, policy, found, report }).await;
            }
        };
        match reuse {
            Reuse::Fresh { age, ttl } => {
                let report = Report { ttl: Some(ttl), ..report };
                let response = from_entry(request.head, &entry, age, policy);
                let ahead = self.refreshes_ahead(&entry, asking);
                let offer = self.offer(&entry, lookup.url(), policy, &found.backfill);
                let backfill = backfill(&entry, lookup.url(), reuse, policy, found.backfill);
                let index = self.index_ages(now).then_some(Deferred::RefreshIndex);
                let refresh = ahead.then(|| refreshing(request, asking, policy, entry, found.primary));
                Outcome::new(response, report, backfill.into_iter().chain(offer).chain(refresh).chain(index).collect())
            }
            Reuse::Stale { age, ttl, reason } => {
                let report = Report { ttl: Some(ttl), reason: Some(reason), ..report };
                let response = from_entry(request.head, &entry, age, policy);
                let refreshes = reason == Reason::StaleWhileRevalidate && self.may_refresh(asking);
                let refresh = refreshes.then(|| refreshing(request, asking, policy, entry, found.primary));
                Outcome::new(response, report, refresh.into_iter().collect())
            }
            Reuse::Validate { forward, reason, .. } => {
                let report = Report { forward: Some(forward), reason, ..report };
                self.fill(request, Fill { asking, policy, found, report }).await
            }
            Reuse::Complete { .. } => {
                let report = Report { forward: Some(Forward::Partial), ..report };
                self.fill(request, Fill { asking, policy, found, report }).await
            }
            Reuse::Refuse(reason) => {
                let report = Report { forward: Some(Forward::Miss), reason: Some(reason), ..report };
                self.fill(request, Fill { asking, policy, found, report }).await
            }
        }
    }

    /// Whether this request is the one that refreshes a fresh entry.
    fn refreshes_ahead(&self, entry: &Entry<P::Blob>, asking: Asking<'_>) -> bool {
        asking.policy.refresh_ahead.is_some()
            && refreshes(&entry.head, asking.policy, asking.now, self.ports.draw())
            && self.may_refresh(asking)
    }

    /// Whether the last refresh did not just fail.
    fn may_refresh(&self, asking: Asking<'_>) -> bool {
        !self.isolate.backoff.borrow().waits(&asking.lookup.key, asking.now)
    }
}

/// Whether a request is for us, and not for the site.
fn is_ours(request: &RequestHead) -> bool {
    is_reserved(&request.url.path) || steers_caches(&request.method)
}

/// The work of fetching anew what was served.
fn refreshing<P: Ports>(
    request: &RequestOf<'_>,
    asking: Asking<'_>,
    policy: &Rc<Policy>,
    entry: Rc<Entry<P::Blob>>,
    primary: Option<Rc<Entry<P::Blob>>>,
) -> Deferred<P> {
    let request = RequestHead { method: Method::GET, ..RequestHead::clone(request.head) };
    let (lookup, policy) = (asking.lookup.clone(), policy.clone());
    Deferred::Refresh(Box::new(Refreshing { request, lookup, policy, entry, primary }))
}

/// A request that is not for us.
pub(super) fn turned_away<P: Ports>(reason: Reason) -> Outcome<P> {
    let (status, text) = failure_answer(reason);
    Outcome::new(plain(status, text), Report::generated(reason), Vec::new())
}
