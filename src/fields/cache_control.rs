//! What request and response directives share: the list they stand in, and the lifetimes they state
//! ([RFC 9111 §5.2](https://www.rfc-editor.org/rfc/rfc9111#section-5.2)).

use http::header::{AsHeaderName, HeaderMap};

use super::grammar::{Argument, Directive, members};
use super::seconds::Seconds;

/// The directives of the field `name`, over all its lines.
pub(super) fn directives(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = Directive<'_>> {
    members(headers, name).filter_map(Directive::parse)
}

/// The argument of `max-age` and directives of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// A number of seconds.
    Stated(Seconds),
    /// Present, and unreadable: "Caches are encouraged to consider responses that have invalid freshness information
    /// (e.g., a max-age directive with a non-integer value) to be stale"
    /// ([RFC 9111 §4.2.1](https://www.rfc-editor.org/rfc/rfc9111#section-4.2.1)).
    Malformed,
}

impl Lifetime {
    /// Reads the argument; a quoted number counts
    /// ([RFC 9111 §5.2](https://www.rfc-editor.org/rfc/rfc9111#section-5.2)).
    #[must_use]
    pub fn read(argument: &Argument) -> Self {
        match argument {
            Argument::Value(value) => Seconds::parse(value).map_or(Self::Malformed, Self::Stated),
            Argument::Absent | Argument::Malformed => Self::Malformed,
        }
    }

    /// The seconds it grants: none when it is malformed.
    #[must_use]
    pub fn seconds(self) -> Seconds {
        match self {
            Self::Stated(seconds) => seconds,
            Self::Malformed => Seconds::ZERO,
        }
    }

    /// Whether it could be read.
    #[must_use]
    pub fn is_stated(self) -> bool {
        matches!(self, Self::Stated(_))
    }

    /// Of a directive that stands twice, the stricter one.
    pub(super) fn tighten(slot: &mut Option<Self>, next: Self) {
        *slot = Some(match *slot {
            Some(first) if !first.is_stated() || !next.is_stated() => Self::Malformed,
            Some(first) => Self::Stated(first.seconds().min(next.seconds())),
            None => next,
        });
    }
}
