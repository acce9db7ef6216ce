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
use super::flights::{Clock, Lead, Role, Verdict};
use super::handle::{Outcome, RequestOf};
use super::ports::Ports;
use super::report::Report;
use super::shielded::longest_wait;
use super::within::within;
use crate::cache::Entry;
use crate::cache::reuse::Reuse;
use crate::cache::variant::answers;
use crate::policy::{Collapse, Policy};
use crate::reason::Reason;

/// What became of joining a flight.
pub(super) enum Joined<P: Ports> {
    /// What it brought answers this request too.
    Answered(Box<Outcome<P>>),
    /// This request is the one that asks.
    Leads(Lead<P>),
    /// What it brought is of no use here, or it took too long.
    Alone,
}

impl<P: Ports> Engine<P> {
    /// Waits for the request that leads, or becomes it.
    pub(super) async fn collapse(&self, request: &RequestOf<'_>, fill: &Fill<'_, P>) -> Joined<P> {
        let patience = patience(fill.policy);
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
            if let Some(answer) = self.answer_by(request, fill, &verdict) {
                return Joined::Answered(Box::new(answer));
            }
            if waited_in_vain || !self.was_asked_too_early(fill, &verdict) {
                return Joined::Alone;
            }
            waited_in_vain = true;
        }
    }

    /// Whether what landed is of no use only because it was asked for before a purge, or before this request came. Then it is fetched once
    /// more by one of those who waited, not by all of them.
    fn was_asked_too_early(&self, fill: &Fill<'_, P>, verdict: &Verdict<P::Blob>) -> bool {
        let Verdict::Stored(entry, _) = verdict else { return false };
        let reuse = self.judge(entry, Asking { now: self.ports.now(), ..fill.asking });
        answers(&entry.head, || fill.asking.lookup.headers())
            && matches!(reuse, Reuse::Validate { .. } | Reuse::Refuse(Reason::Purged))
    }

    /// A flight may have landed while this request looked far away: who becomes leader looks nearby once more.
    fn check_again(&self, request: &RequestOf<'_>, fill: &Fill<'_, P>, lead: Lead<P>) -> Joined<P> {
        let nearby = self.isolate.memory.borrow().get(&fill.asking.lookup.key);
        let is_known =
            |entry: &Rc<Entry<P::Blob>>| fill.found.primary.as_ref().is_some_and(|known| Rc::ptr_eq(known, entry));
        let since = nearby.filter(|entry| !is_known(entry));
        match since.and_then(|entry| Some((self.landed(request, fill, &entry, Clock::Another)?, entry))) {
            Some((answer, entry)) => {
                lead.land(Verdict::Stored(entry, Clock::Another));
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
        clock: Clock,
    ) -> Option<Outcome<P>> {
        if !answers(&entry.head, || fill.asking.lookup.headers()) {
            return None;
        }
        let now = self.ports.now();
        let (age, ttl) = match self.judge(entry, Asking { now, ..fill.asking }) {
            Reuse::Fresh { age, ttl } | Reuse::Stale { age, ttl, .. } => (age, ttl),
            // It was asked for after this request came: for this one it is as good as asked for now. Another clock cannot tell.
            Reuse::Validate { .. } if clock == Clock::Own && entry.head.fetched.requested >= fill.asking.now => {
                (entry.head.age(now), 0)
            }
            Reuse::Validate { .. } | Reuse::Complete { .. } | Reuse::Refuse(_) => return None,
        };
        let forward_status = Some(entry.head.status.as_u16());
        let report = Report { collapsed: true, ttl: Some(ttl), forward_status, ..fill.report.clone() };
        Some(Outcome::new(from_entry(request.head, entry, age, fill.policy), report, Vec::new()))
    }
}

/// How long the one who leads may take: it may wait for other isolates first.
fn patience(policy: &Policy) -> Duration {
    let elsewhere = if policy.collapse == Collapse::Global { longest_wait(policy) } else { Duration::ZERO };
    elsewhere + duration(policy.timeout) + Duration::from_secs(2)
}

/// Whether one answer could do for several: a GET that nobody narrows down. With a whole to validate the origin is asked our own
/// conditions, whatever the client's were.
pub(super) fn may_collapse<P: Ports>(request: &RequestOf<'_>, fill: &Fill<'_, P>) -> bool {
    let sent = fill.asking.lookup.headers();
    let narrowing = [RANGE, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_MATCH, IF_UNMODIFIED_SINCE, IF_RANGE];
    let has_whole = fill.stored().is_some_and(|entry| entry.head.status != StatusCode::PARTIAL_CONTENT);
    let narrowed = narrowing.iter().any(|name| sent.contains_key(name)) && !has_whole;
    let collapses = fill.policy.collapse != Collapse::Off && request.head.method == Method::GET;
    collapses && !fill.asking.directives.no_store && !narrowed
}
