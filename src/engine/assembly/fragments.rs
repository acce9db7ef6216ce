//! Fragments of a page: which may be fetched, as what requests, and what becomes of the answers.

use std::cell::Cell;
use std::rc::Rc;

use http::Method;
use http::header::CONTENT_ENCODING;

use super::{Assembly, Event, Task};
use crate::blob::Blob;
use crate::engine::Engine;
use crate::engine::admin::is_reserved;
use crate::engine::answer::Response;
use crate::engine::handle::{Outcome, RequestOf, turned_away};
use crate::engine::ports::{Body, Ports};
use crate::engine::settings::Configured;
use crate::esi::{Terms, Wanted, limits};
use crate::fields::Timestamp;
use crate::forward::{fragment_request, select_parameters};
use crate::message::RequestHead;
use crate::policy::{CacheMode, Config, Policy, Selected};
use crate::reason::Reason;
use crate::url::CanonicalUrl;

/// What a Worker may ask of others for one request where the configuration says nothing.
const SUBREQUESTS: u32 = 1000;

/// Where a request stands among the fragments of a page.
#[derive(Clone)]
pub(in crate::engine) struct Lineage {
    /// The page, its fragment, …, down to this one.
    ancestors: Vec<CanonicalUrl>,
    page: Rc<Family>,
}

/// What all fragments of a page share.
struct Family {
    includes: Cell<u32>,
    bytes: Cell<u64>,
    until: Timestamp,
}

impl Lineage {
    pub(super) fn of_page(url: CanonicalUrl, now: Timestamp) -> Self {
        let until = Timestamp::from_millis(now.as_millis() + limits::TIME.as_millis() as u64);
        let page = Rc::new(Family { includes: Cell::new(0), bytes: Cell::new(0), until });
        Self { ancestors: vec![url], page }
    }

    /// When fragments are given up.
    pub(super) fn until(&self) -> Timestamp {
        self.page.until
    }
}

/// What became of a fragment that is wanted.
pub(super) enum Start {
    Begun,
    Later,
    Refused(&'static str),
}

impl<P: Ports> Assembly<P> {
    /// What a fragment's request came to.
    pub(super) fn answered(&mut self, number: usize, outcome: Outcome<P>, policy: &Rc<Policy>) {
        self.under_way -= 1;
        let Outcome { response, report, deferred } = outcome;
        for deferred in deferred {
            let engine = self.engine.clone();
            self.tasks.push(Box::pin(async move {
                engine.run(deferred).await;
                Event::Done
            }));
        }
        let Response { status, headers, body, encoded, .. } = response;
        if !status.is_success() || (encoded && headers.contains_key(CONTENT_ENCODING)) {
            return self.fail(number, status.as_str());
        }
        self.terms.join(Terms::of(&headers, report.ttl, policy));
        match body {
            Body::Empty => self.assembler.answer(number, Some(P::Blob::from_bytes(bytes::Bytes::new()))),
            Body::Blob(blob) => self.take_body(number, Ok(blob)),
            body @ Body::Stream(_) => {
                let (engine, policy) = (self.engine.clone(), policy.clone());
                self.tasks.push(Box::pin(async move { Event::Body(number, engine.read_body(body, &policy).await) }));
            }
        }
    }

    pub(super) fn take_body(&mut self, number: usize, body: Result<P::Blob, Reason>) {
        let family = &self.lineage.page;
        match body {
            Ok(body) if family.bytes.get() + body.len() as u64 <= limits::BYTES => {
                family.bytes.set(family.bytes.get() + body.len() as u64);
                self.assembler.answer(number, Some(body));
            }
            Ok(_) => self.fail(number, Reason::TooLarge.code()),
            Err(reason) => self.fail(number, reason.code()),
        }
    }

    /// Begins to fetch a fragment, if it may be fetched.
    pub(super) fn start(&mut self, wanted: &Wanted) -> Start {
        let Lineage { ancestors, page } = &self.lineage;
        let settings = self.engine.settings.clone();
        let Configured::Ready(config) = &settings.state else { return Start::Refused("no configuration") };
        let selected = config.table.select(&wanted.url, &Method::GET);
        let url = select_parameters(&wanted.url, selected.policy).into_owned();
        if ancestors.len() > limits::DEPTH {
            return Start::Refused("nested too deep");
        }
        if ancestors.contains(&url) {
            return Start::Refused("it contains itself");
        }
        if is_reserved(&url.path) || !config.serves(&url.authority) {
            return Start::Refused("not for fragments");
        }
        if page.includes.get() >= limits::INCLUDES {
            return Start::Refused("too many fragments");
        }
        match self.affords(config, selected.policy) {
            Some(true) => {}
            Some(false) => return Start::Later,
            None => return Start::Refused("the budget of subrequests is spent"),
        }
        page.includes.set(page.includes.get() + 1);
        self.under_way += 1;
        self.terms.private |= selected.policy.keys_identity() || selected.policy.cache == CacheMode::Pass;
        let hints = &wanted.hints;
        let policy = match (&hints.ttl, &hints.tags) {
            (None, None) => selected.policy.clone(),
            (ttl, tags) => Rc::new(selected.policy.with_hints(ttl.as_deref(), tags.as_deref())),
        };
        let request = fragment_request(&self.request, wanted.url.clone(), &policy);
        let mut lineage = self.lineage.clone();
        lineage.ancestors.push(url);
        self.tasks.push(fetch(self.engine.clone(), wanted.number, request, policy, lineage));
        Start::Begun
    }

    /// Whether what a fragment may cost is left of what the plan allows: every tier beyond memory, the origin, and a word to others. Not
    /// now, if what is under way may turn out to be cheaper; `None` if it never will.
    fn affords(&self, config: &Config, policy: &Policy) -> Option<bool> {
        let cost = self.engine.tiers(config, policy).1.len() as u32 + 1;
        let limit = config.budget.subrequests.unwrap_or(SUBREQUESTS);
        let fits = self.engine.spent.get() + (self.under_way + 1) * cost <= limit;
        if fits || self.under_way > 0 { Some(fits) } else { None }
    }
}

impl<P: Ports> Engine<P> {
    /// The request for a fragment, from its route on.
    async fn fragment(&self, request: RequestHead, policy: &Rc<Policy>, lineage: Lineage) -> Outcome<P> {
        let request = RequestOf { head: &Rc::new(request), handshake: None, scope: None, lineage: Some(lineage) };
        let Some(config) = self.config() else { return turned_away(Reason::ConfigInvalid) };
        let lists_method = config.table.select(&request.head.url, &Method::GET).lists_method;
        self.route_by(config, &request, Selected { policy, lists_method }, Body::Empty).await
    }
}

/// A request in a request: boxed, since it may hold another.
fn fetch<P: Ports>(
    engine: Engine<P>,
    number: usize,
    request: RequestHead,
    policy: Rc<Policy>,
    lineage: Lineage,
) -> Task<P> {
    Box::pin(async move {
        let outcome = engine.fragment(request, &policy, lineage).await;
        Event::Answered(number, Box::new(outcome), policy)
    })
}
