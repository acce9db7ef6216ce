//! The engine's ports, in one data centre of the city.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
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

use super::city::{City, OBJECT, ORIGIN};
use super::clockwork::TaskId;
use super::counts::Call;

/// Where the Redis is.
pub const REDIS: &str = "http://redis.test/";

/// A data centre.
pub struct Place {
    pub city: Rc<City>,
    pub colo: usize,
}

/// Something that happens once.
#[derive(Clone, Default)]
pub struct Signal(Rc<(Cell<bool>, RefCell<Vec<TaskId>>)>);

impl Place {
    fn answer(body: Option<Bytes>, headers: HeaderMap) -> OriginResponse<Self> {
        let status = if body.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
        OriginResponse { head: ResponseHead { status, headers }, body: Body::Stream(body.unwrap_or_default()) }
    }
}

impl Ports for Place {
    type Blob = Bytes;
    type Stream = Bytes;
    /// No page here is assembled.
    type Sink = Infallible;
    type Signal = Signal;

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.city.clock.now())
    }

    fn draw(&self) -> f64 {
        self.city.chance.unit()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        self.city.clock.until(self.city.clock.now() + duration.as_millis() as u64)
    }

    async fn fetch(&self, request: OriginRequest<Self>) -> Result<OriginResponse<Self>, FetchError> {
        if let Some(path) = request.url.strip_prefix(REDIS) {
            let body = if let Body::Blob(blob) = request.body { blob } else { Bytes::new() };
            return Ok(Self::answer(self.city.ask_redis(path, body).await, HeaderMap::new()));
        }
        self.city.counts.add(Call::Origin);
        self.city.clock.pause(ORIGIN).await;
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("text/html"))]);
        Ok(Self::answer(Some(Bytes::from_static(b"<p>a page</p>")), headers))
    }

    fn tee(&self, body: Bytes) -> Result<(Bytes, Bytes), Bytes> {
        Ok((body.clone(), body))
    }

    async fn collect(&self, body: Bytes, _: BodyLimits) -> Result<Bytes, CollectError> {
        Ok(body)
    }

    async fn next(&self, _: &mut Bytes, _: Duration) -> Result<Option<Bytes>, CollectError> {
        unreachable!("no route has templates")
    }

    fn pipe(&self) -> (Bytes, Infallible) {
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
        Ok(match tier {
            Tier::Colo => self.city.read_colo(self.colo, key).await,
            _ => self.city.read_kv(self.colo, key).await,
        })
    }

    async fn write(&self, tier: Tier, key: CacheKey, record: &Bytes, life: Duration) -> Result<(), StoreError> {
        let until = self.city.clock.now() + life.as_millis() as u64;
        match tier {
            Tier::Colo => self.city.write_colo(self.colo, key, record.clone(), until).await,
            _ => self.city.write_kv(self.colo, key, record.clone(), until).await,
        }
        Ok(())
    }

    async fn remove(&self, _: Tier, _: CacheKey) -> Result<(), StoreError> {
        unreachable!("nothing is purged")
    }

    fn has(&self, tier: Tier) -> bool {
        matches!(tier, Tier::Colo | Tier::Kv)
    }

    async fn converse(&self, _: &str, _: &Bytes, _: &mut memcached::Reply<Bytes>) -> Result<(), StoreError> {
        unreachable!("no tier is a server on a port")
    }

    fn has_shield(&self) -> bool {
        true
    }

    async fn ask_shield(&self, _: &str, ask: Ask, body: Option<&Bytes>) -> Result<(String, Bytes), StoreError> {
        self.city.counts.add(Call::Shield);
        self.city.clock.pause(OBJECT).await;
        Ok(self.city.shield.answer(&self.city.clock, ask, body.cloned()).await)
    }

    fn has_ledger(&self) -> bool {
        true
    }

    async fn ask_ledger(&self, target: &str, body: Option<Bytes>) -> Result<Bytes, StoreError> {
        self.city.counts.add(Call::Ledger);
        self.city.clock.pause(OBJECT).await;
        self.city.ledger.answer(target, body)
    }

    fn has_cells(&self) -> bool {
        false
    }

    async fn ask_cells(&self, _: &str, _: &str, _: Bytes) -> Result<Bytes, StoreError> {
        Err(StoreError)
    }

    fn signal(&self) -> Signal {
        Signal::default()
    }

    fn raise(&self, signal: &Signal) {
        let (raised, waiting) = &*signal.0;
        raised.set(true);
        waiting.take().into_iter().for_each(|task| self.city.clock.wake(task));
    }

    async fn wait(&self, signal: Signal) -> Result<(), Abandoned> {
        let (raised, waiting) = &*signal.0;
        poll_fn(|_| {
            if raised.get() {
                return Poll::Ready(Ok(()));
            }
            waiting.borrow_mut().push(self.city.clock.current());
            Poll::Pending
        })
        .await
    }

    fn log(&self, message: &str) {
        panic!("something fails: {message}");
    }
}
