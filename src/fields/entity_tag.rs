//! Entity tags and how to compare them ([RFC 9110 §8.8.3](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3)).

use http::HeaderMap;
use http::header::ETAG;

use super::grammar::{sole_line, trim_ows};

/// A validator: `"opaque"` or `W/"opaque"`.
///
/// One that breaks the grammar (unquoted, say) is kept as it is and equals only its own text: origins do send such
/// tags and do recognise them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityTag<'a> {
    text: &'a str,
    weak: bool,
}

impl<'a> EntityTag<'a> {
    /// Reads one entity tag; `None` if there is nothing to read.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = trim_ows(text);
        let (text, weak) = text.strip_prefix("W/").map_or((text, false), |opaque| (opaque, true));
        (!text.is_empty()).then_some(Self { text, weak })
    }

    /// The `ETag` of a response. A repeated one names no representation.
    #[must_use]
    pub fn of(headers: &'a HeaderMap) -> Option<Self> {
        sole_line(headers, ETAG).and_then(Self::parse)
    }

    /// Whether both are the same and neither is weak: byte for byte the same representation.
    #[must_use]
    pub fn strong_eq(self, other: Self) -> bool {
        !self.weak && !other.weak && self.text == other.text
    }

    /// Whether both are the same apart from weakness: equivalent enough to be reused.
    #[must_use]
    pub fn weak_eq(self, other: Self) -> bool {
        self.text == other.text
    }

    /// Whether it only promises equivalence.
    #[must_use]
    pub fn is_weak(self) -> bool {
        self.weak
    }
}

/// As it stands in a field.
impl std::fmt::Display for EntityTag<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.weak { "W/" } else { "" })?;
        f.write_str(self.text)
    }
}

/// The members of `If-None-Match` and `If-Match`. Commas inside the quotes belong to a tag, and backslashes are not
/// special there, so this is not the ordinary list.
pub fn list(line: &str) -> impl Iterator<Item = EntityTag<'_>> {
    let mut quoted = false;
    line.split(move |character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    })
    .filter_map(EntityTag::parse)
}
