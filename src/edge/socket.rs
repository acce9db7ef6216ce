//! TCP: one connection, one question. Connections of workerd belong to the request that opened them, so none is kept for the next.

use wasm_bindgen::prelude::*;

use super::blob::JsBlob;
use super::body::chunk_of;
use super::js::{self, Readable, Socket};
use crate::store::memcached::Reply;

/// A connection that ends when nobody needs it any more, its deadline included.
struct Connection(Socket);

impl Drop for Connection {
    fn drop(&mut self) {
        drop(self.0.close());
    }
}

/// Sends `request` to `host:port`, and reads until `reply` has all of its answer.
pub(super) async fn converse(address: &str, request: &JsBlob, reply: &mut Reply<JsBlob>) -> Result<(), JsValue> {
    let connection = Connection(js::connect(address).await?.unchecked_into());
    connection.0.writable().writer()?.write(&request.0).await?;
    let readable: Readable = connection.0.readable().unchecked_into();
    let reader = readable.reader()?;
    loop {
        let piece = reader.read().await?;
        let chunk = chunk_of(&piece).ok_or("the connection ended early")?;
        if reply.take(JsBlob(chunk)) {
            return Ok(());
        }
    }
}
