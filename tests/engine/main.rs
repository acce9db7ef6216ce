//! The order of things, in a simulated world: what the origin was asked, what the client got, what is in the stores.

#[path = "../support/mod.rs"]
mod support;

mod cells;
mod cells_steps;
mod collapse;
mod esi;
mod esi_fragments;
mod failing;
mod memcached;
mod partial;
mod purge;
mod purge_index;
mod redis;
mod redis_dialects;
mod replay;
mod shield;
mod sparing;
mod spine;
mod staleness;
mod stores;
mod updates;
mod zone;
