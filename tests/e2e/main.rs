//! The built Worker in a real workerd, raw sockets on both sides. What counts is what the origin saw and what the client got, never
//! a status field alone.
#![cfg(not(target_arch = "wasm32"))]

mod cells;
mod esi;
mod faults;
mod purge;
mod redis;
mod security;
mod shield;
mod spine;
mod stores;
mod support;
mod zone;
