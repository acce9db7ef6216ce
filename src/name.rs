//! What purges name and entries have, as numbers: eight bytes each, the same in every isolate, in the
//! ledger and in what is stored.

use std::hash::Hasher;

use fnv::FnvHasher;

use crate::url::CanonicalUrl;

/// A name as a number. Two that meet by chance, or by somebody's art, are purged together, no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(pub u64);

impl Name {
    /// Everything there is.
    #[must_use]
    pub fn everything() -> Self {
        Self::of("everything", &[])
    }

    /// Path and query of a URL, whatever its route makes of its parameters: all variants, all identities.
    #[must_use]
    pub fn url(url: &CanonicalUrl) -> Self {
        let query = url.query.as_deref();
        let parts = [url.scheme.as_str(), url.authority.as_str(), &url.path, query.unwrap_or_default()];
        Self::of(if query.is_some() { "url?" } else { "url" }, &parts)
    }

    /// A tag.
    #[must_use]
    pub fn tag(tag: &str) -> Self {
        Self::of("tag", &[tag])
    }

    /// A group, which belongs to one origin ([RFC 9875 §2.1](https://www.rfc-editor.org/rfc/rfc9875#section-2.1)).
    #[must_use]
    pub fn group(url: &CanonicalUrl, group: &str) -> Self {
        Self::of("group", &[url.scheme.as_str(), url.authority.as_str(), group])
    }

    /// A group by that name, at whatever origin.
    #[must_use]
    pub fn group_anywhere(group: &str) -> Self {
        Self::of("group", &[group])
    }

    /// A host, with its port if that is not the scheme's own.
    #[must_use]
    pub fn host(host: &str) -> Self {
        Self::of("host", &[&host.to_ascii_lowercase()])
    }

    /// An identity, by its digest.
    #[must_use]
    pub fn identity(digest: u64) -> Self {
        Self::of("identity", &[&digest.to_string()])
    }

    /// One of 65,536 buckets that this name is in: what many purges are widened to, when anybody can bring them about.
    #[must_use]
    pub fn bucket(self) -> Self {
        Self::of("bucket", &[&(self.0 >> 48).to_string()])
    }

    /// Kind and parts, each behind its length, so that no two lists of parts run into the same bytes.
    fn of(kind: &str, parts: &[&str]) -> Self {
        let mut hasher = FnvHasher::default();
        for part in [kind].iter().chain(parts) {
            hasher.write(&(part.len() as u64).to_be_bytes());
            hasher.write(part.as_bytes());
        }
        Self(hasher.finish())
    }
}
