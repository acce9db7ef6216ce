//! Redis, over HTTP.

mod servers;
mod write_through;
