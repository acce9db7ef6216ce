//! Work that is left when a request is answered: data until somebody runs it.

use std::rc::Rc;

use http::{HeaderMap, StatusCode};

use super::Engine;
use super::admit::{as_stored, not_replaced};
use super::assembly::Assembly;
use super::exchange::{Basis, Errand, Exchanged, duration};
use super::flights::{Clock, Lead, Role, Verdict};
use super::ports::{Body, BodyLimits, CollectError, Ports};
use super::settings::Configured;
use super::within::within;
use crate::blob::Blob as _;
use crate::cache::partial::Extent;
use crate::cache::reuse::Reuse;
use crate::cache::storability::{Admission, Asked, storability};
use crate::cache::validation::has_validator;
use crate::cache::variant::{answers, same_fields, variant_key};
use crate::cache::{BodyFacts, Entry, Fetched, Head, Stamp};
use crate::fields::Timestamp;
use crate::forward::Lookup;
use crate::key::CacheKey;
use crate::message::{RequestHead, ResponseHead};
use crate::policy::{self, Policy, Tier};
use crate::reason::Reason;
use crate::store::backend;
use crate::url::CanonicalUrl;

/// A refresh ends within this, so that what it brings can still be stored in the time that is left after a response.
const LONGEST_REFRESH: std::time::Duration = std::time::Duration::from_secs(20);

/// A piece of work.
pub enum Deferred<P: Ports> {
    /// Tell other isolates what this request brought.
    Tell,
    /// Read the rest of a body and store it.
    Store(Box<Storing<P>>),
    /// Write an entry to tiers that do not have it.
    Write(Writing<P>),
    /// Offer an entry to the tiers that charge for writes.
    Offer(Writing<P>),
    /// Look what is new in the ledger.
    RefreshIndex,
    /// Refresh an entry that was served.
    Refresh(Box<Refreshing<P>>),
    /// Remove what must not be found again.
    Remove(Removing),
    /// Write the rest of a page.
    Assemble(Box<Assembly<P>>),
}

/// A response that is being stored while the client reads it.
pub struct Storing<P: Ports> {
    pub(super) body: Body<P>,
    pub(super) plan: StorePlan<P>,
    pub(super) lead: Option<Lead<P>>,
}

/// Everything about a response to store but its body.
pub(super) struct StorePlan<P: Ports> {
    pub lookup: Lookup,
    pub status: StatusCode,
    pub admission: Admission,
    pub fetched: Fetched,
    pub stamp: Stamp,
    /// For the answer to a POST, what was known of purges before it.
    pub posted: Option<Stamp>,
    pub policy: Rc<Policy>,
    /// What the URL's own slot held.
    pub primary: Option<Rc<Entry<P::Blob>>>,
    /// A stored part that this may be the rest of.
    pub part: Option<Rc<Entry<P::Blob>>>,
    /// Whether it takes the place of something purged, as many others may at the same time.
    pub after_purge: bool,
}

impl<P: Ports> StorePlan<P> {
    /// What the URL's own slot holds, if it was chosen by the same fields; and the slot for this one, if that is another variant.
    fn sibling(&self) -> Option<(&Entry<P::Blob>, Option<CacheKey>)> {
        let primary = self.primary.as_ref()?;
        let (head, selecting) = (&primary.head, &self.admission.selecting);
        let is_sibling = head.key == self.lookup.key
            && head.fingerprint == self.policy.fingerprint
            && same_fields(&head.selecting, selecting);
        let variant = || variant_key(head.key, head.generation, selecting);
        is_sibling.then(|| (&**primary, (!answers(head, || self.lookup.headers())).then(variant)))
    }
}

/// An entry for tiers that do not have it.
pub struct Writing<P: Ports> {
    pub(super) entry: Rc<Entry<P::Blob>>,
    /// What it is stored for.
    pub(super) url: CanonicalUrl,
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
    /// A tier where that is done already.
    pub(super) but: Option<Tier>,
}

impl<P: Ports> Engine<P> {
    /// Does the work.
    pub async fn run(&self, deferred: Deferred<P>) {
        self.do_work(deferred).await;
        self.tell_landings().await;
    }

    async fn do_work(&self, deferred: Deferred<P>) {
        match deferred {
            Deferred::Tell => {}
            Deferred::RefreshIndex => {
                // What fails is asked for again, and a request waits for it before it is too late.
                let _ = self.refresh_index().await;
            }
            Deferred::Store(storing) => self.store(*storing).await,
            Deferred::Write(writing) => self.write(writing).await,
            Deferred::Offer(offer) => self.take_offer(offer).await,
            Deferred::Refresh(refreshing) => {
                // Whatever it waits for is dropped, the duty to report to those who wait for it too.
                let _ = within(self.ports.sleep(LONGEST_REFRESH), self.refresh(*refreshing)).await;
            }
            Deferred::Remove(removing) => self.remove(&removing).await,
            Deferred::Assemble(assembly) => assembly.run().await,
        }
    }

    /// Reads the body to its end, lands the flight, writes all tiers.
    async fn store(&self, storing: Storing<P>) {
        let Storing { body, plan, lead } = storing;
        let (key, url, policy) = (plan.lookup.key, plan.lookup.url().clone(), plan.policy.clone());
        match self.collect(body, plan).await {
            Ok(entry) => {
                let entry = Rc::new(entry);
                self.isolate.forget_unshareable(&key);
                self.remember_search(&url, &entry.head);
                // In memory before anyone who waited looks.
                if self.has_memory(&policy) && !self.is_purged(&url, &entry) {
                    self.isolate.memory.borrow_mut().insert(entry.clone());
                }
                if let Some(lead) = lead {
                    lead.land(Verdict::Stored(entry.clone(), Clock::Own));
                }
                let write = self.write(Writing { entry, url, policy, tiers: Vec::new() });
                // Others wait for the one, nobody for the other.
                futures_util::future::join(self.tell_landings(), write).await;
            }
            Err(reason) => {
                // What was purged on its way may be stored the next time.
                if reason != Reason::Purged {
                    self.isolate.remember_unshareable(key, reason, self.ports.now());
                }
                if let Some(lead) = lead {
                    lead.land(Verdict::NotShared(reason));
                }
            }
        }
    }

    /// The entry that a response becomes once its body is here.
    async fn collect(&self, body: Body<P>, plan: StorePlan<P>) -> Result<Entry<P::Blob>, Reason> {
        let body = self.read_body(body, &plan.policy).await?;
        let draw = self.draw(plan.after_purge);
        if plan.status == StatusCode::PARTIAL_CONTENT {
            self.check_part(&plan, &body)?;
            if let Some((head, body)) = self.join_stored(&plan, &body).await {
                return Ok(Entry { head: Head { stamp: plan.stamp, draw, ..head }, body });
            }
        }
        let facts = self.facts(&body, &plan.admission.headers).await;
        let (key, generation) = self.choose_slot(&plan)?;
        let StorePlan { status, admission, fetched, stamp, posted, policy, lookup, .. } = plan;
        let Admission { terms, initial_age, headers, selecting, names } = admission;
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
            names,
            body: facts,
        };
        if let Some(before) = posted {
            self.check_overtaken(lookup.url(), &head, before).await?;
        }
        Ok(Entry { head, body })
    }

    /// What the body of a response with these fields is known by.
    pub(super) async fn facts(&self, body: &P::Blob, headers: &HeaderMap) -> BodyFacts {
        let digest = if has_validator(headers) { None } else { Some(self.ports.digest(body).await) };
        BodyFacts { length: body.len() as u64, checksum: body.checksum(), digest }
    }

    /// Its own purge hides no other that came between the origin's answer and it: the answer to a POST is from before that one.
    async fn check_overtaken(&self, url: &CanonicalUrl, head: &Head, before: Stamp) -> Result<(), Reason> {
        let is_known = !self.ports.has_ledger() || self.refresh_index().await.is_ok();
        let overtaken = self.isolate.purges.borrow().purged_otherwise(url, head, before);
        if is_known && !overtaken { Ok(()) } else { Err(Reason::Purged) }
    }

    /// All of a body, within the limits of the route.
    pub(super) async fn read_body(&self, body: Body<P>, policy: &Policy) -> Result<P::Blob, Reason> {
        match body {
            Body::Empty => Ok(P::Blob::from_bytes(bytes::Bytes::new())),
            Body::Blob(blob) => Ok(blob),
            Body::Stream(stream) => {
                let idle = duration(policy.idle_timeout);
                // Work after the answer has half a minute; the writes come after this.
                let total = std::time::Duration::from_secs(25);
                let limits = BodyLimits { room: self.isolate.room(policy.max_body.0), idle, total };
                self.ports.collect(stream, limits).await.map_err(|error| match error {
                    CollectError::TooLarge => Reason::TooLarge,
                    CollectError::Truncated => Reason::Truncated,
                })
            }
        }
    }

    /// A part is as long as it says, and does not take the place of a whole that came while it was read.
    fn check_part(&self, plan: &StorePlan<P>, body: &P::Blob) -> Result<(), Reason> {
        let length = Extent::of_part(&plan.admission.headers).map(|extent| extent.length());
        if length != Some(body.len() as u64) {
            return Err(Reason::Truncated);
        }
        let nearby = self.isolate.memory.borrow().get(&plan.lookup.key);
        let is_whole = |entry: &Entry<P::Blob>| entry.head.status != StatusCode::PARTIAL_CONTENT;
        let is_newer = |entry: &Entry<P::Blob>| entry.head.fetched.received >= plan.fetched.requested;
        if nearby.is_some_and(|entry| is_whole(&entry) && is_newer(&entry)) {
            return Err(Reason::NotReplaced);
        }
        Ok(())
    }

    /// The part that just came and the one that was stored, as one.
    async fn join_stored(&self, plan: &StorePlan<P>, body: &P::Blob) -> Option<(Head, P::Blob)> {
        let response = ResponseHead { status: plan.status, headers: plan.admission.headers.clone() };
        let asked = Asked { lookup: &plan.lookup, no_store: false, policy: &plan.policy, fetched: plan.fetched };
        let (revision, body) = self.join_to(plan.part.as_ref()?, &response, body, asked).await?;
        revision.stored.is_ok().then_some((revision.head, body))
    }

    /// Where it goes: into the URL's own slot, unless that holds another variant chosen by the same fields.
    fn choose_slot(&self, plan: &StorePlan<P>) -> Result<(CacheKey, u64), Reason> {
        match plan.sibling() {
            Some((primary, None)) => Ok((plan.lookup.key, primary.head.generation)),
            Some((primary, Some(variant))) => self.check_variant(plan).map(|()| (variant, primary.head.generation)),
            None => Ok((plan.lookup.key, (self.ports.draw() * 2f64.powi(53)) as u64)),
        }
    }

    /// Whether there is room for one more variant, if it is one.
    pub(super) fn check_variant(&self, plan: &StorePlan<P>) -> Result<(), Reason> {
        match plan.sibling() {
            Some((_, Some(variant))) if !self.isolate.admits_variant(plan.lookup.key, variant) => {
                Err(Reason::VariantLimit)
            }
            _ => Ok(()),
        }
    }

    fn has_memory(&self, policy: &Policy) -> bool {
        let Configured::Ready(config) = &self.settings.state else { return false };
        self.tiers(config, policy).1.contains(&Tier::Memory)
    }

    async fn write(&self, writing: Writing<P>) {
        let Configured::Ready(config) = &self.settings.state else { return };
        let (alias, all) = self.tiers(config, &writing.policy);
        let is_backfill = !writing.tiers.is_empty();
        // What is late takes the place of nothing that came after a purge, nor of anything younger than what was found far away.
        if self.is_purged(&writing.url, &writing.entry) || (is_backfill && self.has_younger(&writing.entry)) {
            return;
        }
        let mut tiers = if is_backfill { writing.tiers } else { all };
        if writing.policy.admission == policy::Admission::SecondHit {
            tiers.retain(|tier| !backend(*tier).charges);
        }
        self.write_tiers(alias, &tiers, &writing.entry, &writing.policy).await;
    }

    /// Whether something younger was stored here while the entry was looked up far away.
    fn has_younger(&self, entry: &Entry<P::Blob>) -> bool {
        let nearby = self.isolate.memory.borrow().get(&entry.head.key);
        nearby.is_some_and(|nearby| nearby.head.fetched.received > entry.head.fetched.received)
    }

    async fn remove(&self, removing: &Removing) {
        let Configured::Ready(config) = &self.settings.state else { return };
        let (alias, mut tiers) = self.tiers(config, &removing.policy);
        tiers.retain(|tier| removing.but != Some(*tier));
        // What stays is not used any more: the ledger says so.
        let _ = self.remove_slots(alias, &tiers, &removing.keys).await;
    }

    /// Fetches what was served stale. If somebody is at it already, there is nothing to do.
    async fn refresh(&self, refreshing: Refreshing<P>) {
        let Refreshing { request, lookup, policy, entry, primary } = refreshing;
        let Role::Lead(lead) = self.isolate.flights.join(&self.ports, lookup.key) else { return };
        let Some(lead) = self.lead_refresh(&policy, lookup.key, lead).await else { return };
        let now = self.ports.now();
        let errand = Errand { request: &request, lookup: &lookup, policy: &policy, no_store: false };
        let exchange = self.exchange(errand, Basis::Validate(&entry)).await;
        let (asked, stamp) = (errand.asked(exchange.fetched), exchange.stamp);
        match exchange.result {
            Exchanged::Updated { revision, body, .. } => {
                if revision.stored.is_err() {
                    return;
                }
                let entry = Rc::new(Entry { head: Head { stamp, draw: self.draw(false), ..revision.head }, body });
                lead.land(Verdict::Stored(entry.clone(), Clock::Own));
                self.write(Writing { entry, url: lookup.url().clone(), policy, tiers: Vec::new() }).await;
            }
            Exchanged::Response(response) => {
                let admission = storability(&as_stored(&response.head), asked)
                    .and_then(|admission| not_replaced(admission, &response.head, &entry, &policy, now));
                let Ok(admission) = admission else { return };
                let plan = StorePlan {
                    status: response.head.status,
                    admission,
                    fetched: exchange.fetched,
                    stamp,
                    posted: None,
                    policy: policy.clone(),
                    primary,
                    part: None,
                    after_purge: false,
                    lookup,
                };
                self.store(Storing { body: response.body, plan, lead: Some(lead) }).await;
            }
            Exchanged::Failed(_) => {}
        }
    }

    /// The draw for jitter.
    pub(super) fn draw(&self, after_purge: bool) -> f32 {
        let draw = self.ports.draw().clamp(0.0, 1.0) as f32;
        if after_purge { 2.0 * draw } else { draw }
    }

    /// What is known of purges now.
    pub(super) fn stamp(&self, now: Timestamp) -> Stamp {
        self.isolate.purges.borrow_mut().stamp(now)
    }
}

/// The tiers a served entry is missing from.
pub(super) fn backfill<P: Ports>(
    entry: &Rc<Entry<P::Blob>>,
    url: &CanonicalUrl,
    reuse: Reuse,
    policy: &Rc<Policy>,
    tiers: Vec<Tier>,
) -> Option<Deferred<P>> {
    let usable = matches!(reuse, Reuse::Fresh { .. });
    (usable && !tiers.is_empty())
        .then(|| Deferred::Write(Writing { entry: entry.clone(), url: url.clone(), policy: policy.clone(), tiers }))
}
