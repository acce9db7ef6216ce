//! Larder.
#![warn(missing_docs, unreachable_pub)]

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
pub mod policy;
pub mod purge;
pub mod reason;
pub mod shield;
pub mod store;
pub mod url;

#[cfg(target_arch = "wasm32")]
mod edge;
