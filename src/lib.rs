//! Larder.
#![warn(missing_docs, unreachable_pub)]
// Nothing that a visitor, an origin or a store can say ends in a panic. Each exception carries its reason.
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::todo,
    clippy::unimplemented
)]
#![warn(clippy::indexing_slicing, clippy::string_slice, clippy::get_unwrap, clippy::unwrap_in_result)]

pub mod blob;
pub mod cache;
pub mod cells;
pub mod digest;
pub mod engine;
pub mod esi;
pub mod fields;
pub mod forward;
pub mod key;
pub mod manual;
pub mod message;
pub mod name;
pub mod policy;
pub mod purge;
pub mod reason;
pub mod shield;
pub mod store;
pub mod url;

#[cfg(target_arch = "wasm32")]
mod edge;
