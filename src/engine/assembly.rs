//! A page that is assembled: its template is read, its fragments are fetched side by side, each a request like any other, and the page
//! is written in order while all that goes on.

mod fragments;

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Method;
use http::header::{CONTENT_LENGTH, HeaderValue};

pub(super) use fragments::Lineage;
use fragments::Start;

use super::Engine;
use super::answer::Response;
use super::deferred::Deferred;
use super::exchange::duration;
use super::handle::{Outcome, RequestOf};
use super::ports::{Abandoned, Body, CollectError, Ports};
use super::within::within;
use crate::blob::Blob;
use crate::esi::{Assembler, Terms, Visitor, Wanted, limits};
use crate::forward::select_parameters;
use crate::message::RequestHead;
use crate::policy::Policy;
use crate::reason::Reason;

/// How long what is to be stored may take once a page is written.
const GRACE: Duration = Duration::from_secs(25);

/// So many bytes of a template are read ahead of what is written: includes are found early, and a slow client costs no more than this.
const AHEAD: u64 = 4 << 20;

/// A page under way.
pub struct Assembly<P: Ports> {
    engine: Engine<P>,
    request: Rc<RequestHead>,
    policy: Rc<Policy>,
    lineage: Lineage,
    assembler: Assembler<P::Blob>,
    terms: Terms,
    tasks: Vec<Task<P>>,
    /// A fragment that there is no budget for as long as others are fetched.
    waiting: Option<Wanted>,
    /// Fragments being fetched.
    under_way: u32,
    /// What is to be read of the template, unless it is being read.
    rest: Option<P::Stream>,
    /// Bytes that were read of it, and bytes that were written.
    bytes_read: u64,
    bytes_written: u64,
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
}

impl<P: Ports> Assembly<P> {
    fn begin(
        engine: &Engine<P>,
        request: &RequestOf<'_>,
        policy: &Rc<Policy>,
        terms: Terms,
        template: Body<P>,
    ) -> Self {
        let url = select_parameters(&request.head.url, policy).into_owned();
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
            rest: None,
            bytes_read: 0,
            bytes_written: 0,
            broken: false,
            ready: Vec::new(),
            sink: None,
            closed: false,
        };
        match template {
            Body::Stream(stream) => assembly.rest = Some(stream),
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
        let left = self.lineage.until().as_millis().saturating_sub(now.as_millis());
        let deadline = self.engine.ports.clone();
        let written =
            within(deadline.sleep(Duration::from_millis(left)), poll_fn(|context| self.poll_written(context)));
        if written.await.is_none() {
            self.log("took too long; what is missing is left out");
            self.broken |= !self.assembler.has_ended();
            self.assembler.give_up();
            // A slow client gets what there is at its own pace.
            poll_fn(|context| self.poll_written(context)).await;
        }
        let _ = within(deadline.sleep(GRACE), poll_fn(|context| self.poll_rest(context))).await;
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
        let mut tasks = self.tasks.iter_mut().enumerate();
        let ended = tasks.find_map(|(at, task)| match task.as_mut().poll(context) {
            Poll::Ready(event) => Some((at, event)),
            Poll::Pending => None,
        });
        let Some((at, event)) = ended else { return Poll::Pending };
        drop(self.tasks.swap_remove(at));
        Poll::Ready(event)
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
            self.read_on();
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
            self.bytes_written += bytes.len() as u64;
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
                self.rest = piece.is_some().then_some(stream);
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
            Some(piece) => {
                self.bytes_read += piece.len() as u64;
                self.assembler.feed(piece);
            }
            None => self.assembler.end(),
        }
        for field in self.assembler.looked_at() {
            self.terms.depend_on(&field, &self.policy);
        }
    }

    /// The next piece, unless there is much to write first. What is read and not written may have been removed.
    fn read_on(&mut self) {
        let has_nothing_to_write = self.ready.is_empty() && self.under_way == 0;
        if self.bytes_read > self.bytes_written + AHEAD && !has_nothing_to_write {
            return;
        }
        let Some(mut stream) = self.rest.take() else { return };
        let (ports, idle) = (self.engine.ports.clone(), duration(self.policy.idle_timeout));
        self.tasks.push(Box::pin(async move {
            let piece = ports.next(&mut stream, idle).await;
            Event::Template(piece, stream)
        }));
    }

    fn fail(&mut self, number: usize, why: &str) {
        self.log(&format!("lacks fragment {}: {why}", number + 1));
        self.assembler.answer(number, None);
    }

    fn log(&self, what: &str) {
        self.engine.ports.log(&format!("larder: the page {} {what}", self.request.url.path));
    }
}
