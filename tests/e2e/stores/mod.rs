//! One suite for every backend, each against what it really runs on here: pages that are kept in nothing else.
//!
//! Slow and down are a relay before what is reached over the network, and for bindings one of the same name that never answers, or throws.
//! The Cache API cannot be had that way, since it is part of the runtime: it is left to the simulated stores of `tests/engine/stores.rs`.

mod backends;
mod faults;
mod values;
