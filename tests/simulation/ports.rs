//! The engine's ports, in one isolate of the city, for one request.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use larder::digest::{Digest, sha256};
use larder::engine::ports::{
    Abandoned, Body, BodyLimits, CollectError, FetchError, OriginRequest, OriginResponse, Ports, StoreError,
};
use larder::fields::Timestamp;
use larder::key::CacheKey;
use larder::message::ResponseHead;
use larder::policy::Tier;
use larder::shield::Ask;
use larder::store::memcached;

use super::city::{City, Context, Home};
use super::clockwork::{Clockwork, TaskId};
use super::origin::{End, Question, Reply};
use super::sabotage::Sabotage;
use super::stores::damaged;
use super::weather::Fault;

/// What connects a request with the city.
pub struct Wires {
    pub city: Rc<City>,
    pub home: Rc<Home>,
    pub context: Rc<Context>,
}

/// A body under way.
#[derive(Clone)]
pub struct Flow {
    bytes: Bytes,
    /// When its end is here.
    at: u64,
    end: End,
    /// Whether somebody broke the exchange off.
    cut: Rc<Cell<bool>>,
}

/// An event that happens once, if the request that it belongs to lives so long.
#[derive(Clone)]
pub struct Signal(Rc<SignalState>);

struct SignalState {
    raised: Cell<bool>,
    abandoned: Rc<Cell<bool>>,
    waiting: RefCell<Vec<TaskId>>,
}

impl Signal {
    pub fn wake(&self, clock: &Clockwork) {
        self.0.waiting.take().into_iter().for_each(|task| clock.wake(task));
    }
}

/// Longer than anybody waits.
const FOR_EVER: u64 = 3_600_000;

/// Where the Redis is.
const REDIS: &str = "http://redis.test/";

const ORIGIN: &str = "http://origin.test";

impl Wires {
    /// What anything far away costs, or that it fails.
    async fn reach(&self, fault: Fault) -> Result<(), StoreError> {
        let (clock, chance) = (&self.city.clock, &self.city.chance);
        if chance.percent(fault.hangs) {
            clock.pause(FOR_EVER).await;
        }
        // Some answers are here before anybody else has a turn.
        if chance.percent(40) {
            clock.pause(chance.between(1, 20)).await;
        }
        if fault.slow > 0 {
            clock.pause(chance.below(fault.slow)).await;
        }
        if chance.percent(fault.fails) { Err(StoreError) } else { Ok(()) }
    }

    fn fault(&self, tier: Tier) -> Fault {
        self.city.weather.tier(tier).get()
    }

    fn received(&self, value: Bytes, fault: Fault) -> Bytes {
        if self.city.chance.percent(fault.corrupts) { damaged(&value, &self.city.chance) } else { value }
    }

    async fn webdis(&self, path: &str, request: OriginRequest<Self>) -> Result<OriginResponse<Self>, FetchError> {
        let city = &self.city;
        let fault = self.fault(Tier::Redis);
        self.context.went_far.set(true);
        self.reach(fault).await.map_err(|StoreError| FetchError::Unreachable)?;
        let body = if let Body::Blob(blob) = request.body { blob } else { Bytes::new() };
        let is_read = request.method == Method::GET && path.starts_with("GET");
        let (mut status, mut answer) = city.redis.answer(path, body, city.clock.now(), fault, &city.chance);
        if is_read && status == 200 {
            answer = self.received(city.sabotage.tamper(answer, city), fault);
        } else if city.chance.percent(fault.corrupts) {
            (status, answer) = (city.chance.pick(&[401, 403, 500, 200]), Bytes::from_static(b"<html>"));
        }
        let status = StatusCode::from_u16(status).expect("a status");
        let head = ResponseHead { status, headers: HeaderMap::new() };
        let flow = Flow { bytes: answer, at: city.clock.now(), end: End::Whole, cut: Rc::default() };
        Ok(OriginResponse { head, body: Body::Stream(flow) })
    }

    async fn ask_origin(&self, request: OriginRequest<Self>) -> Result<OriginResponse<Self>, FetchError> {
        let (city, clock) = (&self.city, &self.city.clock);
        self.context.went_far.set(true);
        let path = request.url.strip_prefix(ORIGIN).expect("there is one origin");
        let asker = city.asker(&self.home, &self.context);
        let question = Question { method: &request.method, path, headers: &request.headers, asker };
        let reply = city.origin.answer(&question, city.weather.origin.get(), clock.now(), &city.chance);
        let Reply { delay, result, body, end, exchange, changes } = reply;
        city.tell(|| format!("    [{}] asks the origin for {}", self.context.request, exchange.url));
        let timeout = request.timeout.as_millis() as u64;
        let is_late = delay >= timeout;
        city.watch.asked(city, &self.home, &self.context, &exchange, is_late || exchange.failed);
        let (early, late) = if city.chance.percent(50) { (changes, Vec::new()) } else { (Vec::new(), changes) };
        city.origin.apply(&early, &exchange, clock.now(), &city.chance);
        clock.pause(delay.min(timeout)).await;
        // What passes says nothing of whether the origin is left alone.
        if request.decode {
            let answered = !is_late && result.as_ref().is_ok_and(|head| !head.status.is_server_error());
            self.home.failures.set(if answered { 0 } else { self.home.failures.get() + 1 });
        }
        if city.sabotage == Sabotage::OriginIsNeverHeard {
            return Err(FetchError::Unreachable);
        }
        city.watch.told(city, &self.home, &self.context, &exchange);
        if is_late {
            return Err(FetchError::Timeout);
        }
        city.origin.apply(&late, &exchange, clock.now(), &city.chance);
        if !request.method.is_safe() {
            let changed = exchange.changed.borrow();
            self.context.purges.replace(changed.iter().map(|(page, _)| *page).chain([exchange.page]).collect());
        }
        let mut head = result?;
        city.sabotage.garble(&mut head, &request.method);
        if request.method == Method::HEAD || matches!(head.status.as_u16(), 204 | 304) {
            return Ok(OriginResponse { head, body: Body::Empty });
        }
        let at = clock.now() + if city.chance.percent(50) { 0 } else { city.chance.below(400) };
        let bytes = if end == End::Whole { body } else { body.slice(..city.chance.below(body.len() as u64) as usize) };
        Ok(OriginResponse { head, body: Body::Stream(Flow { bytes, at, end, cut: Rc::default() }) })
    }

    /// What a client gets of a body; `None` if it sees that the end is missing.
    pub async fn read_body(&self, body: Body<Self>) -> Option<Bytes> {
        /// A client's own patience.
        const PATIENCE: u64 = 40_000;
        match body {
            Body::Empty => Some(Bytes::new()),
            Body::Blob(blob) => Some(blob),
            Body::Stream(flow) => {
                let at = if flow.end == End::Stalls { self.city.clock.now() + PATIENCE } else { flow.at };
                self.city.clock.until(at).await;
                (flow.end == End::Whole && !flow.cut.get()).then_some(flow.bytes)
            }
        }
    }
}

impl Ports for Wires {
    type Blob = Bytes;
    type Stream = Flow;
    /// No page here is assembled.
    type Sink = Infallible;
    type Signal = Signal;

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.city.reading(&self.home))
    }

    fn draw(&self) -> f64 {
        self.city.chance.unit()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        let due = self.city.clock.now() + duration.as_millis() as u64;
        self.city.clock.until(due)
    }

    async fn fetch(&self, request: OriginRequest<Self>) -> Result<OriginResponse<Self>, FetchError> {
        if let Some(path) = request.url.strip_prefix(REDIS).map(str::to_owned) {
            return self.webdis(&path, request).await;
        }
        if self.city.sabotage == Sabotage::NobodyAnswers {
            self.city.clock.pause(FOR_EVER).await;
        }
        self.ask_origin(request).await
    }

    fn tee(&self, body: Flow) -> Result<(Flow, Flow), Flow> {
        Ok((body.clone(), body))
    }

    async fn collect(&self, body: Flow, mut limits: BodyLimits) -> Result<Bytes, CollectError> {
        let clock = &self.city.clock;
        let patience = limits.idle.min(limits.total).as_millis() as u64;
        let at = if body.end == End::Stalls { u64::MAX } else { body.at };
        if at > clock.now() + patience {
            clock.pause(patience).await;
            body.cut.set(true);
            return Err(CollectError::Truncated);
        }
        clock.until(at).await;
        if !limits.room.take(body.bytes.len() as u64) {
            return Err(CollectError::TooLarge);
        }
        if self.city.sabotage == Sabotage::BodiesEndEarly {
            return Ok(body.bytes.slice(..body.bytes.len() / 2));
        }
        if body.end == End::Whole { Ok(body.bytes) } else { Err(CollectError::Truncated) }
    }

    async fn next(&self, _: &mut Flow, _: Duration) -> Result<Option<Bytes>, CollectError> {
        unreachable!("no route has templates")
    }

    fn pipe(&self) -> (Flow, Infallible) {
        unreachable!("no route has templates")
    }

    async fn push(&self, sink: &Infallible, _: Bytes) -> Result<(), Abandoned> {
        match *sink {}
    }

    async fn finish(&self, sink: Infallible, _: bool) {
        match sink {}
    }

    async fn digest(&self, blob: &Bytes) -> Digest {
        sha256(blob)
    }

    async fn read(&self, tier: Tier, key: CacheKey) -> Result<Option<Bytes>, StoreError> {
        let (city, fault) = (&self.city, self.fault(tier));
        self.context.went_far.set(true);
        self.reach(fault).await?;
        let now = city.clock.now();
        let found = match tier {
            Tier::Colo => city.colos[self.home.colo].read(&key, now),
            _ => city.kv.read(self.home.colo, key, now, &city.chance),
        };
        Ok(found.map(|record| self.received(city.sabotage.tamper(record, city), fault)))
    }

    async fn write(&self, tier: Tier, key: CacheKey, record: &Bytes, life: Duration) -> Result<(), StoreError> {
        let (city, fault) = (&self.city, self.fault(tier));
        self.reach(fault).await?;
        let now = city.clock.now();
        let until = now + life.as_millis() as u64;
        match tier {
            Tier::Colo if city.chance.percent(fault.drops) => {}
            Tier::Colo => city.colos[self.home.colo].write(key, record.clone(), until),
            _ => {
                let value = Some((record.clone(), until));
                city.kv.write(self.home.colo, key, value, now, fault, &city.chance).map_err(|_| StoreError)?;
            }
        }
        Ok(())
    }

    async fn remove(&self, tier: Tier, key: CacheKey) -> Result<(), StoreError> {
        let (city, fault) = (&self.city, self.fault(tier));
        self.reach(fault).await?;
        match tier {
            Tier::Colo => city.colos[self.home.colo].remove(&key),
            _ => city
                .kv
                .write(self.home.colo, key, None, city.clock.now(), fault, &city.chance)
                .map_err(|_| StoreError)?,
        }
        Ok(())
    }

    fn has(&self, tier: Tier) -> bool {
        matches!(tier, Tier::Colo | Tier::Kv)
    }

    async fn converse(&self, _: &str, _: &Bytes, _: &mut memcached::Reply<Bytes>) -> Result<(), StoreError> {
        Err(StoreError)
    }

    fn has_shield(&self) -> bool {
        true
    }

    async fn ask_shield(&self, _: &str, ask: Ask, body: Option<&Bytes>) -> Result<(String, Bytes), StoreError> {
        let city = &self.city;
        let fault = city.weather.shield.get();
        self.context.went_far.set(true);
        self.reach(fault).await?;
        let twin = usize::from(city.weather.twins.get() && city.chance.percent(50));
        let (word, record) = city.shields[twin].answer(&city.clock, ask, body.cloned()).await;
        let word = if city.chance.percent(fault.corrupts) { "what?".to_owned() } else { word };
        Ok((word, self.received(record, fault)))
    }

    fn has_ledger(&self) -> bool {
        true
    }

    async fn ask_ledger(&self, target: &str, body: Option<Bytes>) -> Result<Bytes, StoreError> {
        let city = &self.city;
        let fault = city.weather.ledger.get();
        if fault != Fault::default() {
            city.ledger_trouble.set(city.clock.now());
        }
        // The isolate itself knows before the ledger does.
        city.watch.purges.touch(city, &self.context.purges.borrow());
        let reached = self.reach(fault).await;
        city.tell(|| format!("    [{}] the ledger answers {}: {target}", self.context.request, reached.is_ok()));
        let Some(body) = body else {
            reached?;
            let snapshot = city.sabotage.withhold(city.ledger.answer(target, None)?);
            if city.chance.percent(fault.corrupts) {
                return Ok(snapshot.slice(..city.chance.below(snapshot.len() as u64) as usize));
            }
            city.inform(&self.home);
            return Ok(snapshot);
        };
        // What is said to have failed may have been done.
        if reached.is_err() && city.chance.percent(50) {
            return Err(StoreError);
        }
        let appended = city.ledger.answer(target, Some(body))?;
        city.watch.purges.touch(city, &self.context.purges.borrow());
        reached?;
        self.context.recorded.set(Some(city.inform(&self.home).tick));
        Ok(appended)
    }

    fn has_cells(&self) -> bool {
        false
    }

    async fn ask_cells(&self, _: &str, _: &str, _: Bytes) -> Result<Bytes, StoreError> {
        Err(StoreError)
    }

    fn signal(&self) -> Signal {
        let abandoned = self.context.ended.clone();
        let signal = Signal(Rc::new(SignalState { raised: Cell::new(false), abandoned, waiting: RefCell::default() }));
        self.context.signals.borrow_mut().push(signal.clone());
        signal
    }

    fn raise(&self, signal: &Signal) {
        signal.0.raised.set(true);
        signal.wake(&self.city.clock);
    }

    async fn wait(&self, signal: Signal) -> Result<(), Abandoned> {
        poll_fn(|_| {
            if signal.0.raised.get() {
                return Poll::Ready(Ok(()));
            }
            if signal.0.abandoned.get() {
                return Poll::Ready(Err(Abandoned));
            }
            signal.0.waiting.borrow_mut().push(self.city.clock.current());
            Poll::Pending
        })
        .await
    }

    fn log(&self, message: &str) {
        self.city.tell(|| format!("    [{}] {message}", self.context.request));
    }
}
