//! R2: an object per key, with its end beside it. The bucket keeps what has ended until a lifecycle rule sweeps it.

use std::time::Duration;

use wasm_bindgen::prelude::*;

use super::{Asked, seconds};
use crate::edge::blob::JsBlob;
use crate::edge::js::{self, KeyValueStore};
use crate::key::CacheKey;

/// Under one prefix, so that one lifecycle rule can be about all of them and nothing else.
pub(super) fn name(key: CacheKey) -> String {
    format!("larder/1/{key}")
}

/// An object, or null.
pub(super) fn read(bucket: &KeyValueStore, key: CacheKey) -> Asked {
    bucket.get(&name(key), &JsValue::UNDEFINED)
}

/// Whether there is an object, and its end is not over.
pub(super) fn is_current(found: &JsValue) -> bool {
    let expires = js::get(&js::get(found, "customMetadata"), "expires").as_string();
    expires.and_then(|at| at.parse::<u64>().ok()).is_some_and(|at| at > js::date_now() as u64)
}

pub(super) fn write(bucket: &KeyValueStore, key: CacheKey, record: &JsBlob, life: Duration) -> Asked {
    let expires = js::date_now() as u64 + seconds(life, 1) * 1000;
    let options = js::json_parse(&format!("{{\"customMetadata\":{{\"expires\":\"{expires}\"}}}}"))?;
    bucket.put(&name(key), &record.0, &options)
}
