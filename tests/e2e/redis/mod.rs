//! Redis, over HTTP.

mod servers;
