//! Work that is left when a request is answered: data until somebody runs it.

use std::rc::Rc;

use super::Engine;
use super::admit::{as_stored, not_replaced};
use super::exchange::{Exchanged, duration};
use super::flights::{Lead, Role, Verdict};
use super::ports::{Body, BodyLimits, CollectError, Ports};
use super::settings::Configured;
use crate::blob::Blob as _;
use crate::cache::reuse::Reuse;
use crate::cache::storability::{Admission, storability};
use crate::cache::variant::{answers, same_fields, variant_key};
use crate::cache::{BodyFacts, Entry, Fetched, Head, Stamp};
use crate::fields::Timestamp;
use crate::forward::Lookup;
use crate::key::CacheKey;
use crate::message::RequestHead;
use crate::policy::{Policy, Tier};
use crate::reason::Reason;

/// A piece of work.
pub enum Deferred<P: Ports> {
    /// Read the rest of a body and store it.
    Store(Box<Storing<P>>),
    /// Write an entry to tiers that do not have it.
    Write(Writing<P>),
    /// Refresh a stale entry that was served.
    Refresh(Box<Refreshing<P>>),
    /// Remove what must not be found again.
    Remove(Removing),
}

/// A response that is being stored while the client reads it.
pub struct Storing<P: Ports> {
    pub(super) body: Body<P>,
    pub(super) plan: StorePlan<P>,
    pub(super) lead: Option<Lead<P>>,
}

/// Everything about a response to store but its body.
pub(super) struct StorePlan<P: Ports> {
    pub key: CacheKey,
    pub status: http::StatusCode,
    pub admission: Admission,
    pub fetched: Fetched,
    pub stamp: Stamp,
    pub policy: Rc<Policy>,
    /// What the URL's own slot held.
    pub primary: Option<Rc<Entry<P::Blob>>>,
    pub sent: http::HeaderMap,
}

/// An entry for tiers that do not have it.
pub struct Writing<P: Ports> {
    pub(super) entry: Rc<Entry<P::Blob>>,
    pub(super) policy: Rc<Policy>,
    /// All of the alias's if there are none.
    pub(super) tiers: Vec<Tier>,
}

/// A stale entry to refresh.
pub struct Refreshing<P: Ports> {
    pub(super) request: RequestHead,
    pub(super) lookup: Lookup,
    pub(super) policy: Rc<Policy>,
    pub(super) entry: Rc<Entry<P::Blob>>,
    pub(super) primary: Option<Rc<Entry<P::Blob>>>,
}

/// Slots to empty.
pub struct Removing {
    pub(super) keys: Vec<CacheKey>,
    pub(super) policy: Rc<Policy>,
}

impl<P: Ports> Engine<P> {
    /// Does the work.
    pub async fn run(&self, deferred: Deferred<P>) {
        match deferred {
            Deferred::Store(storing) => self.store(*storing).await,
            Deferred::Write(writing) => self.write(writing).await,
            Deferred::Refresh(refreshing) => self.refresh(*refreshing).await,
            Deferred::Remove(removing) => self.remove(&removing).await,
        }
    }

    /// Reads the body to its end, lands the flight, writes all tiers.
    async fn store(&self, storing: Storing<P>) {
        let Storing { body, plan, lead } = storing;
        let (key, policy) = (plan.key, plan.policy.clone());
        match self.collect(body, plan).await {
            Ok(entry) => {
                let entry = Rc::new(entry);
                self.isolate.forget_unshareable(&key);
                // In memory before anyone who waited looks.
                if self.has_memory(&policy) {
                    self.isolate.memory.borrow_mut().insert(entry.clone());
                }
                if let Some(lead) = lead {
                    lead.land(Verdict::Stored(entry.clone()));
                }
                self.write(Writing { entry, policy, tiers: Vec::new() }).await;
            }
            Err(reason) => {
                self.isolate.remember_unshareable(key, reason, self.ports.now());
                if let Some(lead) = lead {
                    lead.land(Verdict::NotShared(reason));
                }
            }
        }
    }

    /// The entry that a response becomes once its body is here.
    async fn collect(&self, body: Body<P>, plan: StorePlan<P>) -> Result<Entry<P::Blob>, Reason> {
        let body = match body {
            Body::Empty => P::Blob::from_bytes(bytes::Bytes::new()),
            Body::Blob(blob) => blob,
            Body::Stream(stream) => {
                let idle = duration(plan.policy.idle_timeout);
                // Work after the answer has half a minute; the writes come after this.
                let total = std::time::Duration::from_secs(25);
                let limits = BodyLimits { room: self.isolate.room(plan.policy.max_body.0), idle, total };
                self.ports.collect(stream, limits).await.map_err(|error| match error {
                    CollectError::TooLarge => Reason::TooLarge,
                    CollectError::Truncated => Reason::Truncated,
                })?
            }
        };
        let facts = BodyFacts { length: body.len() as u64, digest: self.ports.digest(&body).await };
        let (key, generation) = self.choose_slot(&plan)?;
        let draw = self.ports.draw() as f32;
        let StorePlan { status, admission, fetched, stamp, policy, .. } = plan;
        let Admission { terms, initial_age, headers, selecting, tags, identities } = admission;
        let fingerprint = policy.fingerprint;
        let head = Head {
            key,
            status,
            headers,
            fetched,
            initial_age,
            terms,
            draw,
            selecting,
            generation,
            stamp,
            fingerprint,
            tags,
            identities,
            body: facts,
        };
        Ok(Entry { head, body })
    }

    /// Where it goes: into the URL's own slot, unless that holds another variant chosen by the same fields.
    fn choose_slot(&self, plan: &StorePlan<P>) -> Result<(CacheKey, u64), Reason> {
        let selecting = &plan.admission.selecting;
        let siblings = plan.primary.as_ref().filter(|primary| {
            primary.head.key == plan.key
                && primary.head.fingerprint == plan.policy.fingerprint
                && same_fields(&primary.head.selecting, selecting)
        });
        match siblings {
            Some(primary) if answers(&primary.head, &plan.sent) => Ok((plan.key, primary.head.generation)),
            Some(primary) => {
                let generation = primary.head.generation;
                let variant = variant_key(plan.key, generation, selecting);
                self.isolate
                    .admits_variant(plan.key, variant)
                    .then_some((variant, generation))
                    .ok_or(Reason::VariantLimit)
            }
            None => Ok((plan.key, (self.ports.draw() * 2f64.powi(53)) as u64)),
        }
    }

    fn has_memory(&self, policy: &Policy) -> bool {
        let Configured::Ready(config) = &self.settings.state else { return false };
        self.tiers(config, policy).1.contains(&Tier::Memory)
    }

    async fn write(&self, writing: Writing<P>) {
        let Configured::Ready(config) = &self.settings.state else { return };
        let (alias, all) = self.tiers(config, &writing.policy);
        let tiers = if writing.tiers.is_empty() { &all } else { &writing.tiers };
        self.write_tiers(alias, tiers, &writing.entry, &writing.policy).await;
    }

    async fn remove(&self, removing: &Removing) {
        let Configured::Ready(config) = &self.settings.state else { return };
        let (alias, tiers) = self.tiers(config, &removing.policy);
        for key in &removing.keys {
            self.remove_slot(alias, &tiers, *key).await;
        }
    }

    /// Fetches what was served stale. If somebody is at it already, there is nothing to do.
    async fn refresh(&self, refreshing: Refreshing<P>) {
        let Refreshing { request, lookup, policy, entry, primary } = refreshing;
        let Role::Lead(lead) = self.isolate.flights.join(&self.ports, lookup.key) else { return };
        let now = self.ports.now();
        let stamp = self.stamp(now);
        let exchange = self.exchange(&request, &lookup, &policy, Some(&entry)).await;
        match exchange.result {
            Exchanged::NotModified { head, body } => {
                let entry = Rc::new(Entry { head: Head { stamp, draw: self.ports.draw() as f32, ..*head }, body });
                lead.land(Verdict::Stored(entry.clone()));
                self.write(Writing { entry, policy, tiers: Vec::new() }).await;
            }
            Exchanged::Response(response) => {
                let admission = storability(&lookup, false, &as_stored(&response.head), &policy, exchange.fetched)
                    .and_then(|admission| not_replaced(admission, &response.head, &entry, &policy, now));
                let Ok(admission) = admission else { return };
                let plan = StorePlan {
                    key: lookup.key,
                    status: response.head.status,
                    admission,
                    fetched: exchange.fetched,
                    stamp,
                    policy,
                    primary,
                    sent: lookup.headers,
                };
                self.store(Storing { body: response.body, plan, lead: Some(lead) }).await;
            }
            Exchanged::Failed(_) => {}
        }
    }

    /// What is known of purges now.
    pub(super) fn stamp(&self, now: Timestamp) -> Stamp {
        self.isolate.purges.borrow_mut().stamp(now)
    }
}

/// The tiers a served entry is missing from.
pub(super) fn backfill<P: Ports>(
    entry: &Rc<Entry<P::Blob>>,
    reuse: Reuse,
    policy: &Rc<Policy>,
    tiers: Vec<Tier>,
) -> Option<Deferred<P>> {
    let usable = matches!(reuse, Reuse::Fresh { .. });
    (usable && !tiers.is_empty())
        .then(|| Deferred::Write(Writing { entry: entry.clone(), policy: policy.clone(), tiers }))
}
