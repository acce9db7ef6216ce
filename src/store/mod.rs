//! Where entries are kept: what each backend takes, the memory tier, what Redis and memcached are told, and the breakers in front of what
//! may fail.

mod backend;
mod backoff;
mod breaker;
pub mod memcached;
mod memory;
mod pacing;
pub mod redis;

pub use backend::{Backend, backend};
pub use backoff::Backoff;
pub use breaker::{Breaker, BreakerState};
pub use memory::{BUDGET, Memory};
pub use pacing::{Pace, Pacing};
