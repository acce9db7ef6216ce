//! What the engine needs of the world around it. The edge gives it the runtime; tests give it a simulation.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::isolate::Room;
use crate::blob::Blob;
use crate::digest::Digest;
use crate::fields::Timestamp;
use crate::key::CacheKey;
use crate::message::ResponseHead;
use crate::policy::Tier;
use crate::shield::Ask;
use crate::store::memcached::Reply;

/// The world: clock, chance, origin, stores, and a way for requests to wait for each other.
pub trait Ports: Sized + 'static {
    /// Bytes at rest.
    type Blob: Blob;
    /// A body under way; it can be read once.
    type Stream: 'static;
    /// Where a body is written.
    type Sink: 'static;
    /// An event that happens once and that any request may wait for.
    type Signal: Clone + 'static;

    /// The time. It may stand still between two waits.
    fn now(&self) -> Timestamp;

    /// A number from 0 to 1, drawn anew.
    fn draw(&self) -> f64;

    /// Comes back after `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;

    /// Asks an origin. Comes back with the headers; the body follows.
    fn fetch(&self, request: OriginRequest<Self>) -> impl Future<Output = Result<OriginResponse<Self>, FetchError>>;

    /// Two bodies out of one: what is read from one is kept until the other has read it too. Gives the body back if it cannot be
    /// divided.
    fn tee(&self, body: Self::Stream) -> Result<(Self::Stream, Self::Stream), Self::Stream>;

    /// Reads a body to its end. If it stalls, the exchange is broken off, for whoever reads it beside us too.
    fn collect(&self, body: Self::Stream, limits: BodyLimits)
    -> impl Future<Output = Result<Self::Blob, CollectError>>;

    /// The next piece of a body; `None` at its end. If it stalls, the exchange is broken off.
    fn next(
        &self,
        body: &mut Self::Stream,
        idle: Duration,
    ) -> impl Future<Output = Result<Option<Self::Blob>, CollectError>>;

    /// A body that is written here, and where to write it.
    fn pipe(&self) -> (Self::Stream, Self::Sink);

    /// Hands a piece to whoever reads, and waits until there is room for more.
    fn push(&self, sink: &Self::Sink, piece: Self::Blob) -> impl Future<Output = Result<(), Abandoned>>;

    /// The end of it. If it is not whole, the reader is told so.
    fn finish(&self, sink: Self::Sink, is_whole: bool) -> impl Future<Output = ()>;

    /// SHA-256, by the fastest way there is.
    fn digest(&self, blob: &Self::Blob) -> impl Future<Output = Digest>;

    /// Reads a record from a tier beyond the isolate's memory.
    fn read(&self, tier: Tier, key: CacheKey) -> impl Future<Output = Result<Option<Self::Blob>, StoreError>>;

    /// Writes a record, to be kept for `life` at most.
    fn write(
        &self,
        tier: Tier,
        key: CacheKey,
        record: &Self::Blob,
        life: Duration,
    ) -> impl Future<Output = Result<(), StoreError>>;

    /// Removes a record.
    fn remove(&self, tier: Tier, key: CacheKey) -> impl Future<Output = Result<(), StoreError>>;

    /// Whether a tier is there at all.
    fn has(&self, tier: Tier) -> bool;

    /// Sends `request` to a TCP server, `host:port`, on a connection of its own, and hands over what comes back until that is all.
    fn converse(
        &self,
        address: &str,
        request: &Self::Blob,
        reply: &mut Reply<Self::Blob>,
    ) -> impl Future<Output = Result<(), StoreError>>;

    /// Whether there is a shield.
    fn has_shield(&self) -> bool;

    /// Asks one of its objects: its answer, and what came with it.
    fn ask_shield(
        &self,
        object: &str,
        ask: Ask,
        body: Option<&Self::Blob>,
    ) -> impl Future<Output = Result<(String, Self::Blob), StoreError>>;

    /// Whether there is a ledger of purges.
    fn has_ledger(&self) -> bool;

    /// Asks it.
    fn ask_ledger(&self, target: &str, body: Option<Bytes>) -> impl Future<Output = Result<Bytes, StoreError>>;

    /// Whether there are objects for low-level values.
    fn has_cells(&self) -> bool;

    /// Asks one of them, once: not every question may be asked twice.
    fn ask_cells(&self, object: &str, target: &str, body: Bytes) -> impl Future<Output = Result<Bytes, StoreError>>;

    /// A new event.
    fn signal(&self) -> Self::Signal;

    /// Lets it happen.
    fn raise(&self, signal: &Self::Signal);

    /// Waits for it. An error says that it can never happen any more.
    fn wait(&self, signal: Self::Signal) -> impl Future<Output = Result<(), Abandoned>>;

    /// Says something to whoever runs the site.
    fn log(&self, message: &str);
}

/// A body, wherever it is.
pub enum Body<P: Ports> {
    /// There is none.
    Empty,
    /// Here.
    Blob(P::Blob),
    /// Under way.
    Stream(P::Stream),
}

/// What an origin is asked.
pub struct OriginRequest<P: Ports> {
    /// As the client sent it.
    pub method: Method,
    /// Absolute.
    pub url: String,
    /// All of them.
    pub headers: HeaderMap,
    /// The client's.
    pub body: Body<P>,
    /// Whether whoever reads the body reads it decoded. Passed on unread, it stays as it is.
    pub decode: bool,
    /// Longest wait for the response headers.
    pub timeout: Duration,
}

/// What it answers.
pub struct OriginResponse<P: Ports> {
    /// Status and fields, as they came.
    pub head: ResponseHead,
    /// The body.
    pub body: Body<P>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchError {
    /// Refused, reset, not resolved, not HTTP.
    Unreachable,
    /// Too late.
    Timeout,
}

/// What a body may cost.
#[derive(Debug)]
pub struct BodyLimits {
    /// Bytes.
    pub room: Room,
    /// The longest wait between two pieces.
    pub idle: Duration,
    /// The longest for all of it.
    pub total: Duration,
}

/// Why a body could not be had whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CollectError {
    /// Over the limit. Other readers go on.
    TooLarge,
    /// It broke off, or stalled.
    Truncated,
}

/// A tier failed. What failed is logged by the adapter; the engine goes on without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreError;

/// Whoever would have raised the signal is gone, or whoever read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abandoned;
