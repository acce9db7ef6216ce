//! Identities in the key: cookie values as keyed digests, never as themselves.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::digest::{Digest, Framed};

/// `IDENTITY_KEY` and, while it is being changed, `IDENTITY_KEY_PREVIOUS`.
#[derive(Clone, Default)]
pub struct IdentityKeys {
    current: Option<Hmac<Sha256>>,
    previous: Option<Hmac<Sha256>>,
}

impl IdentityKeys {
    /// An absent or empty secret is none.
    #[must_use]
    pub fn new(current: Option<&str>, previous: Option<&str>) -> Self {
        let keyed = |secret: Option<&str>| {
            let secret = secret.filter(|secret| !secret.is_empty())?;
            Hmac::new_from_slice(secret.as_bytes()).ok()
        };
        Self { current: keyed(current), previous: keyed(previous) }
    }

    /// Short digests of whom these cookies name, under the key in use and the one before it.
    #[must_use]
    pub fn named<'c>(&self, cookies: impl Iterator<Item = (&'c str, &'c str)>) -> Vec<u64> {
        let keys = [self.current(), self.previous()];
        let digests =
            cookies.flat_map(|(name, value)| keys.into_iter().flatten().map(move |key| key.digest(name, value)));
        digests.map(|digest| Framed::new("identity").part(digest).finish_short()).collect()
    }

    /// The key that new entries are stored under.
    #[must_use]
    pub fn current(&self) -> Option<IdentityKey<'_>> {
        self.current.as_ref().map(IdentityKey)
    }

    /// The key that older entries may still be found under.
    #[must_use]
    pub fn previous(&self) -> Option<IdentityKey<'_>> {
        self.previous.as_ref().map(IdentityKey)
    }
}

/// One of the keys.
#[derive(Clone, Copy)]
pub struct IdentityKey<'k>(&'k Hmac<Sha256>);

impl IdentityKey<'_> {
    /// What stands in the key for the value of a cookie.
    #[must_use]
    pub fn digest(self, cookie: &str, value: &str) -> Digest {
        let mut mac = self.0.clone();
        mac.update(&(cookie.len() as u64).to_be_bytes());
        mac.update(cookie.as_bytes());
        mac.update(value.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// Nothing of the secrets.
impl std::fmt::Debug for IdentityKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityKeys")
            .field("current", &self.current.is_some())
            .field("previous", &self.previous.is_some())
            .finish()
    }
}
