//! One suite for every backend, each against what it really runs on here: pages that are kept in nothing else.
//!
//! Slow and down are a relay before what is reached over the network, and for bindings one of the same name that never answers, or throws.
//! What cannot be had that way is left to the simulated stores of `tests/engine/stores.rs`: the Cache API, which is part of the runtime, and
//! a slow D1, whose statements no stand-in can hand over.

mod backends;
mod faults;
mod values;
