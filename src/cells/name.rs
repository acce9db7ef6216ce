//! Names of values: Django's `KEY_PREFIX:version:key`, and what stands beside them.

use std::fmt;
use std::hash::Hasher;

use fnv::FnvHasher;

use super::{MAX_NAME, OBJECTS};

/// One value's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Django's `KEY_PREFIX`.
    pub prefix: String,
    /// Django's `VERSION`.
    pub version: u32,
    /// What the application calls it.
    pub key: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.prefix, self.version, self.key)
    }
}

impl Name {
    /// The name of a key.
    ///
    /// # Errors
    ///
    /// When it is empty or too long, or has characters that Django warns about.
    pub fn new(prefix: &str, version: u32, key: &str) -> Result<Self, String> {
        let name = Self { prefix: prefix.to_owned(), version, key: key.to_owned() };
        if key.is_empty() {
            return Err("the key is empty".to_owned());
        }
        if key.chars().any(char::is_control) {
            return Err("the key has a control character".to_owned());
        }
        let length = name.to_string().len();
        match length <= MAX_NAME {
            true => Ok(name),
            false => Err(format!("the key is {length} bytes long with prefix and version; {MAX_NAME} are allowed")),
        }
    }

    /// Where Redis keeps the lease on it. The word stands where versions are numbers, so no value has this name.
    #[must_use]
    pub fn lease(&self) -> String {
        format!("{}:lease:{}:{}", self.prefix, self.version, self.key)
    }

    /// Where Redis keeps what may stand in for it when its time is over.
    #[must_use]
    pub fn stale(&self) -> String {
        format!("{}:stale:{}:{}", self.prefix, self.version, self.key)
    }

    /// Which of the objects keeps it: all versions of a key are in one, so that it moves from one to the other in one step.
    #[must_use]
    pub fn object(&self) -> usize {
        let mut hasher = FnvHasher::default();
        hasher.write(self.key.as_bytes());
        (hasher.finish() % OBJECTS as u64) as usize
    }
}
