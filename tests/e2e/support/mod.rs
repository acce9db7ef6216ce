//! Raw sockets on both sides of the Worker in workerd.

mod client;
mod origin;
mod worker;

pub use client::{Client, Reply};
pub use origin::{Answer, Asked, Origin};
pub use worker::{Worker, vars};
