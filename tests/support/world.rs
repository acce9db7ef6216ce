//! A simulated world: virtual clock, stores in memory, a scripted origin, switches for faults.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use larder::digest::{Digest, sha256};
use larder::engine::ports::{
    Abandoned, Body, BodyLimits, CollectError, FetchError, OriginRequest, OriginResponse, Ports, StoreError,
};
use larder::engine::{Arrival, Deferred, Engine, Isolate, Outcome, Secrets, Settings};
use larder::fields::Timestamp;
use larder::key::CacheKey;
use larder::message::ResponseHead;
use larder::policy::Tier;
use larder::shield::Ask;
use larder::store::memcached::Reply;
use larder::url::CanonicalUrl;
use serde_json::{Value, json};

pub use super::answer::Answer;
pub use super::answer::answer_of;
use super::cells::Cells;
use super::executor::Executor;
use super::ledger::Ledger;
use super::memcached::Memcached;
pub use super::origin::{Asked, Scripted};
use super::shield::Shield;
use super::stream::{Pipe, Stream};
use super::webdis::{REDIS, Webdis};
use super::{NOW, headers};

/// Field names and values.
pub type Fields<'a> = &'a [(&'a str, &'a str)];

type Script = Box<dyn FnMut(&Asked) -> Scripted>;

/// How a tier behaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fault {
    pub fails: bool,
    pub delay: Duration,
    pub corrupts: bool,
}

/// The world behind the ports.
pub struct WorldPorts {
    pub executor: Executor,
    /// How far the clock of whoever asks is ahead, in milliseconds.
    pub ahead: Cell<u64>,
    origin: RefCell<Script>,
    pub asked: RefCell<Vec<Asked>>,
    pub stores: RefCell<HashMap<(Tier, CacheKey), (Bytes, u64)>>,
    pub redis: Webdis,
    pub memcached: Memcached,
    pub shield: Shield,
    pub ledger: Ledger,
    pub cells: Cells,
    pub faults: RefCell<HashMap<Tier, Fault>>,
    pub tiers: RefCell<Vec<Tier>>,
    pub draws: Cell<f64>,
    pub logged: RefCell<Vec<String>>,
    /// The tiers that were written to, in order.
    pub writes: RefCell<Vec<Tier>>,
    /// Whether clients go away before they have read what is written for them.
    pub is_deaf: Cell<bool>,
}

impl Ports for WorldPorts {
    type Blob = Bytes;
    type Stream = Stream;
    type Sink = Pipe;
    type Signal = Rc<Cell<bool>>;

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.executor.now() + self.ahead.get())
    }

    fn draw(&self) -> f64 {
        self.draws.get()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        self.executor.sleep(duration)
    }

    async fn fetch(&self, request: OriginRequest<Self>) -> Result<OriginResponse<Self>, FetchError> {
        let asked = Asked { method: request.method, url: request.url, headers: request.headers };
        if let Some(path) = asked.url.strip_prefix(REDIS) {
            let body = if let Body::Blob(blob) = request.body { blob } else { Bytes::new() };
            let fault = self.faults.borrow().get(&Tier::Redis).copied().unwrap_or_default();
            let (status, body) = self.redis.ask(&self.executor, fault, (path, body), request.timeout).await?;
            let status = StatusCode::from_u16(status).expect("a status");
            let head = ResponseHead { status, headers: HeaderMap::new() };
            return Ok(OriginResponse { head, body: Body::Stream(Stream::Pieces([body].into(), false)) });
        }
        self.asked.borrow_mut().push(asked.clone());
        let scripted = (self.origin.borrow_mut())(&asked);
        if scripted.delay >= request.timeout {
            self.executor.sleep(request.timeout).await;
            return Err(FetchError::Timeout);
        }
        self.executor.sleep(scripted.delay).await;
        let (status, headers, pieces) = scripted.result?;
        let head = ResponseHead { status: StatusCode::from_u16(status).expect("a status"), headers };
        let body = if asked.method == Method::HEAD || matches!(status, 204 | 304) {
            Body::Empty
        } else {
            Body::Stream(Stream::Pieces(pieces.into(), scripted.breaks_off))
        };
        Ok(OriginResponse { head, body })
    }

    fn tee(&self, body: Stream) -> Result<(Stream, Stream), Stream> {
        body.tee()
    }

    async fn collect(&self, body: Stream, limits: BodyLimits) -> Result<Bytes, CollectError> {
        body.collect(limits).await
    }

    async fn next(&self, body: &mut Stream, _: Duration) -> Result<Option<Bytes>, CollectError> {
        body.next().await
    }

    fn pipe(&self) -> (Stream, Pipe) {
        let pipe = Pipe::new(&self.executor, self.is_deaf.get());
        (Stream::Pipe(pipe.clone()), pipe)
    }

    async fn push(&self, sink: &Pipe, piece: Bytes) -> Result<(), Abandoned> {
        sink.push(piece)
    }

    async fn finish(&self, sink: Pipe, is_whole: bool) {
        sink.end(is_whole);
    }

    async fn digest(&self, blob: &Bytes) -> Digest {
        sha256(blob)
    }

    async fn read(&self, tier: Tier, key: CacheKey) -> Result<Option<Bytes>, StoreError> {
        self.fault(tier).await?;
        let stores = self.stores.borrow();
        let found = stores
            .get(&(tier, key))
            .filter(|(_, until)| *until > self.executor.now())
            .map(|(record, _)| record.clone());
        let corrupts = self.faults.borrow().get(&tier).is_some_and(|fault| fault.corrupts);
        Ok(found.map(|record| if corrupts { corrupted(&record) } else { record }))
    }

    async fn write(&self, tier: Tier, key: CacheKey, record: &Bytes, life: Duration) -> Result<(), StoreError> {
        self.fault(tier).await?;
        self.writes.borrow_mut().push(tier);
        let until = self.executor.now() + life.as_millis() as u64;
        self.stores.borrow_mut().insert((tier, key), (record.clone(), until));
        Ok(())
    }

    async fn remove(&self, tier: Tier, key: CacheKey) -> Result<(), StoreError> {
        self.fault(tier).await?;
        self.stores.borrow_mut().remove(&(tier, key));
        Ok(())
    }

    fn has(&self, tier: Tier) -> bool {
        self.tiers.borrow().contains(&tier)
    }

    async fn converse(&self, _: &str, request: &Bytes, reply: &mut Reply<Bytes>) -> Result<(), StoreError> {
        let fault = self.faults.borrow().get(&Tier::Memcached).copied().unwrap_or_default();
        self.memcached.converse(&self.executor, fault, request, reply).await
    }

    fn has_shield(&self) -> bool {
        self.shield.is_there.get()
    }

    async fn ask_shield(&self, object: &str, ask: Ask, body: Option<&Bytes>) -> Result<(String, Bytes), StoreError> {
        // Both sides read what the other writes.
        let ask = Ask::parse(&ask.target()).expect("it reads back");
        self.shield.ask(&self.executor, object, ask, body.cloned()).await
    }

    fn has_ledger(&self) -> bool {
        self.ledger.is_there.get()
    }

    async fn ask_ledger(&self, target: &str, body: Option<Bytes>) -> Result<Bytes, StoreError> {
        self.ledger.ask(&self.executor, target, body).await
    }

    fn has_cells(&self) -> bool {
        self.cells.is_there.get()
    }

    async fn ask_cells(&self, object: &str, target: &str, body: Bytes) -> Result<Bytes, StoreError> {
        self.cells.ask(&self.executor, object, target, body).await
    }

    fn signal(&self) -> Rc<Cell<bool>> {
        Rc::default()
    }

    fn raise(&self, signal: &Rc<Cell<bool>>) {
        signal.set(true);
        self.executor.happened();
    }

    async fn wait(&self, signal: Rc<Cell<bool>>) -> Result<(), Abandoned> {
        std::future::poll_fn(|_| if signal.get() { Poll::Ready(Ok(())) } else { Poll::Pending }).await
    }

    fn log(&self, message: &str) {
        self.logged.borrow_mut().push(message.to_owned());
    }
}

impl WorldPorts {
    /// From here on another origin answers.
    pub fn replace_origin(&self, origin: impl FnMut(&Asked) -> Scripted + 'static) {
        *self.origin.borrow_mut() = Box::new(origin);
    }

    async fn fault(&self, tier: Tier) -> Result<(), StoreError> {
        let fault = self.faults.borrow().get(&tier).copied().unwrap_or_default();
        self.executor.sleep(fault.delay).await;
        if fault.fails { Err(StoreError) } else { Ok(()) }
    }
}

pub fn corrupted(record: &Bytes) -> Bytes {
    let mut bytes = record.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    bytes.into()
}

/// One deployment in one isolate of the world.
pub struct World {
    pub ports: Rc<WorldPorts>,
    settings: Rc<Settings>,
    isolate: Rc<Isolate<WorldPorts>>,
    pub engine: Engine<WorldPorts>,
    /// Whether what is left to do is done at once.
    pub runs_deferred: Cell<bool>,
    pub left: RefCell<Vec<Deferred<WorldPorts>>>,
}

impl World {
    /// A world with this configuration beside `ORIGIN`, and an origin.
    pub fn new(vars: &Value, origin: impl FnMut(&Asked) -> Scripted + 'static) -> Self {
        Self::with_secrets(vars, &Secrets { identity_key: Some("key".into()), ..Secrets::default() }, origin)
    }

    pub fn with_secrets(vars: &Value, secrets: &Secrets, origin: impl FnMut(&Asked) -> Scripted + 'static) -> Self {
        let ports = Rc::new(WorldPorts {
            executor: Executor::at(NOW.as_millis()),
            ahead: Cell::default(),
            origin: RefCell::new(Box::new(origin)),
            asked: RefCell::default(),
            stores: RefCell::default(),
            redis: Webdis::default(),
            memcached: Memcached::default(),
            shield: Shield::default(),
            ledger: Ledger::default(),
            cells: Cells::default(),
            faults: RefCell::default(),
            tiers: RefCell::new(vec![Tier::Colo, Tier::Kv]),
            draws: Cell::new(0.0),
            logged: RefCell::default(),
            writes: RefCell::default(),
            is_deaf: Cell::new(false),
        });
        let settings = settings(vars, secrets);
        Self::beginning(&ports, &Rc::new(settings), &Rc::default())
    }

    /// Another isolate of the same deployment: other memory, the same stores.
    pub fn another_isolate(&self, vars: &Value) -> Self {
        let settings = settings(vars, &Secrets { identity_key: Some("key".into()), ..Secrets::default() });
        Self::beginning(&self.ports, &Rc::new(settings), &Rc::default())
    }

    /// The same isolate, for a request that counts what it asks for by itself.
    pub fn another_request(&self) -> Self {
        Self::beginning(&self.ports, &self.settings, &self.isolate)
    }

    fn beginning(ports: &Rc<WorldPorts>, settings: &Rc<Settings>, isolate: &Rc<Isolate<WorldPorts>>) -> Self {
        let (ports, settings, isolate) = (ports.clone(), settings.clone(), isolate.clone());
        let engine = Engine::new(ports.clone(), settings.clone(), isolate.clone());
        Self { ports, settings, isolate, engine, runs_deferred: Cell::new(true), left: RefCell::default() }
    }

    /// The same, with the token `admin`.
    pub fn with_admin(vars: &Value, origin: impl FnMut(&Asked) -> Scripted + 'static) -> Self {
        let secrets =
            Secrets { identity_key: Some("key".into()), admin_token: Some("admin".into()), ..Secrets::default() };
        Self::with_secrets(vars, &secrets, origin)
    }

    /// A request by whoever runs the site.
    pub fn admin(&self, method: Method, path: &str, body: &str) -> Answer {
        let outcome = self.ports.executor.run(self.engine.handle(admin_arrival(method, path, body)));
        let answer = self.finish(outcome);
        self.ports.executor.settle();
        answer
    }

    pub fn get(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.request(Method::GET, path, fields)
    }

    pub fn request(&self, method: Method, path: &str, fields: &[(&str, &str)]) -> Answer {
        let outcome = self.ports.executor.run(self.handle(method, path, fields));
        let deferred = self.finish(outcome);
        if self.runs_deferred.get() {
            self.ports.executor.settle();
        }
        deferred
    }

    /// A request that the Worker died of at the first try.
    pub fn get_again(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let arrival = Arrival { again: true, ..arrival(Method::GET, path, fields) };
        self.finish(self.ports.executor.run(self.engine.handle(arrival)))
    }

    /// The requests, all at once.
    pub fn at_once(&self, requests: &[(&str, &[(&str, &str)])]) -> Vec<Answer> {
        let requests: Vec<_> = requests.iter().map(|(path, fields)| (self, *path, *fields)).collect();
        Self::at_once_in(&requests)
    }

    /// The requests, each in its isolate, all at once. The isolates are of one world.
    pub fn at_once_in(requests: &[(&Self, &str, Fields)]) -> Vec<Answer> {
        let answers: Rc<RefCell<Vec<Option<Answer>>>> = Rc::new(RefCell::new(vec![None; requests.len()]));
        for (at, (world, path, fields)) in requests.iter().enumerate() {
            let arrival = arrival(Method::GET, path, fields);
            let executor = world.ports.executor.clone();
            let (engine, answers) = (world.engine.clone(), answers.clone());
            world.ports.executor.spawn(async move {
                let outcome = engine.handle(arrival).await;
                for deferred in outcome.deferred {
                    let engine = engine.clone();
                    executor.spawn(async move { engine.run(deferred).await });
                }
                if let Body::Stream(Stream::Pipe(pipe)) = &outcome.response.body {
                    pipe.ended().await;
                }
                answers.borrow_mut()[at] = Some(answer_of(outcome.response, outcome.report));
            });
        }
        if let Some((world, ..)) = requests.first() {
            world.ports.executor.settle();
        }
        answers.take().into_iter().map(|answer| answer.expect("every request is answered")).collect()
    }

    /// A request that comes `after` a while, beside whatever is done then.
    pub fn request_after(&self, after: Duration, method: Method, path: &str) {
        let (engine, executor) = (self.engine.clone(), self.ports.executor.clone());
        let arrival = arrival(method, path, &[]);
        self.ports.executor.spawn(async move {
            executor.sleep(after).await;
            for deferred in engine.handle(arrival).await.deferred {
                engine.run(deferred).await;
            }
        });
    }

    fn handle(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
    ) -> impl Future<Output = Outcome<WorldPorts>> + use<> {
        let arrival = arrival(method, path, fields);
        let engine = self.engine.clone();
        async move { engine.handle(arrival).await }
    }

    /// A request that begins, and is never heard of again.
    pub fn begin_and_die(&self, path: &str) {
        let mut request = Box::pin(self.handle(Method::GET, path, &[]));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(request.as_mut().poll(&mut context).is_pending(), "it has nothing to wait for");
    }

    fn finish(&self, outcome: Outcome<WorldPorts>) -> Answer {
        for deferred in outcome.deferred {
            if self.runs_deferred.get() {
                let engine = self.engine.clone();
                self.ports.executor.spawn(async move { engine.run(deferred).await });
            } else {
                self.left.borrow_mut().push(deferred);
            }
        }
        if matches!(outcome.response.body, Body::Stream(Stream::Pipe(_))) {
            self.ports.executor.settle();
        }
        answer_of(outcome.response, outcome.report)
    }

    /// Does what was left to do.
    pub fn run_left(&self) {
        for deferred in self.left.take() {
            self.ports.executor.run(self.engine.run(deferred));
        }
    }

    /// Does what was left to do, all of it side by side.
    pub fn run_left_at_once(&self) {
        for deferred in self.left.take() {
            let engine = self.engine.clone();
            self.ports.executor.spawn(async move { engine.run(deferred).await });
        }
        self.ports.executor.settle();
    }

    /// The key of a path, without cookies.
    pub fn key_of(&self, path: &str) -> CacheKey {
        let answer = self
            .another_isolate(&json!({ "SITE": { "collapse": "off" } }))
            .get(path, &[("cache-control", "only-if-cached")]);
        answer.report.key.expect("it is looked up")
    }

    /// What is stored for a path that nothing else is stored for.
    pub fn stored(&self, path: &str) -> larder::cache::Head {
        self.get(path, &[]);
        let stores = self.ports.stores.borrow();
        let ((_, _), (record, _)) = stores.iter().next().expect("something is stored");
        larder::cache::record::decode(record).expect("it is a record").head
    }

    pub fn advance(&self, seconds: u64) {
        self.ports.executor.advance(Duration::from_secs(seconds));
    }

    /// How often the origin was asked.
    pub fn asked(&self) -> usize {
        self.ports.asked.borrow().len()
    }

    pub fn last_asked(&self) -> Asked {
        self.ports.asked.borrow().last().expect("the origin was asked").clone()
    }

    pub fn fault(&self, tier: Tier, fault: Fault) {
        self.ports.faults.borrow_mut().insert(tier, fault);
    }
}

/// A request by whoever runs the site, who has the token `admin`.
pub fn admin_arrival(method: Method, path: &str, body: &str) -> Arrival<WorldPorts> {
    let body = Body::Blob(Bytes::from(body.to_owned()));
    Arrival { body, ..arrival(method, path, &[("authorization", "Bearer admin")]) }
}

fn arrival(method: Method, path: &str, fields: &[(&str, &str)]) -> Arrival<WorldPorts> {
    let host = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("host")).map_or("site.test", |(_, host)| host);
    Arrival {
        method,
        url: CanonicalUrl::parse(&format!("https://{host}{path}"), Some(host)),
        headers: headers(fields),
        body: Body::Empty,
        again: false,
    }
}

fn settings(vars: &Value, secrets: &Secrets) -> Settings {
    let mut all = json!({ "ORIGIN": "http://origin.test", "SITE": { "jitter": "0" } });
    merge(&mut all, vars);
    Settings::new(all.as_object().expect("a table"), secrets)
}

fn merge(into: &mut Value, more: &Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more.clone(),
    }
}
