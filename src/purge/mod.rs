//! What was invalidated, and whether an entry is older than that.

mod index;

pub use index::PurgeIndex;
