//! A page that is assembled: its template is read, its fragments are fetched side by side, each a request like any other, and the page
//! is written in order while all that goes on.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Method;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};

use super::Engine;
use super::admin::is_reserved;
use super::answer::Response;
use super::deferred::Deferred;
use super::exchange::duration;
use super::handle::{Outcome, RequestOf, turned_away};
use super::ports::{Abandoned, Body, CollectError, Ports};
use super::settings::Configured;
use super::within::within;
use crate::blob::Blob;
use crate::esi::{Assembler, Terms, Visitor, Wanted, limits};
use crate::fields::Timestamp;
use crate::forward::{fragment_request, select_parameters};
use crate::message::RequestHead;
use crate::policy::{CacheMode, Config, Policy, Selected};
use crate::reason::Reason;
use crate::url::CanonicalUrl;

/// What a Worker may ask of others for one request where the configuration says nothing.
const SUBREQUESTS: u32 = 1000;

/// How long the last bytes of a page, and the stores, may take once nothing more is fetched.
const GRACE: Duration = Duration::from_secs(9);

/// Where a request stands among the fragments of a page.
#[derive(Clone)]
pub(super) struct Lineage {
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

/// A page under way.
pub struct Assembly<P: Ports> {
    engine: Engine<P>,
    request: RequestHead,
    policy: Rc<Policy>,
    lineage: Lineage,
    assembler: Assembler<P::Blob>,
    terms: Terms,
    tasks: Vec<Task<P>>,
    /// A fragment that there is no budget for as long as others are fetched.
    waiting: Option<Wanted>,
    /// Fragments being fetched.
    under_way: u32,
    /// Whether the template broke off.
    broken: bool,
    /// Bytes of the page that are not yet on their way.
    ready: Vec<P::Blob>,
    /// Where they go, unless something is going there.
    sink: Option<P::Sink>,
    /// Whether nobody reads any more, or all was written.
    closed: bool,
}

type Task<P> = Pin<Box<dyn Future<Output = Event<P>>>>;

/// What may happen.
enum Event<P: Ports> {
    /// The next piece of the template is here, or its end; and the rest of it.
    Template(Result<Option<P::Blob>, CollectError>, P::Stream),
    /// A fragment was answered.
    Answered(usize, Box<Outcome<P>>, Rc<Policy>),
    /// Its body is here.
    Body(usize, Result<P::Blob, Reason>),
    /// What was to be written was.
    Written(Result<P::Sink, Abandoned>),
    /// All of it was.
    Closed,
    /// Something that nobody waits for.
    Done,
}

impl<P: Ports> Engine<P> {
    /// Assembles the page whose template `outcome` holds. Its head waits until it is known what may be kept of it, not longer than
    /// [`limits::PATIENCE`], and not at all if it is for one visitor anyway.
    pub(super) async fn assemble(
        &self,
        request: &RequestOf<'_>,
        policy: &Rc<Policy>,
        outcome: Outcome<P>,
    ) -> Outcome<P> {
        let Outcome { response: Response { status, mut headers, body, .. }, report, mut deferred } = outcome;
        let terms = Terms::of(&headers, report.ttl, policy);
        if request.head.method == Method::HEAD {
            // Nobody fetches fragments for it, so nobody knows.
            Terms { incomplete: true, ..terms }.write(&mut headers, policy, self.ports.now());
            let response = Response { status, headers, body: Body::Empty, encoded: true, template: false };
            return Outcome::new(response, report, deferred);
        }
        let mut assembly = Assembly::begin(self, request, policy, terms, body);
        let settled = poll_fn(|context| assembly.poll_settled(context));
        let is_known = within(self.ports.sleep(limits::PATIENCE), settled).await.is_some();
        assembly.terms.private |= !is_known;
        assembly.terms.incomplete |= assembly.assembler.lacks();
        assembly.terms.write(&mut headers, policy, self.ports.now());
        let body = if assembly.is_over() && !assembly.broken {
            assembly.closed = true;
            let page = P::Blob::concat(&std::mem::take(&mut assembly.ready));
            headers.insert(CONTENT_LENGTH, HeaderValue::from(page.len() as u64));
            Body::Blob(page)
        } else {
            let (page, sink) = self.ports.pipe();
            assembly.sink = Some(sink);
            Body::Stream(page)
        };
        if !assembly.closed || !assembly.tasks.is_empty() {
            deferred.push(Deferred::Assemble(Box::new(assembly)));
        }
        Outcome::new(Response { status, headers, body, encoded: true, template: false }, report, deferred)
    }

    /// The request for a fragment, from its route on.
    async fn fragment(&self, request: RequestHead, policy: &Rc<Policy>, lineage: Lineage) -> Outcome<P> {
        let request = RequestOf { head: &request, handshake: None, scope: None, lineage: Some(lineage) };
        let Some(config) = self.config() else { return turned_away(Reason::ConfigInvalid) };
        let lists_method = config.table.select(&request.head.url, &Method::GET).lists_method;
        self.route_by(config, &request, Selected { policy, lists_method }, Body::Empty).await
    }
}

impl<P: Ports> Assembly<P> {
    fn begin(
        engine: &Engine<P>,
        request: &RequestOf<'_>,
        policy: &Rc<Policy>,
        terms: Terms,
        template: Body<P>,
    ) -> Self {
        let url = select_parameters(&request.head.url, policy);
        let lineage = request.lineage.clone().unwrap_or_else(|| Lineage::of_page(url.clone(), engine.ports.now()));
        let visitor = Visitor {
            url,
            headers: request.head.headers.clone(),
            policy: policy.clone(),
            hosts: engine.config().map(|config| config.hosts.clone()).unwrap_or_default(),
            looked_at: Cell::default(),
        };
        let mut assembly = Self {
            engine: engine.clone(),
            request: request.head.clone(),
            policy: policy.clone(),
            lineage,
            assembler: Assembler::new(visitor),
            terms,
            tasks: Vec::new(),
            waiting: None,
            under_way: 0,
            broken: false,
            ready: Vec::new(),
            sink: None,
            closed: false,
        };
        match template {
            Body::Stream(stream) => assembly.read_on(stream),
            Body::Blob(blob) => {
                assembly.read(Some(&blob));
                assembly.read(None);
            }
            Body::Empty => assembly.read(None),
        }
        assembly
    }

    /// Writes the page to its end, and does what its fragments left to do.
    pub(super) async fn run(mut self) {
        let now = self.engine.ports.now();
        let left = self.lineage.page.until.as_millis().saturating_sub(now.as_millis());
        let deadline = self.engine.ports.clone();
        let written =
            within(deadline.sleep(Duration::from_millis(left)), poll_fn(|context| self.poll_written(context)));
        if written.await.is_none() {
            self.log("took too long; what is missing is left out");
            self.broken |= !self.assembler.has_ended();
            self.assembler.give_up();
            let _ = within(deadline.sleep(GRACE), poll_fn(|context| self.poll_written(context))).await;
        }
        let _ = within(deadline.sleep(GRACE * 3), poll_fn(|context| self.poll_rest(context))).await;
    }

    /// Until all of the page is here, or it turns out to be for one visitor and nothing more is at hand.
    fn poll_settled(&mut self, context: &mut Context) -> Poll<()> {
        loop {
            self.advance();
            if self.is_over() {
                return Poll::Ready(());
            }
            match self.poll_event(context) {
                Poll::Ready(event) => self.on(event),
                Poll::Pending if self.terms.private => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Until all of the page is written, or nobody reads it.
    fn poll_written(&mut self, context: &mut Context) -> Poll<()> {
        loop {
            self.advance();
            if let Some(sink) = self.sink.take() {
                self.write(sink);
            }
            if self.closed {
                return Poll::Ready(());
            }
            match self.poll_event(context) {
                Poll::Ready(event) => self.on(event),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Until nothing is left to do.
    fn poll_rest(&mut self, context: &mut Context) -> Poll<()> {
        while !self.tasks.is_empty() {
            match self.poll_event(context) {
                Poll::Ready(event) => self.on(event),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }

    fn poll_event(&mut self, context: &mut Context) -> Poll<Event<P>> {
        for at in 0..self.tasks.len() {
            if let Poll::Ready(event) = self.tasks[at].as_mut().poll(context) {
                drop(self.tasks.swap_remove(at));
                return Poll::Ready(event);
            }
        }
        Poll::Pending
    }

    fn is_over(&self) -> bool {
        self.broken || self.assembler.is_done()
    }

    /// As far as it goes with what is here.
    fn advance(&mut self) {
        loop {
            self.ready.extend(self.assembler.take_ready().into_iter().filter(|bytes| !bytes.is_empty()));
            if self.closed {
                return;
            }
            let Some(wanted) = self.waiting.take().or_else(|| self.assembler.next_wanted()) else { return };
            match self.start(&wanted) {
                Start::Begun => {}
                Start::Later => {
                    self.waiting = Some(wanted);
                    return;
                }
                Start::Refused(why) => self.fail(wanted.number, why),
            }
        }
    }

    /// Something to write, or the end. What goes at once goes together.
    fn write(&mut self, sink: P::Sink) {
        let ports = self.engine.ports.clone();
        if !self.ready.is_empty() {
            let bytes = P::Blob::concat(&std::mem::take(&mut self.ready));
            self.tasks.push(Box::pin(async move { Event::Written(ports.push(&sink, bytes).await.map(|()| sink)) }));
        } else if self.is_over() {
            let is_whole = !self.broken;
            self.tasks.push(Box::pin(async move {
                ports.finish(sink, is_whole).await;
                Event::Closed
            }));
        } else {
            self.sink = Some(sink);
        }
    }

    fn on(&mut self, event: Event<P>) {
        match event {
            Event::Template(Ok(piece), stream) => {
                self.read(piece.as_ref());
                if piece.is_some() && !self.closed {
                    self.read_on(stream);
                }
            }
            Event::Template(Err(_), _) => {
                self.log("broke off, and so did its template");
                self.broken = true;
            }
            Event::Answered(number, outcome, policy) => self.answered(number, *outcome, &policy),
            Event::Body(number, body) => self.take_body(number, body),
            Event::Written(Ok(sink)) => self.sink = Some(sink),
            Event::Written(Err(Abandoned)) | Event::Closed => self.closed = true,
            Event::Done => {}
        }
    }

    /// A piece of the template, or its end.
    fn read(&mut self, piece: Option<&P::Blob>) {
        match piece {
            Some(piece) => self.assembler.feed(piece),
            None => self.assembler.end(),
        }
        for field in self.assembler.looked_at() {
            self.terms.depend_on(&field, &self.policy);
        }
    }

    fn read_on(&mut self, mut stream: P::Stream) {
        let (ports, idle) = (self.engine.ports.clone(), duration(self.policy.idle_timeout));
        self.tasks.push(Box::pin(async move {
            let piece = ports.next(&mut stream, idle).await;
            Event::Template(piece, stream)
        }));
    }

    /// What a fragment's request came to.
    fn answered(&mut self, number: usize, outcome: Outcome<P>, policy: &Rc<Policy>) {
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

    fn take_body(&mut self, number: usize, body: Result<P::Blob, Reason>) {
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
    fn start(&mut self, wanted: &Wanted) -> Start {
        let Lineage { ancestors, page } = &self.lineage;
        let settings = self.engine.settings.clone();
        let Configured::Ready(config) = &settings.state else { return Start::Refused("no configuration") };
        let selected = config.table.select(&wanted.url, &Method::GET);
        let url = select_parameters(&wanted.url, selected.policy);
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

    fn fail(&mut self, number: usize, why: &str) {
        self.log(&format!("lacks fragment {}: {why}", number + 1));
        self.assembler.answer(number, None);
    }

    fn log(&self, what: &str) {
        self.engine.ports.log(&format!("larder: the page {} {what}", self.request.url.path));
    }
}

/// What became of a fragment that is wanted.
enum Start {
    Begun,
    Later,
    Refused(&'static str),
}

impl Lineage {
    fn of_page(url: CanonicalUrl, now: Timestamp) -> Self {
        let until = Timestamp::from_millis(now.as_millis() + limits::TIME.as_millis() as u64);
        let page = Rc::new(Family { includes: Cell::new(0), bytes: Cell::new(0), until });
        Self { ancestors: vec![url], page }
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
