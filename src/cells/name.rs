//! Names of values: Django's `KEY_PREFIX:version:key`, and what stands beside them.

use std::fmt;
use std::hash::Hasher;

use fnv::FnvHasher;

use super::{MAX_NAME, OBJECTS};

/// One value's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    whole: String,
    /// Where the colon before the version is, and where the key begins.
    version_at: usize,
    key_at: usize,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.whole)
    }
}

impl Name {
    /// The name of a key.
    ///
    /// # Errors
    ///
    /// When it is empty or too long, or has characters that Django warns about.
    pub fn new(prefix: &str, version: u32, key: &str) -> Result<Self, String> {
        let whole = format!("{prefix}:{version}:{key}");
        if key.is_empty() {
            return Err("the key is empty".to_owned());
        }
        if key.chars().any(char::is_control) {
            return Err("the key has a control character".to_owned());
        }
        if whole.len() > MAX_NAME {
            return Err(format!("the key has {} bytes with prefix and version; {MAX_NAME} are allowed", whole.len()));
        }
        Ok(Self { key_at: whole.len() - key.len(), version_at: prefix.len(), whole })
    }

    /// What the application calls it.
    #[must_use]
    pub fn key(&self) -> &str {
        self.whole.get(self.key_at..).unwrap_or_default()
    }

    /// Where Redis keeps what belongs to it: the `lease` on it, or what may stand in for it when it has ended and is `stale`. The word
    /// stands where versions are numbers, so no value has this name.
    #[must_use]
    pub fn beside(&self, word: &str) -> String {
        let (prefix, rest) = self.whole.split_at(self.version_at);
        format!("{prefix}:{word}{rest}")
    }

    /// Which of the objects keeps it: all versions of a key are in one, so that it moves from one to the other in one step.
    #[must_use]
    pub fn object(&self) -> usize {
        let mut hasher = FnvHasher::default();
        hasher.write(self.key().as_bytes());
        (hasher.finish() % OBJECTS as u64) as usize
    }
}
