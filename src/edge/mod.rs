//! The runtime: adapters, and the entry point. No decision about HTTP is made here.

mod blob;
mod body;
mod cells;
mod convert;
mod env;
mod js;
mod ledger;
mod objects;
mod origin;
mod ports;
mod shield;
mod sql;
mod stores;
mod timer;

use std::cell::OnceCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use worker::{Context, Env, event};

use crate::engine::{Engine, Isolate, Settings};
use ports::Edge;

thread_local! {
    static SETTINGS: OnceCell<Rc<Settings>> = const { OnceCell::new() };
    static ISOLATE: Rc<Isolate<Edge>> = Rc::default();
}

/// Every request.
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    let env: JsValue = env.into();
    let settings = SETTINGS.with(|cell| cell.get_or_init(|| read_settings(&env)).clone());
    let objects = |name| env::objects(&env, name);
    let ports = Rc::new(Edge {
        kv: env::kv(&env),
        shield: objects("SHIELD"),
        ledger: objects("LEDGER"),
        cells: objects("CELLS"),
    });
    let engine = Engine::new(ports, settings, ISOLATE.with(Rc::clone));
    let Some(arrival) = convert::arrival(&request) else {
        return Ok(web_sys::Response::new_with_opt_str(Some("Bad request\n"))?);
    };
    let outcome = engine.handle(arrival).await;
    for deferred in outcome.deferred {
        let engine = engine.clone();
        context.wait_until(async move { engine.run(deferred).await });
    }
    Ok(convert::response(outcome.response)?)
}

/// Once per isolate; mistakes are said once.
fn read_settings(env: &JsValue) -> Rc<Settings> {
    let settings = Rc::new(env::settings(env));
    let mistakes = settings.mistakes();
    if !mistakes.is_empty() {
        js::console_log(&format!("larder: the configuration is invalid, so every request passes:\n{mistakes}"));
    }
    settings
}
