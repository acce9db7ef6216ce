//! The order of things: one request in ten steps, from its head to the work that is left when it is answered.
//!
//! Decisions are made in [`crate::cache`], [`crate::forward`] and [`crate::policy`]; effects are in [`ports`]. Nothing here
//! knows HTTP caching, and nothing here knows the runtime.

pub mod admin;
mod admission;
mod admit;
mod answer;
mod assembly;
mod budget;
mod cells;
mod collapse;
mod complete;
mod deferred;
mod exchange;
mod fill;
mod find;
mod flights;
mod handle;
mod isolate;
mod ledger;
mod memcached;
mod pass;
pub mod ports;
mod post;
mod redis;
mod report;
mod settings;
mod shielded;
mod tiers;
mod within;

use std::cell::Cell;
use std::rc::Rc;

pub use answer::Response;
pub use assembly::Assembly;
pub use deferred::Deferred;
pub use handle::{Arrival, Outcome};
pub use isolate::{Isolate, Room};
pub use report::Report;
pub use settings::{Configured, Secrets, Settings};
pub use within::within;

use crate::policy::Config;
use flights::Landings;
use ports::Ports;

/// A deployment in an isolate, ready to handle requests.
pub struct Engine<P: Ports> {
    ports: Rc<P>,
    settings: Rc<Settings>,
    isolate: Rc<Isolate<P>>,
    /// What this request has to tell other isolates.
    landings: Landings<P>,
    /// How often this request asked others: origins, stores, objects.
    spent: Rc<Cell<u32>>,
}

impl<P: Ports> Clone for Engine<P> {
    fn clone(&self) -> Self {
        let (ports, settings) = (self.ports.clone(), self.settings.clone());
        let (landings, spent) = (self.landings.clone(), self.spent.clone());
        Self { ports, settings, isolate: self.isolate.clone(), landings, spent }
    }
}

impl<P: Ports> Engine<P> {
    /// An engine for one request: `ports` may belong to it, the rest is the isolate's.
    #[must_use]
    pub fn new(ports: Rc<P>, settings: Rc<Settings>, isolate: Rc<Isolate<P>>) -> Self {
        Self { ports, settings, isolate, landings: Rc::default(), spent: Rc::default() }
    }

    /// The configuration, if it can be used.
    fn config(&self) -> Option<&Config> {
        match &self.settings.state {
            Configured::Ready(config) => Some(config),
            Configured::Broken { .. } => None,
        }
    }

    /// Notes that others are asked once more.
    fn spend(&self) {
        self.spent.set(self.spent.get() + 1);
    }
}
