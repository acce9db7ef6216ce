//! Runs many tasks against one virtual clock, in an order that chance decides; any of them can be stopped at any moment.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::chance::Chance;

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// A task; the number of one that has ended is not given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct TaskId(u64);

/// The clock, and everything that waits for it. Nobody needs a waker: what a task waits for knows the task.
pub struct Clockwork {
    now: Cell<u64>,
    /// Without those that have ended at the front.
    tasks: RefCell<std::collections::VecDeque<Option<Task>>>,
    first: Cell<u64>,
    ready: RefCell<Vec<TaskId>>,
    timers: RefCell<BinaryHeap<Reverse<(u64, TaskId)>>>,
    current: Cell<TaskId>,
    /// Tasks whose world has ended around them: never polled again, and not dropped before the end either.
    lost: RefCell<Vec<Task>>,
    polls: Cell<u64>,
}

/// More polls than this without a step of the clock: somebody goes round in circles.
const CIRCLES: u64 = 100_000;

impl Clockwork {
    pub fn at(millis: u64) -> Self {
        Self {
            now: Cell::new(millis),
            tasks: RefCell::default(),
            first: Cell::new(0),
            ready: RefCell::default(),
            timers: RefCell::default(),
            current: Cell::default(),
            lost: RefCell::default(),
            polls: Cell::new(0),
        }
    }

    pub fn now(&self) -> u64 {
        self.now.get()
    }

    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) -> TaskId {
        let mut tasks = self.tasks.borrow_mut();
        let id = TaskId(self.first.get() + tasks.len() as u64);
        tasks.push_back(Some(Box::pin(task)));
        self.ready.borrow_mut().push(id);
        id
    }

    /// The task that is running.
    pub fn current(&self) -> TaskId {
        self.current.get()
    }

    pub fn wake(&self, task: TaskId) {
        self.ready.borrow_mut().push(task);
    }

    /// Comes back at `due`.
    pub fn until(&self, due: u64) -> impl Future<Output = ()> + '_ {
        let mut is_set = false;
        poll_fn(move |_| {
            if self.now() >= due {
                return Poll::Ready(());
            }
            if !is_set {
                is_set = true;
                self.timers.borrow_mut().push(Reverse((due, self.current())));
            }
            Poll::Pending
        })
    }

    pub async fn pause(&self, millis: u64) {
        if millis > 0 {
            self.until(self.now() + millis).await;
        }
    }

    fn take(&self, task: TaskId) -> Option<Task> {
        let at = task.0.checked_sub(self.first.get())?;
        self.tasks.borrow_mut().get_mut(at as usize)?.take()
    }

    /// Stops a task: what it holds is dropped.
    pub fn stop(&self, task: TaskId) {
        drop(self.take(task));
    }

    /// Stops a task as the runtime does when a request's world ends: what it holds stays held for ever.
    pub fn lose(&self, task: TaskId) {
        self.lost.borrow_mut().extend(self.take(task));
    }

    /// Runs until the clock shows `end`. `false` if the tasks go round in circles.
    #[must_use]
    pub fn run_until(&self, end: u64, chance: &Chance) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            self.polls.set(0);
            while let Some(id) = self.next_ready(chance) {
                let Some(mut task) = self.take(id) else { continue };
                self.current.set(id);
                if task.as_mut().poll(&mut context).is_pending() {
                    let at = (id.0 - self.first.get()) as usize;
                    self.tasks.borrow_mut()[at] = Some(task);
                }
                self.polls.set(self.polls.get() + 1);
                if self.polls.get() > CIRCLES {
                    return false;
                }
            }
            self.forget_ended();
            if !self.next_moment(end) {
                self.now.set(self.now().max(end));
                return true;
            }
        }
    }

    /// Moves on to the next moment that somebody waits for; `false` if that is after `end`.
    fn next_moment(&self, end: u64) -> bool {
        let mut timers = self.timers.borrow_mut();
        let Some(moment) = timers.peek().map(|Reverse((due, _))| *due).filter(|due| *due <= end) else { return false };
        self.now.set(self.now().max(moment));
        while let Some(Reverse((due, task))) = timers.peek().copied() {
            if due > moment {
                break;
            }
            timers.pop();
            self.ready.borrow_mut().push(task);
        }
        true
    }

    fn next_ready(&self, chance: &Chance) -> Option<TaskId> {
        let mut ready = self.ready.borrow_mut();
        match ready.len() {
            0 => None,
            1 => ready.pop(),
            some => Some(ready.swap_remove(chance.below(some as u64) as usize)),
        }
    }

    fn forget_ended(&self) {
        let mut tasks = self.tasks.borrow_mut();
        while matches!(tasks.front(), Some(None)) {
            tasks.pop_front();
            self.first.set(self.first.get() + 1);
        }
    }

    /// Drops everything, so that nothing holds on to a world that is over.
    pub fn close(&self) {
        loop {
            let (tasks, lost) = (self.tasks.take(), self.lost.take());
            if tasks.is_empty() && lost.is_empty() {
                return;
            }
            self.first.set(self.first.get() + tasks.len() as u64);
        }
    }
}
