//! How long a response is fresh here: what the origin states, as the policy bends it
//! ([RFC 9111 §4.2](https://www.rfc-editor.org/rfc/rfc9111#section-4.2)).

use http::StatusCode;

use super::terms::Terms;
use crate::fields::Seconds;
use crate::policy::{CacheMode, Policy};

/// The freshness lifetime under `policy`, before jitter. `None` if neither the origin nor the policy states one: such a
/// response is not stored.
#[must_use]
pub fn lifetime(terms: &Terms, status: StatusCode, policy: &Policy) -> Option<Seconds> {
    let stated = terms.stated.or_else(|| given_by_policy(status, policy));
    let lifetime = stated.or_else(|| terms.heuristic.filter(|_| policy.heuristic));
    lifetime.map(|lifetime| clamp(lifetime, terms, policy))
}

fn given_by_policy(status: StatusCode, policy: &Policy) -> Option<Seconds> {
    let by_status = policy.status_ttl.get(&status.as_u16()).copied();
    let forced = policy.cache == CacheMode::Force && matches!(status.as_u16(), 200 | 203);
    by_status.or(policy.ttl.filter(|_| forced))
}

/// `min_ttl` never overrules the origin's demand to be asked.
fn clamp(lifetime: Seconds, terms: &Terms, policy: &Policy) -> Seconds {
    let most = policy.max_ttl.unwrap_or(Seconds::MAX);
    let least = policy.min_ttl.filter(|_| !terms.no_cache && !terms.must_revalidate).unwrap_or_default();
    lifetime.max(least).min(most)
}

/// What is left of a lifetime even after a purge, unless the jitter itself leaves less.
const LEAST_LEFT: f64 = 0.1;

/// The share of a lifetime that an entry loses, so that what was filled together does not expire together.
///
/// `draw` is drawn once per fill: from 0..=1, or from 0..=2 after a purge, which makes many be filled together.
#[must_use]
pub fn with_jitter(lifetime: Seconds, draw: f32, policy: &Policy) -> Seconds {
    let jitter = policy.jitter.get();
    let left = 1.0 - jitter * f64::from(draw.clamp(0.0, 2.0));
    lifetime.scale(left.max(LEAST_LEFT.min(1.0 - jitter)))
}

/// The stale windows that hold: none where the origin wants to be asked first
/// ([RFC 9111 §4.2.4](https://www.rfc-editor.org/rfc/rfc9111#section-4.2.4),
/// [RFC 5861](https://www.rfc-editor.org/rfc/rfc5861)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StaleWindows {
    /// While it is refreshed.
    pub while_revalidate: Seconds,
    /// Instead of an error.
    pub if_error: Seconds,
}

impl StaleWindows {
    /// Those of a response under `policy`.
    #[must_use]
    pub fn of(terms: &Terms, policy: &Policy) -> Self {
        if terms.must_revalidate || terms.no_cache {
            return Self::default();
        }
        // An origin that grants no lifetime at all wants to be asked each time, whatever a route says of windows.
        let given = policy.stale_while_revalidate.filter(|_| terms.stated != Some(Seconds::ZERO));
        Self {
            while_revalidate: terms.stale_while_revalidate.or(given).unwrap_or_default(),
            if_error: terms.stale_if_error.or(policy.stale_if_error).unwrap_or_default(),
        }
    }

    /// The longer one: how long after its lifetime a response may still be of use.
    #[must_use]
    pub fn longest(self) -> Seconds {
        self.while_revalidate.max(self.if_error)
    }
}
