//! `Cache-Status`: what this cache did ([RFC 9211](https://www.rfc-editor.org/rfc/rfc9211)).

use std::fmt;

/// The name of this cache in the field.
pub const CACHE: &str = "Larder";

/// Why a request went to the origin ([RFC 9211 §2.2](https://www.rfc-editor.org/rfc/rfc9211#section-2.2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// It was not to be looked up.
    Bypass,
    /// Its method always goes on.
    Method,
    /// Nothing was stored for the URL.
    UriMiss,
    /// Something was, for other request fields.
    VaryMiss,
    /// Something was, and could not be used.
    Miss,
    /// The request asked for it.
    Request,
    /// The stored response was stale.
    Stale,
    /// Only a part was stored.
    Partial,
}

impl Forward {
    /// The token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Miss => "miss",
            Self::Request => "request",
            Self::Stale => "stale",
            Self::Partial => "partial",
        }
    }
}

/// One member of the field. `hit` and `fwd` exclude each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheStatus {
    /// Why it was forwarded; a hit if it was not.
    pub forward: Option<Forward>,
    /// The status of the origin's answer.
    pub forward_status: Option<u16>,
    /// Whether that answer goes into the store.
    pub stored: bool,
    /// Whether it was fetched for another request.
    pub collapsed: bool,
    /// The lifetime left, in seconds; negative when stale.
    pub ttl: Option<i64>,
    /// The cache key.
    pub key: Option<String>,
    /// A reason code.
    pub detail: Option<&'static str>,
    /// Whether the answer was made here, from neither store nor origin: an error, say.
    pub generated: bool,
}

impl fmt::Display for CacheStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CACHE)?;
        match self.forward {
            Some(forward) => write!(f, "; fwd={}", forward.as_str())?,
            None if self.generated => {}
            None => f.write_str("; hit")?,
        }
        if let Some(status) = self.forward_status {
            write!(f, "; fwd-status={status}")?;
        }
        if let Some(ttl) = self.ttl {
            write!(f, "; ttl={ttl}")?;
        }
        if self.stored {
            f.write_str("; stored")?;
        }
        if self.collapsed {
            f.write_str("; collapsed")?;
        }
        if let Some(key) = &self.key {
            write!(f, "; key=\"{key}\"")?;
        }
        if let Some(detail) = self.detail {
            write!(f, "; detail={detail}")?;
        }
        Ok(())
    }
}
