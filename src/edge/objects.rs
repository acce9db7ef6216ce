//! Asking Durable Objects.

use std::time::Duration;

use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

use super::js::{self, Buffered, DurableNamespace};
use super::timer;
use crate::engine::ports::StoreError;

/// Before an object that failed is asked once more.
const PAUSE: Duration = Duration::from_millis(50);

/// What an object answers: a word, and bytes.
pub(super) type Answer = (String, Uint8Array);

/// Asks an object, and once more if it failed, unless it has too much to do: to ask twice is to ask once.
pub(super) async fn ask(
    namespace: &DurableNamespace,
    object: &str,
    target: &str,
    body: Option<&Uint8Array>,
) -> Result<Answer, StoreError> {
    let answer = match talk(namespace, object, target, body).await {
        Err(error) if js::get(&error, "overloaded").as_bool() != Some(true) => {
            timer::sleep(PAUSE).await;
            talk(namespace, object, target, body).await
        }
        answer => answer,
    };
    understood(answer, object)
}

/// Asks an object, and not again: it may have done what it did not live to say.
pub(super) async fn ask_once(
    namespace: &DurableNamespace,
    object: &str,
    target: &str,
    body: &Uint8Array,
) -> Result<Answer, StoreError> {
    understood(talk(namespace, object, target, Some(body)).await, object)
}

fn understood(answer: Result<Option<Answer>, JsValue>, object: &str) -> Result<Answer, StoreError> {
    answer.ok().flatten().ok_or_else(|| {
        js::console_log(&format!("larder: {object} failed"));
        StoreError
    })
}

/// One question. A stub that an exception broke stays broken, so each takes a new one.
async fn talk(
    namespace: &DurableNamespace,
    object: &str,
    target: &str,
    body: Option<&Uint8Array>,
) -> Result<Option<Answer>, JsValue> {
    let init = Object::new();
    Reflect::set(&init, &"method".into(), &"POST".into())?;
    if let Some(body) = body {
        Reflect::set(&init, &"body".into(), body)?;
    }
    let answer = namespace.by_name(object)?.fetch(&format!("http://object{target}"), &init).await?;
    let response: web_sys::Response = answer.dyn_into()?;
    let word = response.headers().get("larder-word")?.filter(|_| response.status() == 200);
    let buffered: Buffered = response.unchecked_into();
    let bytes = Uint8Array::new(&buffered.array_buffer().await?);
    Ok(word.map(|word| (word, bytes)))
}

/// Path and query of what an object is asked.
pub(super) fn target_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.get(rest.find('/')?..)
}

/// An object's answer.
pub(super) fn answer(status: u16, word: &str, body: &JsValue) -> Result<js::JsResponse, JsValue> {
    let init = js::json_parse(&format!("{{\"status\":{status},\"headers\":[[\"larder-word\",\"{word}\"]]}}"))?;
    js::JsResponse::new(body, &init)
}
