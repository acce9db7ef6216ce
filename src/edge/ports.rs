//! The engine's ports, in the runtime.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use js_sys::{Function, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::blob::JsBlob;
use super::body::{self, JsSink, JsStream};
use super::js::{self, DurableNamespace};
use super::stores::Stores;
use super::{objects, origin, socket, timer};
use crate::blob::Blob;
use crate::digest::{Digest, sha256};
use crate::engine::ports::{
    Abandoned, BodyLimits, CollectError, FetchError, OriginRequest, OriginResponse, Ports, StoreError,
};
use crate::fields::Timestamp;
use crate::key::CacheKey;
use crate::policy::Tier;
use crate::shield::Ask;
use crate::store::memcached::Reply;

/// Smaller bodies are hashed here, larger ones by the platform: that is where the two meet.
const HASH_HERE: usize = 4096;

/// The runtime, with what is bound to this deployment.
pub(super) struct Edge {
    pub(super) stores: Stores,
    pub(super) shield: Option<DurableNamespace>,
    pub(super) ledger: Option<DurableNamespace>,
    pub(super) cells: Option<DurableNamespace>,
}

/// A promise and the function that keeps it.
#[derive(Clone)]
pub(super) struct JsSignal {
    promise: Promise,
    resolve: Function,
}

impl JsSignal {
    pub(super) fn new() -> Self {
        let resolvers = js::with_resolvers();
        Self { promise: resolvers.promise(), resolve: resolvers.resolve() }
    }

    pub(super) fn raise(&self) {
        // Nothing but the fact: what it means is in memory that both can read.
        drop(self.resolve.call0(&JsValue::UNDEFINED));
    }

    pub(super) async fn wait(self) -> Result<(), Abandoned> {
        JsFuture::from(self.promise).await.map(drop).map_err(|_| Abandoned)
    }
}

impl Ports for Edge {
    type Blob = JsBlob;
    type Stream = JsStream;
    type Sink = JsSink;
    type Signal = JsSignal;

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(js::date_now() as u64)
    }

    fn draw(&self) -> f64 {
        js::random()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        timer::sleep(duration)
    }

    async fn fetch(&self, request: OriginRequest<Self>) -> Result<OriginResponse<Self>, FetchError> {
        origin::fetch(request).await
    }

    fn tee(&self, body: JsStream) -> Result<(JsStream, JsStream), JsStream> {
        body.tee()
    }

    async fn collect(&self, body: JsStream, limits: BodyLimits) -> Result<JsBlob, CollectError> {
        body::collect(body, limits).await
    }

    async fn next(&self, body: &mut JsStream, idle: Duration) -> Result<Option<JsBlob>, CollectError> {
        body::next(body, idle).await
    }

    fn pipe(&self) -> (JsStream, JsSink) {
        body::pipe()
    }

    async fn push(&self, sink: &JsSink, piece: JsBlob) -> Result<(), Abandoned> {
        sink.push(piece).await
    }

    async fn finish(&self, sink: JsSink, is_whole: bool) {
        sink.finish(is_whole).await;
    }

    async fn digest(&self, blob: &JsBlob) -> Digest {
        if blob.len() <= HASH_HERE {
            return sha256(&blob.0.to_vec());
        }
        match js::digest("SHA-256", &blob.0).await {
            Ok(buffer) => Digest::try_from(Uint8Array::new(&buffer).to_vec()).unwrap_or_default(),
            // Only without WebCrypto; slower, and right.
            Err(_) => sha256(&blob.0.to_vec()),
        }
    }

    async fn read(&self, tier: Tier, key: CacheKey) -> Result<Option<JsBlob>, StoreError> {
        self.stores.read(tier, key).await.map_err(|error| failed(tier, "read", &error))
    }

    async fn write(&self, tier: Tier, key: CacheKey, record: &JsBlob, life: Duration) -> Result<(), StoreError> {
        self.stores.write(tier, key, record, life).await.map_err(|error| failed(tier, "write", &error))
    }

    async fn remove(&self, tier: Tier, key: CacheKey) -> Result<(), StoreError> {
        self.stores.remove(tier, key).await.map_err(|error| failed(tier, "remove", &error))
    }

    fn has(&self, tier: Tier) -> bool {
        self.stores.has(tier)
    }

    async fn converse(&self, address: &str, request: &JsBlob, reply: &mut Reply<JsBlob>) -> Result<(), StoreError> {
        let conversation = socket::converse(address, request, reply).await;
        conversation.map_err(|error| failed(Tier::Memcached, "answer", &error))
    }

    fn has_shield(&self) -> bool {
        self.shield.is_some()
    }

    async fn ask_shield(&self, object: &str, ask: Ask, body: Option<&JsBlob>) -> Result<(String, JsBlob), StoreError> {
        let namespace = self.shield.as_ref().ok_or(StoreError)?;
        let (word, record) = objects::ask(namespace, object, &ask.target(), body.map(|body| &body.0)).await?;
        Ok((word, JsBlob(record)))
    }

    fn has_ledger(&self) -> bool {
        self.ledger.is_some()
    }

    async fn ask_ledger(&self, target: &str, body: Option<Bytes>) -> Result<Bytes, StoreError> {
        let namespace = self.ledger.as_ref().ok_or(StoreError)?;
        let body = body.map(|body| Uint8Array::from(&body[..]));
        let (_, answer) = objects::ask(namespace, "ledger", target, body.as_ref()).await?;
        Ok(answer.to_vec().into())
    }

    fn has_cells(&self) -> bool {
        self.cells.is_some()
    }

    async fn ask_cells(&self, object: &str, target: &str, body: Bytes) -> Result<Bytes, StoreError> {
        let namespace = self.cells.as_ref().ok_or(StoreError)?;
        let (_, answer) = objects::ask_once(namespace, object, target, &Uint8Array::from(&body[..])).await?;
        Ok(answer.to_vec().into())
    }

    fn signal(&self) -> JsSignal {
        JsSignal::new()
    }

    fn raise(&self, signal: &JsSignal) {
        signal.raise();
    }

    async fn wait(&self, signal: JsSignal) -> Result<(), Abandoned> {
        signal.wait().await
    }

    fn log(&self, message: &str) {
        js::console_log(message);
    }
}

fn failed(tier: Tier, what: &str, error: &JsValue) -> StoreError {
    let message = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    let error = message.or_else(|| error.as_string()).unwrap_or_default();
    js::console_log(&format!("larder: {} failed to {what}: {error}", tier.as_str()));
    StoreError
}
