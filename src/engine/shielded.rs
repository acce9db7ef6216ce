//! Concurrent misses in different isolates: the shield decides who asks the origin, and hands what that brings to the others.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use super::Engine;
use super::collapse::Joined;
use super::exchange::duration;
use super::fill::Fill;
use super::flights::{Clock, Landing, Lead, Verdict};
use super::handle::{Outcome, RequestOf};
use super::ports::{FetchError, Ports, StoreError};
use super::settings::Configured;
use super::within::within;
use crate::blob::Blob;
use crate::cache::{Entry, record};
use crate::key::CacheKey;
use crate::policy::{Collapse, Policy, Tier};
use crate::reason::Reason;
use crate::shield::{Ask, MAX_HANDED_OVER, Role, Word, object_for};
use crate::store::backend;

/// The name of its breaker.
pub(in crate::engine) const SHIELD: &str = "shield";

/// Longest wait for a decision. A site must not notice a shield that is slow or far away.
pub(super) const DECISION: Duration = Duration::from_millis(500);

/// Whoever has waited for so many that went without a word waits no more.
const MAX_TURNS: usize = 3;

/// A lease is for a fetch and the body after it.
const LONGEST_LEASE: Duration = Duration::from_secs(30);

/// How long a fetch is left to the one that has the lease. It may fail at the very end of its time: that is worth hearing.
fn lease(policy: &Policy) -> Duration {
    (duration(policy.timeout) + Duration::from_secs(1)).min(LONGEST_LEASE)
}

/// Longest wait for other isolates: for one that is gone, and the one that took its place.
pub(super) fn longest_wait(policy: &Policy) -> Duration {
    lease(policy) * 2
}

impl<P: Ports> Engine<P> {
    /// Leads among all isolates, or waits for the one that does.
    pub(super) async fn lead_globally(&self, request: &RequestOf<'_>, fill: &Fill<'_, P>, lead: Lead<P>) -> Joined<P> {
        if !self.ports.has_shield() {
            return Joined::Leads(lead);
        }
        let key = fill.asking.lookup.key;
        let lease = lease(fill.policy);
        let object = object_for(&key);
        let mut too_late = pin!(self.ports.sleep(longest_wait(fill.policy)));
        for _ in 0..MAX_TURNS {
            let token = match self.ask_to_lead(key, lease).await {
                Ok(Role::Lead(token)) => {
                    let lead = lead.with_lease(token, self.landings.clone());
                    return self.look_again(request, fill, lead).await;
                }
                Ok(Role::Wait(token)) => token,
                Err(StoreError) => return Joined::Leads(lead),
            };
            let ask = Ask::Wait { key, token, patience: lease };
            let waiting = within(too_late.as_mut(), self.ports.ask_shield(&object, ask, None));
            let Some(Ok((text, record))) = waiting.await else { return Joined::Leads(lead) };
            let verdict = match Word::parse(&text) {
                Some(Word::Gone) => continue,
                Some(Word::Stored) => {
                    self.handed_over(key, &record).await.map(|entry| Verdict::Stored(entry, Clock::Another))
                }
                Some(Word::Refused(reason)) => Some(Verdict::NotShared(reason)),
                Some(Word::Unreachable) => Some(Verdict::Failed(Some(FetchError::Unreachable))),
                Some(Word::Timeout) => Some(Verdict::Failed(Some(FetchError::Timeout))),
                Some(Word::Failed) => Some(Verdict::Failed(None)),
                None => None,
            };
            return match verdict.as_ref().and_then(|verdict| self.answer_by(request, fill, verdict)) {
                Some(answer) => {
                    lead.land(verdict.unwrap_or(Verdict::Failed(None)));
                    Joined::Answered(Box::new(answer))
                }
                // What it brought is of no use here.
                None => Joined::Leads(lead),
            };
        }
        Joined::Leads(lead)
    }

    /// Leads a refresh among all isolates; `None` if another one is at it.
    pub(super) async fn lead_refresh(&self, policy: &Policy, key: CacheKey, lead: Lead<P>) -> Option<Lead<P>> {
        if policy.collapse != Collapse::Global || !self.ports.has_shield() {
            return Some(lead);
        }
        match self.ask_to_lead(key, LONGEST_LEASE).await {
            Ok(Role::Lead(token)) => Some(lead.with_lease(token, self.landings.clone())),
            Ok(Role::Wait(_)) => None,
            Err(StoreError) => Some(lead),
        }
    }

    async fn ask_to_lead(&self, key: CacheKey, lease: Duration) -> Result<Role, StoreError> {
        let nonce = (self.ports.draw() * 2f64.powi(53)) as u64;
        let object = object_for(&key);
        let asking = async {
            let (text, _) = self.ports.ask_shield(&object, Ask::Lead { key, lease, nonce }, None).await?;
            Role::parse(&text).ok_or(StoreError)
        };
        self.guarded(SHIELD, DECISION, asking).await
    }

    /// The record of another isolate, if it is whole and for this key.
    async fn handed_over(&self, key: CacheKey, record: &P::Blob) -> Option<Rc<Entry<P::Blob>>> {
        let entry = record::decode(record).ok().filter(|entry| entry.head.key == key)?;
        let entry = Rc::new(entry.is_intact().then_some(entry)?);
        self.isolate.memory.borrow_mut().insert(entry.clone());
        Some(entry)
    }

    /// Another isolate may have landed while this one looked: who becomes leader looks once more where that one's write shows.
    async fn look_again(&self, request: &RequestOf<'_>, fill: &Fill<'_, P>, lead: Lead<P>) -> Joined<P> {
        let Configured::Ready(config) = &self.settings.state else { return Joined::Leads(lead) };
        let (alias, tiers) = self.tiers(config, fill.policy);
        let shows = |tier: &Tier| *tier != Tier::Memory && backend(*tier).sees_every_write;
        let tiers: Vec<_> = tiers.into_iter().filter(shows).collect();
        let found = self.read_slot(alias, &tiers, fill.asking, fill.asking.lookup.key).await;
        let known = fill.found.primary.as_ref().map(|known| known.head.fetched.received);
        let newer = found.primary.filter(|entry| known.is_none_or(|known| entry.head.fetched.received > known));
        let answer = newer.and_then(|entry| Some((self.landed(request, fill, &entry, Clock::Another)?, entry)));
        match answer {
            Some((answer, entry)) => {
                lead.land(Verdict::Stored(entry, Clock::Another));
                Joined::Answered(Box::new(answer))
            }
            None => Joined::Leads(lead),
        }
    }

    /// Tells other isolates what became of the fetches they may wait for.
    pub(super) async fn tell_landings(&self) {
        let landings = self.landings.take();
        let telling = landings.into_iter().map(|Landing { key, token, verdict }| async move {
            let (word, record) = match &verdict {
                None => (Word::Gone, None),
                Some(Verdict::NotShared(reason)) => (Word::Refused(*reason), None),
                Some(Verdict::Failed(Some(FetchError::Unreachable))) => (Word::Unreachable, None),
                Some(Verdict::Failed(Some(FetchError::Timeout))) => (Word::Timeout, None),
                Some(Verdict::Failed(None)) => (Word::Failed, None),
                Some(Verdict::Stored(entry, _)) => match handover(key, entry) {
                    Some(record) => (Word::Stored, Some(record)),
                    // It cannot be handed over: they fetch it for themselves, all at once.
                    None => (Word::Refused(Reason::TooLarge), None),
                },
            };
            let (object, ask) = (object_for(&key), Ask::Land { key, token, word });
            let telling = self.ports.ask_shield(&object, ask, record.as_ref());
            let _ = self.guarded(SHIELD, DECISION * 10, telling).await;
        });
        futures_util::future::join_all(telling).await;
    }

    /// What a verdict means for this request; `None` if it has to ask for itself.
    pub(super) fn answer_by(
        &self,
        request: &RequestOf<'_>,
        fill: &Fill<'_, P>,
        verdict: &Verdict<P::Blob>,
    ) -> Option<Outcome<P>> {
        match verdict {
            Verdict::Stored(entry, clock) => self.landed(request, fill, entry, *clock),
            Verdict::NotShared(_) => None,
            // An error of the origin's own is for its client; a stale entry is for everyone.
            Verdict::Failed(None) if fill.fallback().is_none() => None,
            Verdict::Failed(error) => Some(self.without_origin(request, fill, *error)),
        }
    }
}

/// The record for those who waited for `key`: small, and of that key, not of a variant of it.
fn handover<B: Blob>(key: CacheKey, entry: &Entry<B>) -> Option<B> {
    let fits = entry.head.key == key && entry.body.len() <= MAX_HANDED_OVER;
    fits.then(|| record::encode(entry)).flatten()
}
