//! What was invalidated, and whether an entry is older than that.

mod area;
pub mod command;
mod index;
pub mod ledger;
mod records;
mod snapshot;
mod table;
pub mod zone;

pub use area::Area;
pub use index::PurgeIndex;
pub use records::{Purge, What};
pub use snapshot::{AreaRecord, Snapshot};
