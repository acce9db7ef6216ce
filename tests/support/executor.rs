//! Runs futures against a virtual clock: when nobody can go on, time does.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// The clock, and everything that waits for it.
#[derive(Clone, Default)]
pub struct Executor(Rc<Inner>);

#[derive(Default)]
struct Inner {
    millis: Cell<u64>,
    timers: RefCell<Vec<u64>>,
    tasks: RefCell<Vec<Task>>,
    /// Grows with everything that could let somebody go on.
    events: Cell<u64>,
}

impl Executor {
    pub fn at(millis: u64) -> Self {
        let executor = Self::default();
        executor.0.millis.set(millis);
        executor
    }

    pub fn now(&self) -> u64 {
        self.0.millis.get()
    }

    pub fn advance(&self, by: Duration) {
        self.0.millis.set(self.now() + by.as_millis() as u64);
    }

    /// Something happened that others may be waiting for.
    pub fn happened(&self) {
        self.0.events.set(self.0.events.get() + 1);
    }

    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.0.tasks.borrow_mut().push(Box::pin(task));
        self.happened();
    }

    pub fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + use<> {
        let executor = self.clone();
        let due = self.now() + duration.as_millis() as u64;
        self.0.timers.borrow_mut().push(due);
        std::future::poll_fn(move |_| if executor.now() >= due { Poll::Ready(()) } else { Poll::Pending })
    }

    /// Runs `future` to its end, and the tasks beside it as far as they come meanwhile.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = Box::pin(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let before = self.0.events.get();
            if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
                return result;
            }
            self.poll_tasks(&mut context);
            if self.0.events.get() == before && !self.next_timer() {
                panic!("everybody waits, and for nothing");
            }
        }
    }

    /// Runs the tasks until none is left, or only such as wait for something outside.
    pub fn settle(&self) {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let before = self.0.events.get();
            self.poll_tasks(&mut context);
            if self.0.tasks.borrow().is_empty() || (self.0.events.get() == before && !self.next_timer()) {
                return;
            }
        }
    }

    fn poll_tasks(&self, context: &mut Context) {
        let mut tasks = std::mem::take(&mut *self.0.tasks.borrow_mut());
        tasks.retain_mut(|task| {
            let ready = task.as_mut().poll(context).is_ready();
            if ready {
                self.happened();
            }
            !ready
        });
        self.0.tasks.borrow_mut().append(&mut tasks);
    }

    /// Moves on to the next timer; `false` if there is none.
    fn next_timer(&self) -> bool {
        let mut timers = self.0.timers.borrow_mut();
        timers.retain(|due| *due > self.now());
        let Some(next) = timers.iter().min().copied() else { return false };
        self.0.millis.set(next);
        true
    }
}
