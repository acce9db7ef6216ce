//! Raw sockets on both sides of the Worker in workerd.

mod client;
mod memcached;
mod origin;
mod program;
mod redis;
mod relay;
mod worker;

pub use client::{Client, Reply, telling};
pub use memcached::Memcached;
pub use origin::{Answer, Asked, Gate, Origin};
pub use redis::{Redis, Upstash, Webdis};
pub use relay::{Passage, Relay};
pub use worker::{Options, Worker, vars};

/// Asks until there is an answer, within twenty seconds.
#[allow(clippy::disallowed_methods, reason = "this is a test's own patience, not a decision of the cache")]
pub fn until<T>(ask: impl Fn() -> Option<T>) -> T {
    let began = std::time::Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "it did not happen");
        std::thread::yield_now();
    }
}
