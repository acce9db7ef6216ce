//! The runtime: adapters, and the entry point. No decision about HTTP is made here.

mod arrival;
mod blob;
mod body;
mod cells;
mod env;
mod js;
mod ledger;
mod objects;
mod origin;
mod ports;
mod response;
mod shield;
mod socket;
mod sql;
mod stores;
mod timer;
#[cfg(feature = "trial")]
mod trial;
mod zone;

use std::cell::OnceCell;
use std::rc::Rc;

use futures_util::FutureExt;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use web_sys::Request;
use worker::Context;
use worker::worker_sys::Context as JsContext;

use crate::engine::{Engine, Isolate, Settings};
use ports::Edge;
use stores::Stores;

thread_local! {
    /// The bindings and the settings, which are those of the deployment.
    static DEPLOYED: OnceCell<(Rc<Edge>, Rc<Settings>)> = const { OnceCell::new() };
    static ISOLATE: Rc<Isolate<Edge>> = Rc::default();
}

/// Every request: a response if nothing has to be waited for, as with a page in memory, otherwise the promise of one. What waits is
/// finished even if its client goes away: dropped halfway it would leak what it holds.
#[wasm_bindgen]
#[expect(unreachable_pub, reason = "what is public is exported")]
pub fn fetch(request: Request, env: JsValue, context: JsContext) -> Result<JsValue, JsValue> {
    let later: JsContext = context.clone().unchecked_into();
    let mut answering = Box::pin(answer(request, env, Context::new(context)));
    if let Some(answer) = answering.as_mut().now_or_never() {
        return answer;
    }
    let promise = future_to_promise(answering);
    later.wait_until(&promise)?;
    Ok(promise.into())
}

async fn answer(request: Request, env: JsValue, context: Context) -> Result<JsValue, JsValue> {
    let (ports, settings) = DEPLOYED.with(|cell| cell.get_or_init(|| deployed(&env)).clone());
    let engine = Engine::new(ports, settings, ISOLATE.with(Rc::clone));
    let Some(arrival) = arrival::arrival(&request) else {
        let refused = js::json_parse(r#"{"status":400,"headers":{"cache-control":"no-store"}}"#)?;
        return Ok(js::JsResponse::new(&"Bad request\n".into(), &refused)?.into());
    };
    #[cfg(feature = "trial")]
    let trial = trial::Trial::of(&request, arrival.again);
    #[cfg(feature = "trial")]
    trial.at("at-first");
    let outcome = engine.handle(arrival).await;
    #[cfg(feature = "trial")]
    trial.at("answered");
    for deferred in outcome.deferred {
        let engine = engine.clone();
        #[cfg(feature = "trial")]
        let trial = trial.clone();
        context.wait_until(async move {
            #[cfg(feature = "trial")]
            trial.at("later");
            engine.run(deferred).await;
        });
    }
    response::response(outcome.response)
}

/// Once per isolate; mistakes are said once.
fn deployed(env: &JsValue) -> (Rc<Edge>, Rc<Settings>) {
    let settings = env::settings(env);
    let mistakes = settings.mistakes();
    if !mistakes.is_empty() {
        js::console_log(&format!("larder: the configuration is invalid, so every request passes:\n{mistakes}"));
    }
    let objects = |name| env::objects(env, name);
    let edge =
        Edge { stores: Stores::of(env), shield: objects("SHIELD"), ledger: objects("LEDGER"), cells: objects("CELLS") };
    (Rc::new(edge), Rc::new(settings))
}
