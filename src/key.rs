//! Where an answer is stored: a digest over everything that told the origin which answer to give.

use std::fmt;

use crate::digest::{Digest, Framed};
use crate::url::CanonicalUrl;

/// Names a slot of the store. Opaque, and of one length whatever the URL.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey(pub Digest);

impl CacheKey {
    /// Reads lower-case hexadecimal.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut key = Digest::default();
        let digits = text.len() == 2 * key.len() && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks(2)).filter(|_| digits) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        digits.then_some(Self(key))
    }
}

/// Lower-case hexadecimal.
impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a key is made of.
#[derive(Debug, Clone)]
pub struct KeyParts<'a> {
    /// `KEY_PREFIX`: environments that share a store do not share entries.
    pub prefix: &'a str,
    /// Scheme, authority, path and the parameters that matter.
    pub url: &'a CanonicalUrl,
    /// Cookies by value: the digest, or absent.
    pub identities: Vec<(String, Option<Digest>)>,
    /// Cookies by class, or absent.
    pub classes: Vec<(&'a str, Option<&'a str>)>,
    /// Request fields: the value sent, or absent.
    pub fields: Vec<(&'a str, Option<&'a str>)>,
}

impl KeyParts<'_> {
    /// The key. Parts are framed by their lengths, so that no two lists of parts run into the same bytes.
    #[must_use]
    pub fn key(&self) -> CacheKey {
        let mut key = Framed::new("entry 1")
            .part(self.prefix)
            .part(self.url.scheme.as_str())
            .part(self.url.authority.as_str())
            .part(&self.url.path)
            .optional(self.url.query.as_deref())
            .number(self.identities.len())
            .number(self.classes.len())
            .number(self.fields.len());
        for (name, value) in &self.identities {
            key = key.part(name).optional(value.as_ref());
        }
        for (name, class) in &self.classes {
            key = key.part(name).optional(*class);
        }
        for (name, value) in &self.fields {
            key = key.part(name).optional(*value);
        }
        CacheKey(key.finish())
    }
}
