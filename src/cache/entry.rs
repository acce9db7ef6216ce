//! A stored response.

use http::{HeaderMap, HeaderName, StatusCode};

use super::age::{Fetched, current_age};
use super::freshness::{StaleWindows, lifetime, with_jitter};
use super::terms::Terms;
use crate::blob::Blob;
use crate::digest::Digest;
use crate::fields::{Seconds, Timestamp};
use crate::key::CacheKey;
use crate::name::Name;
use crate::policy::Policy;

/// What was known of purges before the origin was asked: an entry is purged by a record with a larger number, and lost
/// with the ledger it was numbered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The last number of the isolate's own: what it sees itself counts before the ledger says so.
    pub own: u64,
    /// Which ledger.
    pub incarnation: u64,
    /// Its last number.
    pub sequence: u64,
}

/// What a body is known by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BodyFacts {
    /// In bytes.
    pub length: u64,
    /// Whether they are still those that came.
    pub checksum: u64,
    /// SHA-256, if the response came without a validator: its entity tag.
    pub digest: Option<Digest>,
}

/// A request field that an answer depended on, and what the origin saw of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selecting {
    /// The field, from `Vary`.
    pub name: HeaderName,
    /// Its value, normalised; `None` if it was absent.
    pub value: Option<String>,
}

/// Everything about a stored response but its body.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Where it belongs; found elsewhere, it is not used.
    pub key: CacheKey,
    /// As the origin gave it.
    pub status: StatusCode,
    /// The fields to serve.
    pub headers: HeaderMap,
    /// When it was fetched or last validated.
    pub fetched: Fetched,
    /// How old it was then.
    pub initial_age: Seconds,
    /// On what terms.
    pub terms: Terms,
    /// The draw for jitter, from 0 to 1.
    pub draw: f32,
    /// The request fields it was selected by, sorted.
    pub selecting: Vec<Selecting>,
    /// Which generation of variants it belongs to: those of a purged or replaced one are not found again.
    pub generation: u64,
    /// What was known of purges.
    pub stamp: Stamp,
    /// The rules for sharing that it was stored under.
    pub fingerprint: u64,
    /// What it can be purged by, beside its URL and its host.
    pub names: Vec<Name>,
    /// Of the body as it is stored.
    pub body: BodyFacts,
}

impl Head {
    /// How old it is.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Seconds {
        current_age(self.initial_age, self.fetched.received, now)
    }

    /// How long it is fresh, all told. Zero if today's policy gives it no lifetime.
    #[must_use]
    pub fn lifetime(&self, policy: &Policy) -> Seconds {
        with_jitter(lifetime(&self.terms, self.status, policy).unwrap_or_default(), self.draw, policy)
    }

    /// The lifetime left, in seconds; negative once it is stale.
    #[must_use]
    pub fn ttl(&self, policy: &Policy, now: Timestamp) -> i64 {
        i64::from(self.lifetime(policy).get()) - i64::from(self.age(now).get())
    }

    /// Whether it is fresh or inside a stale window, so that an error must not take its place.
    #[must_use]
    pub fn is_of_use(&self, policy: &Policy, now: Timestamp) -> bool {
        self.age(now) < self.lifetime(policy) + StaleWindows::of(&self.terms, policy).longest()
    }

    /// How long a store should keep it: its lifetime and its stale windows, less the age it came with. One that can be
    /// validated is worth keeping a while longer.
    #[must_use]
    pub fn physical_life(&self, policy: &Policy) -> Seconds {
        const FOR_VALIDATION: Seconds = Seconds::new(3600);
        let useful = self.lifetime(policy) + StaleWindows::of(&self.terms, policy).longest() - self.initial_age;
        if super::validation::has_validator(&self.headers) { useful + FOR_VALIDATION } else { useful }
    }
}

/// A stored response, its body in whatever form the store keeps bodies.
#[derive(Debug, Clone)]
pub struct Entry<B> {
    /// Everything else.
    pub head: Head,
    /// The body.
    pub body: B,
}

impl<B: Blob> Entry<B> {
    /// Whether the body is the one that came.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.body.checksum() == self.head.body.checksum
    }
}
