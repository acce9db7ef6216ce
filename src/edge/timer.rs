//! Waiting, without leaving timers behind.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use wasm_bindgen::prelude::*;

use super::js;

/// Comes back after `duration`; dropped before that, it cancels its timer.
pub(super) fn sleep(duration: Duration) -> impl Future<Output = ()> {
    let mut timer = None;
    poll_fn(move |context| {
        let timer = timer.get_or_insert_with(|| Timer::start(duration));
        let mut state = timer.state.borrow_mut();
        if state.rung {
            return Poll::Ready(());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    })
}

#[derive(Default)]
struct State {
    rung: bool,
    waker: Option<Waker>,
}

struct Timer {
    state: Rc<RefCell<State>>,
    id: JsValue,
    _callback: Closure<dyn FnMut()>,
}

impl Timer {
    fn start(duration: Duration) -> Self {
        let state = Rc::new(RefCell::new(State::default()));
        let shared = state.clone();
        let callback = Closure::new(move || {
            let mut state = shared.borrow_mut();
            state.rung = true;
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
        });
        let id = js::set_timeout(callback.as_ref().unchecked_ref(), duration.as_millis() as f64);
        Self { state, id, _callback: callback }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        js::clear_timeout(&self.id);
    }
}
