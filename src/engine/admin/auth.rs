//! Bearer tokens and what they may do.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq;

use crate::digest::{Digest, sha256};
use crate::engine::settings::Secrets;
use crate::fields::grammar::sole_line;

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Admin,
    /// Purge, and no more.
    Purge,
    /// See, and change nothing.
    Read,
}

/// The digests of the tokens there are: a comparison of digests tells nothing about how near a guess was.
#[derive(Default)]
pub struct Tokens {
    admin: Option<Digest>,
    purge: Option<Digest>,
    read: Option<Digest>,
}

impl Tokens {
    /// A missing or empty secret closes what it would open.
    #[must_use]
    pub fn new(secrets: &Secrets) -> Self {
        let digest = |secret: &Option<String>| {
            secret.as_deref().filter(|secret| !secret.is_empty()).map(|secret| sha256(secret.as_bytes()))
        };
        Self {
            admin: digest(&secrets.admin_token),
            purge: digest(&secrets.purge_token),
            read: digest(&secrets.read_token),
        }
    }

    /// Whether there is an administration at all.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.admin.is_some()
    }

    /// What the bearer of `Authorization` may do.
    #[must_use]
    pub fn bearer(&self, headers: &HeaderMap) -> Option<Scope> {
        let (scheme, token) = sole_line(headers, AUTHORIZATION)?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| self.scope(token))?
    }

    /// What the bearer of `Larder-Debug` may see.
    #[must_use]
    pub fn debug(&self, headers: &HeaderMap) -> bool {
        let scope = sole_line(headers, "larder-debug").and_then(|token| self.scope(token));
        matches!(scope, Some(Scope::Admin | Scope::Read))
    }

    fn scope(&self, token: &str) -> Option<Scope> {
        const LONGEST: usize = 4096;
        if token.is_empty() || token.len() > LONGEST || !self.enabled() {
            return None;
        }
        let digest = sha256(token.as_bytes());
        let is = |known: &Option<Digest>| known.is_some_and(|known| bool::from(known.ct_eq(&digest)));
        let [admin, purge, read] = [is(&self.admin), is(&self.purge), is(&self.read)];
        match (admin, purge, read) {
            (true, ..) => Some(Scope::Admin),
            (_, true, _) => Some(Scope::Purge),
            (.., true) => Some(Scope::Read),
            _ => None,
        }
    }
}
