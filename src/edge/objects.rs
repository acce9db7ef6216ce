//! Asking Durable Objects.

use std::time::Duration;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

use super::js::{self, DurableNamespace};
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
    let body = body.map_or(JsValue::NULL, Into::into);
    let answer = namespace.by_name(object)?.ask(target, &body).await?;
    let Ok(parts) = answer.dyn_into::<Array>() else { return Ok(None) };
    Ok(parts.get(0).as_string().map(|word| (word, Uint8Array::new(&parts.get(1)))))
}

/// An object's answer, as [`talk`] takes it.
pub(super) fn answer(word: &str, body: &JsValue) -> JsValue {
    Array::of2(&word.into(), body).into()
}

/// What an object answers if it does not know what it was asked.
pub(super) const NOT_UNDERSTOOD: JsValue = JsValue::NULL;
