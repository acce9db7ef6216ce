//! Where entries are kept, and what is decided about that without touching a store.

mod memory;

pub use memory::{BUDGET, Memory};
