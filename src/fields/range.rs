//! Byte ranges ([RFC 9110 §14](https://www.rfc-editor.org/rfc/rfc9110#section-14)).

use std::ops::Range;

use http::HeaderMap;
use http::header::RANGE;

use super::grammar::{sole_line, split_list, trim_ows};

/// More ranges than this in one request are an attack, not a need
/// ([RFC 9110 §17.15](https://www.rfc-editor.org/rfc/rfc9110#section-17.15)).
const MAX_RANGES: usize = 16;

/// One `first-last`, `first-` or `-suffix`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// From an offset to an inclusive last offset, or to the end.
    From(u64, Option<u64>),
    /// The last so many bytes.
    Suffix(u64),
}

impl ByteRange {
    fn parse(spec: &str) -> Option<Self> {
        let (first, last) = spec.split_once('-')?;
        match (trim_ows(first), trim_ows(last)) {
            ("", length) => Some(Self::Suffix(offset(length)?)),
            (first, "") => Some(Self::From(offset(first)?, None)),
            (first, last) => {
                let (first, last) = (offset(first)?, offset(last)?);
                (first <= last).then_some(Self::From(first, Some(last)))
            }
        }
    }

    /// The part of a body of `length` bytes that it selects; `None` if it selects nothing.
    #[must_use]
    pub fn within(self, length: u64) -> Option<Range<u64>> {
        let selected = match self {
            Self::From(first, last) => first..last.map_or(length, |last| last.saturating_add(1).min(length)),
            Self::Suffix(count) => length.saturating_sub(count)..length,
        };
        (selected.start < selected.end).then_some(selected)
    }
}

/// An offset; one too large to represent is past the end of everything.
fn offset(digits: &str) -> Option<u64> {
    let numeric = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    numeric.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// The ranges a request asks for. `None` when there is no `Range`, or one to be ignored: another unit, a syntax error,
/// too many ranges.
#[must_use]
pub fn requested(headers: &HeaderMap) -> Option<Vec<ByteRange>> {
    let (unit, set) = sole_line(headers, RANGE)?.split_once('=')?;
    if !trim_ows(unit).eq_ignore_ascii_case("bytes") {
        return None;
    }
    let ranges = split_list(set).map(ByteRange::parse).collect::<Option<Vec<_>>>()?;
    (1..=MAX_RANGES).contains(&ranges.len()).then_some(ranges)
}

/// The parts of a body of `length` bytes that `ranges` select, in the order asked for. Ranges that overlap or touch become one:
/// nobody needs the same bytes twice ([RFC 9110 §15.3.7.2](https://www.rfc-editor.org/rfc/rfc9110#section-15.3.7.2)).
#[must_use]
pub fn satisfiable(ranges: &[ByteRange], length: u64) -> Vec<Range<u64>> {
    let mut selected: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for mut next in ranges.iter().filter_map(|range| range.within(length)) {
        selected.retain(|known| {
            let meets = known.start <= next.end && next.start <= known.end;
            if meets {
                next = known.start.min(next.start)..known.end.max(next.end);
            }
            !meets
        });
        selected.push(next);
    }
    selected
}

/// A `Content-Range` of bytes ([RFC 9110 §14.4](https://www.rfc-editor.org/rfc/rfc9110#section-14.4)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentRange {
    /// What the body holds of the whole.
    pub range: Range<u64>,
    /// The length of the whole, if it is known.
    pub complete: Option<u64>,
}

impl ContentRange {
    /// Reads `bytes first-last/complete`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (unit, rest) = text.split_once(' ')?;
        let (range, complete) = rest.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        // What ends beyond all numbers is no range of a body that can be kept.
        let (first, last) = (offset(first)?, offset(last)?);
        let end = last.checked_add(1)?;
        let complete = match complete {
            "*" => None,
            digits => Some(offset(digits)?),
        };
        let valid = unit.eq_ignore_ascii_case("bytes") && first <= last && complete.is_none_or(|length| last < length);
        valid.then_some(Self { range: first..end, complete })
    }
}

/// `bytes 0-4/10`.
impl std::fmt::Display for ContentRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "bytes {}-{}/", self.range.start, self.range.end - 1)?;
        match self.complete {
            Some(length) => write!(f, "{length}"),
            None => f.write_str("*"),
        }
    }
}
