//! Refreshing ahead of expiry, so that nobody ever waits for it.

use super::entry::Head;
use crate::fields::Timestamp;
use crate::policy::{Policy, RefreshAhead};

/// Whether one of the requests for a fresh entry, of which each draws anew from 0..=1, is to refresh it now.
///
/// `xfetch` is optimal probabilistic recomputation (Vattani, Chierichetti, Lowenstein: *Optimal Probabilistic Cache Stampede
/// Prevention*, VLDB 2015): `now - delta * beta * ln(draw) >= expiry`, where `delta` is how long the last recompute took.
#[must_use]
pub fn refreshes(head: &Head, policy: &Policy, now: Timestamp, draw: f64) -> bool {
    let Some(rule) = policy.refresh_ahead else { return false };
    let lifetime = f64::from(head.lifetime(policy).get());
    let age = f64::from(head.initial_age.get()) + millis_between(head.fetched.received, now) / 1000.0;
    let left = lifetime - age;
    match rule {
        RefreshAhead::XFetch => {
            let delta = millis_between(head.fetched.requested, head.fetched.received) / 1000.0;
            left <= -delta * policy.refresh_beta.0 * draw.clamp(f64::MIN_POSITIVE, 1.0).ln()
        }
        RefreshAhead::Share(share) => left <= lifetime * share.get(),
    }
}

fn millis_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.as_millis().saturating_sub(earlier.as_millis()) as f64
}
