//! The tier that is memcached: a connection, a question and its answer at a time.

use std::time::Duration;

use super::Engine;
use super::ports::{Ports, StoreError};
use super::settings::Configured;
use crate::key::CacheKey;
use crate::store::memcached::{MemcachedError, Reply, delete, get, set};

impl<P: Ports> Engine<P> {
    pub(super) async fn memcached_read(&self, key: CacheKey) -> Result<Option<P::Blob>, StoreError> {
        self.ask_memcached(&get(key)).await?.value().map_err(|error| self.memcached_failed(&error))
    }

    pub(super) async fn memcached_write(
        &self,
        key: CacheKey,
        record: &P::Blob,
        life: Duration,
    ) -> Result<(), StoreError> {
        let reply = self.ask_memcached(&set(key, record, life, self.ports.now())).await?;
        if !reply.stored().map_err(|error| self.memcached_failed(&error))? {
            self.ports.log(&format!("larder: memcached has no room for {key}"));
        }
        Ok(())
    }

    pub(super) async fn memcached_remove(&self, keys: &[CacheKey]) -> Result<(), StoreError> {
        for key in keys {
            self.ask_memcached(&delete(*key)).await?.deleted().map_err(|error| self.memcached_failed(&error))?;
        }
        Ok(())
    }

    async fn ask_memcached(&self, request: &P::Blob) -> Result<Reply<P::Blob>, StoreError> {
        let Configured::Ready(config) = &self.settings.state else { return Err(StoreError) };
        let mut reply = Reply::default();
        self.ports.converse(config.memcached.as_deref().ok_or(StoreError)?, request, &mut reply).await?;
        Ok(reply)
    }

    fn memcached_failed(&self, MemcachedError(why): &MemcachedError) -> StoreError {
        self.ports.log(&format!("larder: memcached refused: {why}"));
        StoreError
    }
}
