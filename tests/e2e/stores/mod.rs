//! One suite for every backend, each against what it really runs on here: pages that are kept in nothing else.
//!
//! Slow and down are a relay before what is reached over the network, and for bindings one of the same name that never answers, or throws.
//! The Cache API is part of the runtime, and cannot be replaced here: `tests/engine/stores.rs` lets a simulated one fail.

mod backends;
mod faults;
mod values;
