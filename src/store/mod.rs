//! Where entries are kept: the memory tier, what Redis is told over HTTP, and the breakers in front of what may fail.

mod backend;
mod backoff;
mod breaker;
mod memory;
mod pacing;
pub mod redis;

pub use backend::{Backend, backend};
pub use backoff::Backoff;
pub use breaker::{Breaker, BreakerState};
pub use memory::{BUDGET, Memory};
pub use pacing::{Pace, Pacing};
