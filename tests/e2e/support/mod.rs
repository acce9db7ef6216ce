//! Raw sockets on both sides of the Worker in workerd.

mod client;
mod origin;
mod program;
mod redis;
mod worker;

pub use client::{Client, Reply};
pub use origin::{Answer, Asked, Gate, Origin};
pub use redis::{Redis, Upstash, Webdis};
pub use worker::{Options, Worker, vars};
