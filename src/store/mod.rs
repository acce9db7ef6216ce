//! Where entries are kept, and what is decided about that without touching a store.

mod blob;
mod memory;

pub use blob::Blob;
pub use memory::{BUDGET, Memory};
