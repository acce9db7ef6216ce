//! The Cache API of this data centre, a cache of its own.

use std::time::Duration;

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::{Asked, seconds};
use crate::edge::blob::JsBlob;
use crate::edge::js::{self, Cache, JsResponse};
use crate::key::CacheKey;

/// The name of the cache.
const CACHE: &str = "larder";

// One promise for three steps: to wait for one costs as much here as a decision.
#[wasm_bindgen(inline_js = "
export const read_cached = async (cache, url) => (await (await caches.open(cache)).match(url))?.arrayBuffer()
")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn read_cached(cache: &str, url: &str) -> Result<Promise, JsValue>;
}

pub(super) async fn open() -> Result<Cache, JsValue> {
    JsFuture::from(js::open_cache(CACHE)?).await.map(JsCast::unchecked_into)
}

/// Bytes, or undefined.
pub(super) fn read(key: CacheKey) -> Asked {
    read_cached(CACHE, &url(key))
}

/// Under a host that cannot exist.
pub(super) fn url(key: CacheKey) -> String {
    format!("http://larder.invalid/1/{key}")
}

/// In a response that is nothing but its carrier: the API would drop or refuse what ours may hold.
pub(super) fn write(cache: &Cache, key: CacheKey, record: &JsBlob, life: Duration) -> Asked {
    let seconds = seconds(life, 1);
    let init = format!(
        "{{\"status\":200,\"headers\":[[\"content-type\",\"application/octet-stream\"],[\"cache-control\",\"max-age={seconds}\"]]}}"
    );
    let carrier = JsResponse::new(&record.0, &js::json_parse(&init)?)?;
    cache.store(&url(key), &carrier)
}
