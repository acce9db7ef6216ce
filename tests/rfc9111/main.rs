//! HTTP caching by table: each line is a rule of RFC 9111 (or of the RFC its test names) and an example of it.

#[path = "../support/mod.rs"]
mod support;

mod age;
mod cache_status;
mod conditional;
mod dates;
mod directives;
mod forwarding;
mod freshness;
mod given;
mod invalidation;
mod keys;
mod no_vary_search;
mod partial;
mod post;
mod reuse;
mod storability;
mod stored_fields;
mod targeted;
mod urls;
mod vary;
