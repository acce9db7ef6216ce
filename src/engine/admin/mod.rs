//! Everything under `/_larder/`: seeing and steering.

mod auth;
mod health;

pub use auth::{Scope, Tokens};

pub(super) use health::health;

/// The prefix of all of it.
pub const PREFIX: &str = "/_larder/";

/// Whether a path is ours, in any spelling an origin might take for ours: none of these is forwarded or stored.
#[must_use]
pub fn is_reserved(path: &str) -> bool {
    let looks_reserved = |path: &str| {
        let path = path.to_ascii_lowercase();
        path.strip_prefix("/_larder").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    looks_reserved(path) || crate::url::looser_readings(path).iter().any(|reading| looks_reserved(reading))
}
