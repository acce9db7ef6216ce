//! The tiers beyond the isolate that the runtime itself reaches, by bindings and by the Cache API. Each is asked for one promise, and says
//! what it means.

mod colo;
mod d1;
mod kv;
mod r2;

use std::time::Duration;

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::blob::JsBlob;
use super::env::binding;
use super::js::{Buffered, D1Database, KeyValueStore};
use crate::key::CacheKey;
use crate::policy::Tier;

/// What is bound.
pub(super) struct Stores {
    kv: Option<KeyValueStore>,
    d1: Option<D1Database>,
    r2: Option<KeyValueStore>,
}

/// What is under way.
type Asked = Result<Promise, JsValue>;

impl Stores {
    /// Those of an environment.
    pub(super) fn of(env: &JsValue) -> Self {
        Self {
            kv: binding(env, "CACHE").map(JsCast::unchecked_into),
            d1: binding(env, "CACHE_DB").map(JsCast::unchecked_into),
            r2: binding(env, "CACHE_BUCKET").map(JsCast::unchecked_into),
        }
    }

    pub(super) fn has(&self, tier: Tier) -> bool {
        match tier {
            Tier::Colo => true,
            Tier::Kv => self.kv.is_some(),
            Tier::D1 => self.d1.is_some(),
            Tier::R2 => self.r2.is_some(),
            _ => false,
        }
    }

    /// A record, if there is a current one.
    pub(super) async fn read(&self, tier: Tier, key: CacheKey) -> Result<Option<JsBlob>, JsValue> {
        let asked = match (tier, self) {
            (Tier::Colo, _) => colo::read(key),
            (Tier::Kv, Self { kv: Some(kv), .. }) => kv::read(kv, key),
            (Tier::D1, Self { d1: Some(d1), .. }) => d1::read(d1, key),
            (Tier::R2, Self { r2: Some(r2), .. }) => r2::read(r2, key),
            _ => return Ok(None),
        };
        let found = settle(asked).await?;
        let bytes = match tier {
            Tier::D1 => return d1::record(&found),
            Tier::R2 if !r2::is_current(&found) => return Ok(None),
            Tier::R2 => found.unchecked_ref::<Buffered>().array_buffer().await?,
            _ => found,
        };
        let is_there = !bytes.is_null() && !bytes.is_undefined();
        Ok(is_there.then(|| JsBlob(Uint8Array::new(&bytes))))
    }

    /// Keeps a record for `life` at most.
    pub(super) async fn write(
        &self,
        tier: Tier,
        key: CacheKey,
        record: &JsBlob,
        life: Duration,
    ) -> Result<(), JsValue> {
        let asked = match (tier, self) {
            (Tier::Colo, _) => colo::write(&colo::open().await?, key, record, life),
            (Tier::Kv, Self { kv: Some(kv), .. }) => kv::write(kv, key, record, life),
            (Tier::D1, Self { d1: Some(d1), .. }) => d1::write(d1, key, record, life),
            (Tier::R2, Self { r2: Some(r2), .. }) => r2::write(r2, key, record, life),
            _ => return Ok(()),
        };
        settle(asked).await.map(drop)
    }

    /// Forgets a record.
    pub(super) async fn remove(&self, tier: Tier, key: CacheKey) -> Result<(), JsValue> {
        let asked = match (tier, self) {
            (Tier::Colo, _) => colo::open().await?.remove(&colo::url(key)),
            (Tier::Kv, Self { kv: Some(kv), .. }) => kv.delete(&kv::name(key)),
            (Tier::D1, Self { d1: Some(d1), .. }) => d1::remove(d1, key),
            (Tier::R2, Self { r2: Some(r2), .. }) => r2.delete(&r2::name(key)),
            _ => return Ok(()),
        };
        settle(asked).await.map(drop)
    }
}

async fn settle(asked: Asked) -> Result<JsValue, JsValue> {
    JsFuture::from(asked?).await
}

/// Seconds, within what stores take and their arithmetic bears.
fn seconds(life: Duration, least: u64) -> u64 {
    life.as_secs().clamp(least, 365 * 86_400)
}
