//! `Vary`: the request fields by which the origin chose ([RFC 9110 §12.5.5](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.5)).

use http::HeaderMap;
use http::header::{HeaderName, VARY};

use super::grammar::members;

/// More names than this are not a choice but a mistake; the answer is not stored.
const MAX_NAMES: usize = 32;

/// What a response says about how it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vary {
    /// By these fields, sorted, each once; by none if it is empty.
    By(Vec<HeaderName>),
    /// `*`: by things no request shows.
    Anything,
    /// Not readable, so not to be relied on.
    Unreadable,
}

impl Vary {
    /// Reads all lines of the field. One `*` anywhere decides.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Self {
        let members: Vec<_> = members(headers, VARY).collect();
        if members.contains(&"*") {
            return Self::Anything;
        }
        let names = members.iter().map(|name| HeaderName::from_bytes(name.as_bytes()));
        let Ok(mut names) = names.collect::<Result<Vec<_>, _>>() else {
            return Self::Unreadable;
        };
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        if names.len() > MAX_NAMES { Self::Unreadable } else { Self::By(names) }
    }
}
