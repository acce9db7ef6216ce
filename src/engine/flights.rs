//! Fetches under way in this isolate: one request leads, the others wait for what it brings.
//!
//! Between requests only plain data and a signal are shared; nobody touches what belongs to another request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::ports::{FetchError, Ports};
use crate::cache::Entry;
use crate::key::CacheKey;
use crate::reason::Reason;

/// By which clock an entry says when it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// By this isolate's.
    Own,
    /// By another one, for all that is known.
    Another,
}

/// What a leader has to say to those who waited.
pub(super) enum Verdict<B> {
    /// It was stored: whoever finds that it answers their request may use it.
    Stored(Rc<Entry<B>>, Clock),
    /// It is nobody else's: ask for yourselves.
    NotShared(Reason),
    /// The origin did not answer, or answered with an error of its own.
    Failed(Option<FetchError>),
}

impl<B> Clone for Verdict<B> {
    fn clone(&self) -> Self {
        match self {
            Self::Stored(entry, clock) => Self::Stored(entry.clone(), *clock),
            Self::NotShared(reason) => Self::NotShared(*reason),
            Self::Failed(error) => Self::Failed(*error),
        }
    }
}

/// The fetches under way.
pub(super) struct Flights<P: Ports>(RefCell<HashMap<CacheKey, Rc<Flight<P>>>>);

struct Flight<P: Ports> {
    landed: P::Signal,
    verdict: RefCell<Option<Verdict<P::Blob>>>,
}

/// What a request is to do.
pub(super) enum Role<P: Ports> {
    /// Fetch, and report.
    Lead(Lead<P>),
    /// Wait.
    Follow(Follow<P>),
    /// Too many wait already.
    Crowded,
}

/// So many requests may wait for one: each takes memory.
const MAX_WAITING: usize = 4096;

impl<P: Ports> Default for Flights<P> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<P: Ports> Flights<P> {
    /// Joins the fetch for `key`, or begins one.
    pub(super) fn join(self: &Rc<Self>, ports: &Rc<P>, key: CacheKey) -> Role<P> {
        let mut flights = self.0.borrow_mut();
        if let Some(flight) = flights.get(&key) {
            if Rc::strong_count(flight) > MAX_WAITING {
                return Role::Crowded;
            }
            return Role::Follow(Follow { flights: self.clone(), ports: ports.clone(), key, flight: flight.clone() });
        }
        let flight = Rc::new(Flight { landed: ports.signal(), verdict: RefCell::new(None) });
        flights.insert(key, flight.clone());
        Role::Lead(Lead { flights: self.clone(), ports: ports.clone(), key, flight, lease: None })
    }

    /// Removes `flight` if it is still the one for `key`.
    fn remove(&self, key: &CacheKey, flight: &Rc<Flight<P>>) {
        let mut flights = self.0.borrow_mut();
        if flights.get(key).is_some_and(|current| Rc::ptr_eq(current, flight)) {
            flights.remove(key);
        }
    }
}

/// The duty to report. Dropped without a report it sends the others on alone.
pub(super) struct Lead<P: Ports> {
    flights: Rc<Flights<P>>,
    ports: Rc<P>,
    key: CacheKey,
    flight: Rc<Flight<P>>,
    lease: Option<Lease<P>>,
}

/// The same duty towards other isolates.
struct Lease<P: Ports> {
    token: u64,
    landings: Landings<P>,
}

/// What other isolates are still to be told.
pub(super) type Landings<P> = Rc<RefCell<Vec<Landing<P>>>>;

/// What became of a fetch that other isolates may wait for.
pub(super) struct Landing<P: Ports> {
    pub key: CacheKey,
    pub token: u64,
    /// `None` if the one that fetched is gone without a word.
    pub verdict: Option<Verdict<P::Blob>>,
}

impl<P: Ports> Lead<P> {
    /// The same, for other isolates too.
    pub(super) fn with_lease(mut self, token: u64, landings: Landings<P>) -> Self {
        self.lease = Some(Lease { token, landings });
        self
    }

    /// Tells the others. The next request begins a fetch of its own.
    pub(super) fn land(self, verdict: Verdict<P::Blob>) {
        *self.flight.verdict.borrow_mut() = Some(verdict);
    }
}

impl<P: Ports> Drop for Lead<P> {
    fn drop(&mut self) {
        if let Some(Lease { token, landings }) = self.lease.take() {
            let verdict = self.flight.verdict.borrow().clone();
            landings.borrow_mut().push(Landing { key: self.key, token, verdict });
        }
        // First out of the map, then the signal: who wakes up must not find it there.
        self.flights.remove(&self.key, &self.flight);
        self.ports.raise(&self.flight.landed);
    }
}

/// The wait for a leader.
pub(super) struct Follow<P: Ports> {
    flights: Rc<Flights<P>>,
    ports: Rc<P>,
    key: CacheKey,
    flight: Rc<Flight<P>>,
}

impl<P: Ports> Follow<P> {
    /// What the leader brought; `None` if it is gone without a word, and somebody else has to lead.
    pub(super) async fn verdict(self) -> Option<Verdict<P::Blob>> {
        if self.ports.wait(self.flight.landed.clone()).await.is_err() {
            self.flights.remove(&self.key, &self.flight);
        }
        self.flight.verdict.borrow().clone()
    }
}
