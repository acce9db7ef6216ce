//! The tier that is the origin's own Redis, over HTTP.

use std::time::Duration;

use http::StatusCode;

use super::Engine;
use super::ports::{Body, BodyLimits, OriginRequest, Ports, StoreError};
use super::settings::Configured;
use crate::blob::Blob as _;
use crate::key::CacheKey;
use crate::policy::Alias;
use crate::store::redis::{Call, RedisError, Server};

/// More than this is no answer of a gateway's to us.
const MAX_ANSWER: u64 = 16 << 20;

/// Deadlines are the caller's; this one only ends what nobody waits for any more.
const AT_MOST: Duration = Duration::from_secs(10);

impl<P: Ports> Engine<P> {
    /// The Redis of `alias`, if there is one.
    pub(super) fn redis_of<'s>(&'s self, alias: &Alias) -> Option<Server<'s>> {
        let Configured::Ready(config) = &self.settings.state else { return None };
        let name = alias.redis.to_ascii_lowercase().replace('-', "_");
        let token = self.settings.redis_tokens.get(&name).map(String::as_str);
        Some(Server { redis: config.redis.get(&alias.redis)?, token })
    }

    pub(super) async fn redis_read(&self, alias: &Alias, key: CacheKey) -> Result<Option<P::Blob>, StoreError> {
        let Some(server) = self.redis_of(alias) else { return Ok(None) };
        let (status, body) = self.call(server.get(&self.redis_key(alias, key))).await?;
        server.read_get(status, &body).map_err(|error| self.redis_failed(alias, &error))
    }

    pub(super) async fn redis_write(
        &self,
        alias: &Alias,
        key: CacheKey,
        record: &P::Blob,
        life: Duration,
    ) -> Result<(), StoreError> {
        let Some(server) = self.redis_of(alias) else { return Ok(()) };
        let Some(call) = server.set(&self.redis_key(alias, key), record, life.as_secs()) else { return Ok(()) };
        let (status, body) = self.call(call).await?;
        server.read_set(status, &body).map_err(|error| self.redis_failed(alias, &error))
    }

    /// Removes slots: how many there were.
    pub(super) async fn redis_remove(&self, alias: &Alias, keys: &[CacheKey]) -> Result<u64, StoreError> {
        let Some(server) = self.redis_of(alias).filter(|_| !keys.is_empty()) else { return Ok(0) };
        let names: Vec<_> = keys.iter().map(|key| self.redis_key(alias, *key)).collect();
        let (status, body) = self.call(server.delete(&names)).await?;
        server.read_delete(status, &body, names.len()).map_err(|error| self.redis_failed(alias, &error))
    }

    /// `prod:larder:1:…`: under the prefix that the application's own keys have, and apart from them.
    fn redis_key(&self, alias: &Alias, key: CacheKey) -> String {
        let Configured::Ready(config) = &self.settings.state else { return String::new() };
        match alias.key_prefix.as_deref().unwrap_or(&config.key_prefix) {
            "" => format!("larder:1:{key}"),
            prefix => format!("{prefix}:larder:1:{key}"),
        }
    }

    /// One request to a gateway.
    async fn call(&self, call: Call<P::Blob>) -> Result<(StatusCode, P::Blob), StoreError> {
        let request = OriginRequest {
            method: call.method,
            url: call.url,
            headers: call.headers,
            body: call.body.map_or(Body::Empty, Body::Blob),
            decode: true,
            timeout: AT_MOST,
        };
        let response = self.ports.fetch(request).await.map_err(|_| StoreError)?;
        let body = match response.body {
            Body::Empty => P::Blob::from_bytes(bytes::Bytes::new()),
            Body::Blob(blob) => blob,
            Body::Stream(stream) => {
                let limits = BodyLimits { room: self.isolate.room(MAX_ANSWER), idle: AT_MOST, total: AT_MOST };
                self.ports.collect(stream, limits).await.map_err(|_| StoreError)?
            }
        };
        Ok((response.head.status, body))
    }

    fn redis_failed(&self, alias: &Alias, RedisError(why): &RedisError) -> StoreError {
        self.ports.log(&format!("larder: redis:{} refused: {why}", alias.redis));
        StoreError
    }
}
