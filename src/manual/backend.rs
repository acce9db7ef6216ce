//! A backend of one's own: Django's custom cache class.
//!
//! # Without a change to Larder
//!
//! The tier `kv` is whatever is bound as `CACHE` and has the three methods of Workers KV that Larder calls. A Worker of yours that has
//! them can stand there, in front of any database it reaches. Bind it in the place of the namespace:
//!
//! ```toml
//! [[services]]
//! binding    = "CACHE"
//! service    = "my-store"
//! entrypoint = "Store"
//!
//! [vars.CACHES.default]
//! tiers = ["memory", "colo", "kv"]
//! ```
//!
//! This is all of such a Worker; `tests/e2e/stores` runs it through the same tests as every other backend:
//!
//! ```js
#![doc = include_str!("../../fixtures/backend/store.mjs")]
//! ```
//!
//! It gets what the tier `kv` gets: records of up to 25 MiB that live a minute or longer, a key once a second, within
//! `BUDGET.kv_writes_per_day` if that is set. Larder does the rest: it waits half a second for an answer, leaves it alone for a while after
//! five failures, takes a record that is damaged for none, and never lets a visitor notice.
//!
//! # As a tier with a name
//!
//! **Name it.** A line of [`Tier`](crate::policy::Tier) gives it the name that stands in `tiers`; `larder check` knows it from then on.
//!
//! **Say what it takes.** A row of [`backend`](fn@crate::store::backend) is all that the engine wants to know beforehand:
//!
//! ```
//! use larder::policy::Tier;
//! use larder::store::backend;
//!
//! let r2 = backend(Tier::R2);
//! // Its writes are charged for, so `admission` and `BUDGET` govern them, and it takes one write of a key in a second.
//! assert!(r2.charges && r2.paced);
//! // Whoever waited for another isolate finds there what that one wrote. Workers KV cannot promise it.
//! assert!(r2.sees_every_write && !backend(Tier::Kv).sees_every_write);
//! // What does not fit is not sent there.
//! assert_eq!(backend(Tier::D1).max_record, 1_499_000);
//! ```
//!
//! **Reach it.** How depends on where it is:
//!
//! | it is | example | what to write |
//! |---|---|---|
//! | a binding of the runtime | R2, below | a file of `src/edge/stores/`, and a line each for reading, writing and removing in its `mod.rs` |
//! | a server that speaks HTTP | Redis | [a codec](crate::store::redis) that knows no effects, and `src/engine/redis.rs`, which calls [`Ports::fetch`] |
//! | a server on a TCP port | memcached | [a codec](crate::store::memcached), and `src/engine/memcached.rs`, which calls [`Ports::converse`] |
//!
//! [`Ports::fetch`]: crate::engine::ports::Ports::fetch
//! [`Ports::converse`]: crate::engine::ports::Ports::converse
//!
//! The file of R2, as it is compiled. Each function asks for one promise; `mod.rs` waits for it:
//!
//! ```text
#![doc = include_str!("../edge/stores/r2.rs")]
//! ```
//!
//! Deadlines, breakers, budgets, backfill, the health page and the order of tiers are the engine's, and come by themselves. A record is
//! written and read whole. It carries its own key, checksums and freshness, so the worst a backend can do is to lose it. Its lifetime in the
//! store is only for tidiness: what comes back late is not fresh, and what a purge overtook is not used.
//!
//! **Test it.** A line of `ALL` in `tests/e2e/stores/backends.rs` runs the suite against what you start for it: a round trip, every byte
//! value, the end of a lifetime, sizes on both sides of the limit, concurrent writes, absence; and a server or a binding that is slow or
//! down.
