//! The tiers beyond the isolate: Workers KV and the Cache API.

use std::time::Duration;

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

use super::blob::JsBlob;
use super::js::{self, Buffered, Cache, JsResponse, KvNamespace};
use crate::key::CacheKey;

/// The name of the cache, and the name space of its keys: a host that cannot exist.
const CACHE: &str = "larder";

fn cache_url(key: CacheKey) -> String {
    format!("http://larder.invalid/1/{key}")
}

fn kv_key(key: CacheKey) -> String {
    format!("e1:{key}")
}

/// A record from KV.
pub(super) async fn kv_read(kv: &KvNamespace, key: CacheKey) -> Result<Option<JsBlob>, JsValue> {
    let value = kv.get(&kv_key(key), &"arrayBuffer".into()).await?;
    Ok((!value.is_null()).then(|| JsBlob(Uint8Array::new(&value))))
}

/// A record to KV.
pub(super) async fn kv_write(kv: &KvNamespace, key: CacheKey, record: &JsBlob, life: Duration) -> Result<(), JsValue> {
    // KV takes no less than a minute, and no more than fits its arithmetic.
    let seconds = life.as_secs().clamp(60, 365 * 86_400);
    let options = js::json_parse(&format!("{{\"expirationTtl\":{seconds}}}"))?;
    kv.put(&kv_key(key), &record.0, &options).await.map(drop)
}

/// A record out of KV.
pub(super) async fn kv_remove(kv: &KvNamespace, key: CacheKey) -> Result<(), JsValue> {
    kv.delete(&kv_key(key)).await.map(drop)
}

/// A record from the Cache API.
pub(super) async fn colo_read(key: CacheKey) -> Result<Option<JsBlob>, JsValue> {
    let cache: Cache = js::open_cache(CACHE).await?.unchecked_into();
    let found = cache.find(&cache_url(key)).await?;
    if found.is_undefined() {
        return Ok(None);
    }
    let response: Buffered = found.unchecked_into();
    let buffer = response.array_buffer().await?;
    Ok(Some(JsBlob(Uint8Array::new(&buffer))))
}

/// A record to the Cache API, in a response that is nothing but its carrier: the API would drop or refuse what ours may hold.
pub(super) async fn colo_write(key: CacheKey, record: &JsBlob, life: Duration) -> Result<(), JsValue> {
    let cache: Cache = js::open_cache(CACHE).await?.unchecked_into();
    let seconds = life.as_secs().clamp(1, 365 * 86_400);
    let init = format!(
        "{{\"status\":200,\"headers\":[[\"content-type\",\"application/octet-stream\"],[\"cache-control\",\"max-age={seconds}\"]]}}"
    );
    let carrier = JsResponse::new(&record.0, &js::json_parse(&init)?)?;
    cache.store(&cache_url(key), &carrier).await.map(drop)
}

/// A record out of the Cache API.
pub(super) async fn colo_remove(key: CacheKey) -> Result<(), JsValue> {
    let cache: Cache = js::open_cache(CACHE).await?.unchecked_into();
    cache.remove(&cache_url(key)).await.map(drop)
}
