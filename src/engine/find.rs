//! Looking up: nearest tier first, on to the next as long as what was found is not fresh.

use std::rc::Rc;

use super::Engine;
use super::ledger::Trust;
use super::ports::Ports;
use crate::cache::reuse::{Purged, Question, Reuse, decide};
use crate::cache::variant::{answers, variant_key};
use crate::cache::{Entry, Head, Stamp};
use crate::fields::{Forward, NO_VARY_SEARCH, RequestDirectives, SearchVariance, Timestamp};
use crate::forward::{Lookup, plan};
use crate::key::CacheKey;
use crate::message::{RequestHead, Wanted};
use crate::policy::{Alias, Config, Policy, Selected, Tier};
use crate::reason::Reason;
use crate::url::CanonicalUrl;

/// What a request brings along for the decision about an entry.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub lookup: &'a Lookup,
    pub policy: &'a Policy,
    pub wanted: Wanted<'a>,
    pub directives: RequestDirectives,
    pub trust: Trust,
    pub now: Timestamp,
}

/// What a lookup brought.
pub(super) struct Found<P: Ports> {
    /// The entry, and what may be done with it.
    pub entry: Option<(Rc<Entry<P::Blob>>, Reuse)>,
    /// Why there is none, if there is none.
    pub forward: Forward,
    /// Why, in more words.
    pub reason: Option<Reason>,
    /// What the URL's own slot holds, whether or not it answers this request.
    pub primary: Option<Rc<Entry<P::Blob>>>,
    /// Tiers that are nearer than where it was found.
    pub backfill: Vec<Tier>,
    /// Milliseconds that Redis took, if it was asked.
    pub redis_millis: Option<u64>,
}

impl<P: Ports> Found<P> {
    /// Whether what was found before gives way to what another tier holds. What may not be used takes the place of nothing that may, even
    /// if it came later: a fetch that a purge overtook is stored after one that was begun after the purge.
    fn gives_way(&self, entry: &Entry<P::Blob>, reuse: Reuse) -> bool {
        let Some(known) = &self.primary else { return true };
        let is_of_use = !matches!(reuse, Reuse::Refuse(_));
        if self.entry.is_some() == is_of_use {
            return known.head.fetched.received < entry.head.fetched.received;
        }
        is_of_use
    }

    /// Whether there is nothing more to do.
    pub(super) fn is_fresh(&self) -> bool {
        matches!(self.entry, Some((_, Reuse::Fresh { .. })))
    }
}

impl<P: Ports> Engine<P> {
    /// Looks up what answers the request.
    pub(super) async fn find(&self, config: &Config, asking: Asking<'_>) -> Found<P> {
        let (alias, mut tiers) = self.tiers(config, asking.policy);
        let unshareable = self.isolate.unshareable(&asking.lookup.key, asking.now);
        if unshareable.is_some_and(|reason| reason != Reason::WithheldCookieSet) {
            // What could not be shared a moment ago is not looked for far away.
            tiers.retain(|tier| *tier == Tier::Memory);
        }
        let mut found = self.find_primary(alias, &tiers, asking, asking.lookup.key).await;
        if let Some(previous) = asking.lookup.previous_key.filter(|_| found.primary.is_none()) {
            found = self.find_primary(alias, &tiers, asking, previous).await;
        }
        if let Some((entry, _)) = &found.entry {
            self.remember_search(asking.lookup.url(), &entry.head);
        }
        found
    }

    /// Looks up what is stored for another query that, as the origin said, makes no difference. Only what is fresh is of use: the origin
    /// is asked for what the client asked for.
    pub(super) async fn find_equivalent(
        &self,
        config: &Config,
        request: &RequestHead,
        selected: Selected<'_>,
        asking: Asking<'_>,
    ) -> Option<Found<P>> {
        let url = self.isolate.searches.borrow().equivalent(asking.lookup.url())?;
        let request = Rc::new(RequestHead { url, ..request.clone() });
        let lookup = plan(&request, selected, false, &config.key_prefix, &self.settings.identity).ok()?;
        let found = self.find(config, Asking { lookup: &lookup, ..asking }).await;
        let (entry, Reuse::Fresh { .. }) = found.entry.as_ref()? else { return None };
        let variance = SearchVariance::read(&entry.head.headers)?;
        let queries = [&lookup, asking.lookup].map(|lookup| lookup.url().query.as_deref());
        let purged = self.isolate.purges.borrow().purged(asking.lookup.url(), &entry.head);
        (variance.equivalent(queries[0], queries[1]) && purged.is_none()).then_some(found)
    }

    /// Remembers what a stored response says of queries that make no difference.
    pub(super) fn remember_search(&self, url: &CanonicalUrl, head: &Head) {
        if head.headers.contains_key(NO_VARY_SEARCH) {
            self.isolate.searches.borrow_mut().remember(url, &head.headers);
        }
    }

    /// Looks in the URL's own slot, and if that holds another variant, in the variant's.
    async fn find_primary(&self, alias: &Alias, tiers: &[Tier], asking: Asking<'_>, key: CacheKey) -> Found<P> {
        let slot = self.read_slot(alias, tiers, asking, key).await;
        let Some(primary) = &slot.primary else { return slot };
        if answers(&primary.head, || asking.lookup.headers()) {
            return slot;
        }
        let names: Vec<_> = primary.head.selecting.iter().map(|field| field.name.clone()).collect();
        let selecting = crate::cache::variant::selecting(&names, asking.lookup.headers());
        let variant = variant_key(primary.head.key, primary.head.generation, &selecting);
        let found = self.read_slot(alias, tiers, asking, variant).await;
        let fits = found.primary.as_ref().is_some_and(|entry| answers(&entry.head, || asking.lookup.headers()));
        let entry = found.entry.filter(|_| fits);
        Found {
            forward: Forward::VaryMiss,
            primary: slot.primary,
            entry,
            reason: found.reason,
            backfill: found.backfill,
            redis_millis: found.redis_millis.or(slot.redis_millis),
        }
    }

    /// Reads one slot from one tier after the other until an entry is found that can be served as it is. Of several that
    /// cannot, the one fetched last counts, and before it any that is of use at all.
    pub(super) async fn read_slot(&self, alias: &Alias, tiers: &[Tier], asking: Asking<'_>, key: CacheKey) -> Found<P> {
        let mut found = Found {
            entry: None,
            forward: Forward::UriMiss,
            reason: None,
            primary: None,
            backfill: Vec::new(),
            redis_millis: None,
        };
        for (at, &tier) in tiers.iter().enumerate() {
            let began = self.ports.now();
            let read = self.read_tier(alias, tier, key).await;
            if tier == Tier::Redis {
                found.redis_millis = Some(self.ports.now().as_millis().saturating_sub(began.as_millis()));
            }
            let entry = match read {
                Ok(Some(entry)) => entry,
                Ok(None) => continue,
                Err(reason) => {
                    found.reason = found.reason.or(Some(reason));
                    continue;
                }
            };
            let reuse = self.judge(&entry, asking);
            if !found.gives_way(&entry, reuse) {
                continue;
            }
            found.primary = Some(entry.clone());
            found.backfill = tiers.iter().copied().take(at).collect();
            match reuse {
                Reuse::Refuse(reason) => {
                    (found.entry, found.forward, found.reason) = (None, Forward::Miss, Some(reason));
                }
                reuse => {
                    (found.entry, found.reason) = (Some((entry, reuse)), None);
                    if matches!(reuse, Reuse::Fresh { .. }) {
                        break;
                    }
                }
            }
        }
        found
    }

    /// Whether an entry for `url` has been purged since it was asked for.
    pub(super) fn is_purged(&self, url: &CanonicalUrl, entry: &Entry<P::Blob>) -> bool {
        self.isolate.purges.borrow().purged(url, &entry.head) == Some(Purged::Hard)
    }

    /// Whether a response that was asked for when no more was known than `before` has been purged since.
    pub(super) fn is_overtaken(&self, lookup: &Lookup, head: &Head, before: Stamp) -> bool {
        let head = Head { stamp: before, ..head.clone() };
        self.isolate.purges.borrow().purged(lookup.url(), &head) == Some(Purged::Hard)
    }

    /// What may be done with an entry.
    pub(super) fn judge(&self, entry: &Entry<P::Blob>, asking: Asking<'_>) -> Reuse {
        let doubtful = (asking.trust == Trust::Doubt).then_some(Purged::Soft);
        let purged = self.isolate.purges.borrow().purged(asking.lookup.url(), &entry.head).or(doubtful);
        let question = Question {
            wanted: asking.wanted,
            directives: asking.directives,
            authorized: asking.lookup.sends_authorization(),
            purged,
            now: asking.now,
        };
        decide(&entry.head, asking.policy, &question)
    }
}
