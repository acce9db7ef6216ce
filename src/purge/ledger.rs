//! What isolates and the ledger say to each other, beside snapshots.

use serde::{Deserialize, Serialize};

use super::area::Area;
use super::records::{Purge, What};
use crate::cache::Stamp;
use crate::name::Name;

/// The first segment of every path.
const VERSION: &str = "1";

/// Purges to be recorded.
pub const APPEND: &str = "/1/append";

/// The path for all records after `since`, or for all there are if that is 0 or of another ledger.
#[must_use]
pub fn index_target(incarnation: u64, since: u64) -> String {
    format!("/{VERSION}/index/{incarnation}/{since}")
}

/// Reads that path: which ledger, and since when.
#[must_use]
pub fn parse_index_target(target: &str) -> Option<(u64, u64)> {
    let (incarnation, since) = target.strip_prefix("/1/index/")?.split_once('/')?;
    Some((incarnation.parse().ok()?, since.parse().ok()?))
}

/// One purge on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wire {
    /// Sixteen hexadecimal digits; absent for an area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Absent for a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
    /// Gone, or only to be validated.
    pub hard: bool,
    /// Whether anybody can bring it about, by an unsafe request: too many of those are widened.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_anyone: bool,
}

impl Wire {
    /// For the way there.
    #[must_use]
    pub fn new(purge: &Purge, by_anyone: bool) -> Self {
        let (name, area) = match &purge.what {
            What::Named(name) => (Some(format!("{:016x}", name.0)), None),
            What::In(area) => (None, Some(area.clone())),
        };
        Self { name, area, hard: purge.hard, by_anyone }
    }

    /// The name, if it has one that can be read.
    #[must_use]
    pub fn parsed_name(&self) -> Option<Name> {
        self.name.as_deref().and_then(|digits| u64::from_str_radix(digits, 16).ok()).map(Name)
    }
}

/// What became of them, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appended {
    /// Which ledger.
    pub incarnation: u64,
    /// Their numbers.
    pub sequences: Vec<u64>,
    /// The numbers under which the same was purged before; 0 for what never was.
    pub before: Vec<u64>,
}

impl Appended {
    /// Whether the same was not purged by anyone else after `stamp`.
    #[must_use]
    pub fn is_alone_since(&self, stamp: Stamp) -> bool {
        self.incarnation == stamp.incarnation && self.before.iter().all(|before| *before <= stamp.sequence)
    }
}
