//! Variables, secrets and bindings, read once per isolate.

use std::collections::BTreeMap;

use js_sys::{Array, Object, Reflect};
use serde_json::{Map, Value};
use wasm_bindgen::prelude::*;

use super::js::{self, DurableNamespace};
use crate::engine::{Secrets, Settings};
use crate::policy::{SECRETS, is_var};

/// Reads the environment.
pub(super) fn settings(env: &JsValue) -> Settings {
    let secret = |name: &str| text(env, name);
    let secrets = Secrets {
        admin_token: secret("ADMIN_TOKEN"),
        purge_token: secret("PURGE_TOKEN"),
        read_token: secret("READ_TOKEN"),
        identity_key: secret("IDENTITY_KEY"),
        identity_key_previous: secret("IDENTITY_KEY_PREVIOUS"),
        cf_api_token: secret("CF_API_TOKEN"),
        redis_tokens: redis_tokens(env),
    };
    Settings::new(&vars(env), &secrets)
}

/// A secret, or a variable that is a text.
pub(super) fn text(env: &JsValue, name: &str) -> Option<String> {
    js::get(env, name).as_string()
}

/// `REDIS_TOKEN` and its followers.
fn redis_tokens(env: &JsValue) -> BTreeMap<String, String> {
    let mut tokens = BTreeMap::new();
    let Some(object) = env.dyn_ref::<Object>() else { return tokens };
    for name in Object::keys(object).iter().filter_map(|name| name.as_string()) {
        let server = match name.strip_prefix("REDIS_TOKEN") {
            Some("") => Some("default"),
            Some(rest) => rest.strip_prefix('_'),
            None => None,
        };
        let token = Reflect::get(env, &name.as_str().into()).ok().and_then(|token| token.as_string());
        if let (Some(server), Some(token)) = (server, token.filter(|token| !token.is_empty())) {
            tokens.insert(server.to_ascii_lowercase(), token);
        }
    }
    tokens
}

/// The variables: every name that is one of ours, and every other that holds a list or a table, which no secret and no binding
/// does, so that a misspelt one is noticed.
fn vars(env: &JsValue) -> Map<String, Value> {
    let mut vars = Map::new();
    let Some(env) = env.dyn_ref::<Object>() else { return vars };
    for name in Object::keys(env).iter().filter_map(|name| name.as_string()) {
        let Ok(value) = Reflect::get(env, &name.as_str().into()) else { continue };
        let ours = is_var(&name) || (is_plain_data(&value) && !SECRETS.contains(&name.as_str()));
        if let Some(value) = ours.then(|| plain(&value)).flatten() {
            vars.insert(name, value);
        }
    }
    vars
}

fn is_plain_data(value: &JsValue) -> bool {
    let is_table = || {
        let prototype = Object::get_prototype_of(value);
        Reflect::get(&js_sys::global(), &"Object".into())
            .and_then(|object| Reflect::get(&object, &"prototype".into()))
            .is_ok_and(|plain| Object::is(&prototype, &plain))
    };
    Array::is_array(value) || (value.is_object() && is_table())
}

fn plain(value: &JsValue) -> Option<Value> {
    let text = js::json_stringify(value).ok()?.as_string()?;
    serde_json::from_str(&text).ok()
}

/// The Durable Objects that are bound by this name.
pub(super) fn objects(env: &JsValue, name: &str) -> Option<DurableNamespace> {
    binding(env, name).map(JsCast::unchecked_into)
}

/// What is bound by this name.
pub(super) fn binding(env: &JsValue, name: &str) -> Option<JsValue> {
    Some(js::get(env, name)).filter(JsValue::is_object)
}
