//! `Cache-Control` in requests ([RFC 9111 §5.2.1](https://www.rfc-editor.org/rfc/rfc9111#section-5.2.1)).

use http::HeaderMap;
use http::header::CACHE_CONTROL;

use super::cache_control::{Lifetime, directives};
use super::grammar::Argument;
use super::seconds::Seconds;

/// What the client asks of caches. A malformed limit is the strictest one, a malformed permission is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestDirectives {
    /// Do not answer from the store without asking the origin.
    pub no_cache: bool,
    /// Store nothing of this exchange.
    pub no_store: bool,
    /// Answer from the store or with 504.
    pub only_if_cached: bool,
    /// The greatest age the client accepts.
    pub max_age: Option<Seconds>,
    /// The least lifetime that must be left.
    pub min_fresh: Option<Seconds>,
    /// How long a response may have been stale.
    pub max_stale: Option<Seconds>,
}

impl RequestDirectives {
    /// Reads the field. `Pragma` is not consulted: it is deprecated
    /// ([RFC 9111 §5.4](https://www.rfc-editor.org/rfc/rfc9111#section-5.4)).
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Self {
        let mut read = Self::default();
        for directive in directives(headers, CACHE_CONTROL) {
            let lifetime = Lifetime::read(&directive.argument);
            match &*directive.lower_case_name() {
                "no-cache" => read.no_cache = true,
                "no-store" => read.no_store = true,
                "only-if-cached" => read.only_if_cached = true,
                "max-age" => {
                    read.max_age = Some(read.max_age.unwrap_or(Seconds::MAX).min(lifetime.seconds()));
                }
                "min-fresh" => {
                    let least = if lifetime.is_stated() { lifetime.seconds() } else { Seconds::MAX };
                    read.min_fresh = Some(read.min_fresh.unwrap_or_default().max(least));
                }
                "max-stale" => {
                    // "If no value is assigned to max-stale, then the client will accept a stale response of any age."
                    let most = match directive.argument {
                        Argument::Absent => Seconds::MAX,
                        _ => lifetime.seconds(),
                    };
                    read.max_stale = Some(read.max_stale.unwrap_or(Seconds::MAX).min(most));
                }
                _ => {}
            }
        }
        read
    }
}
