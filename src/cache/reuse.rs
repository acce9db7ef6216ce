//! Whether a stored response answers a request ([RFC 9111 §4](https://www.rfc-editor.org/rfc/rfc9111#section-4)).

use http::StatusCode;

use super::entry::Head;
use super::freshness::StaleWindows;
use super::partial::part_answers;
use crate::fields::{Forward, RequestDirectives, Seconds, Timestamp};
use crate::message::Wanted;
use crate::policy::Policy;
use crate::reason::Reason;

/// What is asked of a stored response.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What the client wants of it.
    pub wanted: Wanted<'a>,
    /// What the client demands; nothing if the route does not honour that.
    pub directives: RequestDirectives,
    /// Whether the request carries `Authorization`.
    pub authorized: bool,
    /// What the ledger says of the entry.
    pub purged: Option<Purged>,
    /// When the request was received.
    pub now: Timestamp,
}

/// How an entry was purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purged {
    /// It must be validated before it is used.
    Soft,
    /// It is gone.
    Hard,
}

/// What can be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// Serve it.
    Fresh {
        /// For `Age`.
        age: Seconds,
        /// The lifetime left.
        ttl: i64,
    },
    /// Serve it, although it is stale.
    Stale {
        /// For `Age`.
        age: Seconds,
        /// The lifetime left, negative.
        ttl: i64,
        /// Why that is allowed.
        reason: Reason,
    },
    /// Ask the origin whether it still holds.
    Validate {
        /// For `Cache-Status`.
        forward: Forward,
        /// Why it cannot simply be served, if not for being stale.
        reason: Option<Reason>,
        /// Whether it may be served should the origin fail.
        if_error: bool,
    },
    /// It is a part that does not hold all that is asked for: get the rest, or all of it.
    Complete {
        /// Whether it could be served as it is if it did.
        fresh: bool,
    },
    /// Leave it alone.
    Refuse(Reason),
}

/// Decides.
#[must_use]
pub fn decide(head: &Head, policy: &Policy, question: &Question) -> Reuse {
    match decide_by_age(head, policy, question) {
        Reuse::Refuse(reason) => Reuse::Refuse(reason),
        reuse if head.status == StatusCode::PARTIAL_CONTENT && !part_answers(head, question.wanted) => {
            Reuse::Complete { fresh: matches!(reuse, Reuse::Fresh { .. }) }
        }
        reuse => reuse,
    }
}

fn decide_by_age(head: &Head, policy: &Policy, question: &Question) -> Reuse {
    if head.fingerprint != policy.fingerprint {
        return Reuse::Refuse(Reason::PolicyChanged);
    }
    if question.purged == Some(Purged::Hard) {
        return Reuse::Refuse(Reason::Purged);
    }
    if question.authorized && !head.terms.authorized {
        return Reuse::Refuse(Reason::Authorization);
    }
    let age = head.age(question.now);
    let lifetime = head.lifetime(policy);
    if head.terms.no_cache {
        return Reuse::Validate { forward: Forward::Stale, reason: Some(Reason::NoCache), if_error: false };
    }
    if demands_validation(&question.directives, head, age, lifetime) {
        return Reuse::Validate { forward: Forward::Request, reason: Some(Reason::RequestDirective), if_error: false };
    }
    let ttl = i64::from(lifetime.get()) - i64::from(age.get());
    let windows = StaleWindows::of(&head.terms, policy);
    if question.purged.is_some() {
        let if_error = age < lifetime + windows.if_error;
        return Reuse::Validate { forward: Forward::Stale, reason: Some(Reason::Purged), if_error };
    }
    if lifetime > age {
        return Reuse::Fresh { age, ttl };
    }
    let staleness = age - lifetime;
    if question.directives.max_stale.is_some_and(|most| staleness <= most) && !head.terms.must_revalidate {
        return Reuse::Stale { age, ttl, reason: Reason::MaxStale };
    }
    if staleness < windows.while_revalidate {
        return Reuse::Stale { age, ttl, reason: Reason::StaleWhileRevalidate };
    }
    Reuse::Validate { forward: Forward::Stale, reason: None, if_error: staleness < windows.if_error }
}

/// `no-cache`, `max-age` and `min-fresh` of the client. What is immutable and fresh is not asked after because somebody reloads, which
/// sends `max-age=0`; `no-cache` means it ([RFC 8246 §2](https://www.rfc-editor.org/rfc/rfc8246#section-2)).
fn demands_validation(directives: &RequestDirectives, head: &Head, age: Seconds, lifetime: Seconds) -> bool {
    let reload = directives.max_age == Some(Seconds::ZERO) && head.terms.immutable && age < lifetime;
    let too_old = directives.max_age.is_some_and(|most| age > most) && !reload;
    let too_near_expiry = directives.min_fresh.is_some_and(|least| lifetime < age + least);
    directives.no_cache || too_old || too_near_expiry
}
