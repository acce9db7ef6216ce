//! What the ledger says, as bytes.
//!
//! ```text
//! "LRPI"  version: u8  incarnation  since  last  floor: u64  hard, soft: u32  (name, number: u64)…  areas: JSON
//! ```

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::area::Area;
use super::records::Records;
use super::table::Table;
use crate::name::Name;

const MAGIC: &[u8] = b"LRPI\x01";
const PREAMBLE: usize = 5 + 4 * 8 + 2 * 4;

/// All records after a number, or all there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Which ledger.
    pub incarnation: u64,
    /// Records after this; 0 if it is all of them.
    pub since: u64,
    /// The last number.
    pub last: u64,
    /// What has no number after this is forgotten.
    pub floor: u64,
    /// Hard purges, sorted by name.
    pub hard: Vec<(Name, u64)>,
    /// Soft ones.
    pub soft: Vec<(Name, u64)>,
    /// By area.
    pub areas: Vec<AreaRecord>,
}

/// A purge by area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaRecord {
    /// Where.
    pub area: Area,
    /// Its number.
    pub sequence: u64,
    /// Whether it is a hard one.
    pub hard: bool,
}

impl Snapshot {
    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for number in [self.incarnation, self.since, self.last, self.floor] {
            bytes.extend(number.to_be_bytes());
        }
        for table in [&self.hard, &self.soft] {
            bytes.extend((table.len() as u32).to_be_bytes());
        }
        for (name, sequence) in self.hard.iter().chain(&self.soft) {
            bytes.extend(name.0.to_be_bytes());
            bytes.extend(sequence.to_be_bytes());
        }
        bytes.extend(serde_json::to_vec(&self.areas).unwrap_or_default());
        bytes
    }

    /// Reads it back; `None` if it is none, or one of another version.
    #[must_use]
    pub fn decode(bytes: &Bytes) -> Option<Self> {
        let (preamble, rest) = bytes.split_at_checked(PREAMBLE)?;
        let numbers = preamble.strip_prefix(MAGIC)?;
        let number = |at: usize| numbers.get(at * 8..at * 8 + 8)?.try_into().map(u64::from_be_bytes).ok();
        let count = |at: usize| numbers.get(32 + at * 4..36 + at * 4)?.try_into().map(u32::from_be_bytes).ok();
        let (hard, rest) = rest.split_at_checked(count(0)? as usize * 16)?;
        let (soft, areas) = rest.split_at_checked(count(1)? as usize * 16)?;
        Some(Self {
            incarnation: number(0)?,
            since: number(1)?,
            last: number(2)?,
            floor: number(3)?,
            hard: pairs(hard)?,
            soft: pairs(soft)?,
            areas: serde_json::from_slice(areas).ok()?,
        })
    }

    pub(super) fn into_records(self) -> (u64, Records) {
        let areas = self.areas.into_iter().map(|record| (record.area, record.sequence, record.hard)).collect();
        let (hard, soft) = (Table::from_sorted(self.hard), Table::from_sorted(self.soft));
        (self.incarnation, Records::new(hard, soft, areas, self.last, self.floor))
    }

    pub(super) fn add_to(self, records: &mut Records) {
        self.hard.iter().for_each(|(name, sequence)| records.hard.insert(*name, *sequence));
        self.soft.iter().for_each(|(name, sequence)| records.soft.insert(*name, *sequence));
        self.areas.into_iter().for_each(|record| records.insert_area((record.area, record.sequence, record.hard)));
        records.last = records.last.max(self.last);
        records.floor = records.floor.max(self.floor);
    }
}

fn pairs(bytes: &[u8]) -> Option<Vec<(Name, u64)>> {
    let number = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes).ok();
    let pairs: Vec<_> = bytes
        .chunks_exact(16)
        .map(|pair| {
            pair.split_at_checked(8).and_then(|(name, sequence)| Some((Name(number(name)?), number(sequence)?)))
        })
        .collect::<Option<_>>()?;
    // A list that is not sorted would hide what is in it.
    pairs.is_sorted_by(|one, next| one.0 < next.0).then_some(pairs)
}
