//! Concurrent misses for one key: one request asks the origin, the others wait for what it brings.

use std::rc::Rc;
use std::time::Duration;

use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE};
use http::{Method, StatusCode};

use super::Engine;
use super::answer::from_entry;
use super::exchange::duration;
use super::fill::Fill;
use super::find::Asking;
use super::flights::{Lead, Role, Verdict};
use super::handle::{Outcome, RequestOf};
use super::ledger::Trust;
use super::ports::Ports;
use super::report::Report;
use super::within::within;
use crate::cache::Entry;
use crate::cache::reuse::Reuse;
use crate::cache::variant::answers;
use crate::policy::Collapse;

/// What became of joining a flight.
pub(super) enum Joined<P: Ports> {
    /// What it brought answers this request too.
    Answered(Box<Outcome<P>>),
    /// This request is the one that asks.
    Leads(Lead<P>),
    /// What it brought is of no use here, or it took too long.
    Alone,
}

/// Where the request that led was.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leader {
    /// In this isolate, and by its clock.
    Here,
    /// By another clock, for all that is known.
    Elsewhere,
}

impl<P: Ports> Engine<P> {
    /// Waits for the request that leads, or becomes it.
    pub(super) async fn collapse(&self, request: &RequestOf<'_>, fill: &Fill<'_, P>) -> Joined<P> {
        // The one who leads may have waited for another isolate first.
        let patience = duration(fill.policy.timeout) + Duration::from_secs(2);
        let mut waited_in_vain = false;
        loop {
            let follow = match self.isolate.flights.join(&self.ports, fill.asking.lookup.key) {
                Role::Lead(lead) => {
                    return match self.check_again(request, fill, lead) {
                        Joined::Leads(lead) if fill.policy.collapse == Collapse::Global => {
                            self.lead_globally(request, fill, lead).await
                        }
                        joined => joined,
                    };
                }
                Role::Follow(follow) => follow,
                Role::Crowded => return Joined::Alone,
            };
            let verdict = match within(self.ports.sleep(patience), follow.verdict()).await {
                Some(Some(verdict)) => verdict,
                // The leader is gone without a word: somebody else leads.
                Some(None) => continue,
                None => return Joined::Alone,
            };
            if !waited_in_vain && self.was_purged(fill, &verdict) {
                waited_in_vain = true;
                continue;
            }
            return self
                .answer_by(request, fill, &verdict, Leader::Here)
                .map_or(Joined::Alone, |answer| Joined::Answered(Box::new(answer)));
        }
    }

    /// Whether what landed was purged on its way. Then it is fetched once more by one of those who waited, not by all of them.
    fn was_purged(&self, fill: &Fill<'_, P>, verdict: &Verdict<P::Blob>) -> bool {
        let Verdict::Stored(entry) = verdict else { return false };
        self.is_purged(&fill.asking.lookup.url, entry)
    }

    /// A flight may have landed while this request looked far away: who becomes leader looks nearby once more.
    fn check_again(&self, request: &RequestOf<'_>, fill: &Fill<'_, P>, lead: Lead<P>) -> Joined<P> {
        let nearby = self.isolate.memory.borrow().get(&fill.asking.lookup.key);
        let is_known =
            |entry: &Rc<Entry<P::Blob>>| fill.found.primary.as_ref().is_some_and(|known| Rc::ptr_eq(known, entry));
        let since = nearby.filter(|entry| !is_known(entry));
        match since.and_then(|entry| Some((self.landed(request, fill, &entry, Leader::Elsewhere)?, entry))) {
            Some((answer, entry)) => {
                lead.land(Verdict::Stored(entry));
                Joined::Answered(Box::new(answer))
            }
            None => Joined::Leads(lead),
        }
    }

    /// What a leader stored, if it answers this request too.
    pub(super) fn landed(
        &self,
        request: &RequestOf<'_>,
        fill: &Fill<'_, P>,
        entry: &Rc<Entry<P::Blob>>,
        leader: Leader,
    ) -> Option<Outcome<P>> {
        if !answers(&entry.head, &fill.asking.lookup.headers) {
            return None;
        }
        let now = self.ports.now();
        // Where nobody knows of purges, another clock must not tell what is from before them.
        let is_told = leader == Leader::Here || fill.asking.trust == Trust::Sure;
        let (age, ttl) = match self.judge(entry, Asking { now, ..fill.asking }) {
            Reuse::Fresh { age, ttl } | Reuse::Stale { age, ttl, .. } => (age, ttl),
            // It was asked for after this request came: for this one it is as good as asked for now.
            Reuse::Validate { .. } if is_told && entry.head.fetched.requested >= fill.asking.now => {
                (entry.head.age(now), 0)
            }
            Reuse::Validate { .. } | Reuse::Complete { .. } | Reuse::Refuse(_) => return None,
        };
        let forward_status = Some(entry.head.status.as_u16());
        let report = Report { collapsed: true, ttl: Some(ttl), forward_status, ..fill.report.clone() };
        Some(Outcome::new(from_entry(request.head, entry, age, fill.policy), report, Vec::new()))
    }
}

/// Whether one answer could do for several: a GET that nobody narrows down. With a whole to validate the origin is asked our own
/// conditions, whatever the client's were.
pub(super) fn may_collapse<P: Ports>(request: &RequestOf<'_>, fill: &Fill<'_, P>) -> bool {
    let sent = &fill.asking.lookup.headers;
    let narrowing = [RANGE, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_MATCH, IF_UNMODIFIED_SINCE, IF_RANGE];
    let has_whole = fill.stored().is_some_and(|entry| entry.head.status != StatusCode::PARTIAL_CONTENT);
    let narrowed = narrowing.iter().any(|name| sent.contains_key(name)) && !has_whole;
    let collapses = fill.policy.collapse != Collapse::Off && request.head.method == Method::GET;
    collapses && !fill.asking.directives.no_store && !narrowed
}
