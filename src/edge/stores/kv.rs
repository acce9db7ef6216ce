//! Workers KV.

use std::time::Duration;

use super::{Asked, seconds};
use crate::edge::blob::JsBlob;
use crate::edge::js::{self, KeyValueStore};
use crate::key::CacheKey;

pub(super) fn name(key: CacheKey) -> String {
    format!("e1:{key}")
}

/// Bytes, or null.
pub(super) fn read(kv: &KeyValueStore, key: CacheKey) -> Asked {
    kv.get(&name(key), &"arrayBuffer".into())
}

pub(super) fn write(kv: &KeyValueStore, key: CacheKey, record: &JsBlob, life: Duration) -> Asked {
    let options = js::json_parse(&format!("{{\"expirationTtl\":{}}}", seconds(life, 60)))?;
    kv.put(&name(key), &record.0, &options)
}
