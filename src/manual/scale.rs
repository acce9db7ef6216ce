//! What a site of any size asks of the platform, what that costs, and which limit it meets first.
//!
//! The tables are what `make bench-scale` writes. It runs the engine as it is, in virtual time, and counts every call at its ports:
//! 1,000 visitors a second ask for pages that are fresh for three minutes, some of them far more often than others, in one data centre or
//! evenly in 300; `tiers = ["memory", "colo", "kv", "redis"]`, `collapse = "global"`, a ledger with the default `PURGE_BOUND`. A data centre
//! goes on for a minute with what it last read from KV, absence too. There are as many pages as it takes for half, nine tenths or 99 of a
//! hundred requests to be for one that was fetched less than its lifetime ago; hits are those that no origin was asked for.
//!
#![doc = include_str!("../../bench/scale.md")]
//!
//! # How to read them
//!
//! - A miss is two calls of the shield, to lead and to tell; three Redis commands, one to look, one to look again once it leads, and one
//!   to write; and one write to KV, the largest part of what it costs. `admission = "second-hit"` spares KV what is asked for once.
//! - A hit costs what its tier does. In one data centre the Cache API has what memory has no room for, free of charge. In 300 each of them
//!   reads a page from KV first: most hits of a site that few ask for are reads from KV, at half a dollar a million. While KV still says
//!   that a page is absent, Redis has it, and who finds it there writes it to KV again: that is why KV is written more often than the
//!   origin is asked.
//! - The ledger is asked by each isolate that is busy, every five seconds (half of `PURGE_BOUND`), whatever it serves. A purge is one more
//!   call, and an unsafe request on a route that stores another.
//! - Requests in the second table are divided among isolates of 250 requests a second each, which is a guess: the runtime decides. Only the
//!   ledger's calls depend on it.
//!
//! # Limits and prices
//!
//! As published on 21 November 2026, in dollars for a million beyond what a paid plan includes:
//!
//! | | limit | price |
//! |---|---|---|
//! | [Workers](https://developers.cloudflare.com/workers/platform/pricing/) | 10,000 calls for a request, 128 MB an isolate | 0.30, and 0.02 for a million ms of CPU, which is not in the table |
//! | [Workers KV](https://developers.cloudflare.com/kv/platform/pricing/) | a write a second to one key, as many as wanted to others | reads 0.50, what is absent too; writes 5.00 |
//! | [Durable Objects](https://developers.cloudflare.com/durable-objects/platform/pricing/) | about 1,000 requests a second to one object | 0.15, and 12.50 for a million GB-s, which is not in the table |
//! | [Cache API](https://developers.cloudflare.com/workers/runtime-apis/cache/) | counts as a call | none |
//! | [Upstash Redis](https://upstash.com/docs/redis/overall/billing) | 10,000 commands a second | 2.00; one's own Redis costs what its server does |
//!
//! On the free plan the first limit is 1,000 writes to KV a day: as many fills, so 10,000 requests at nine hits of ten. After that
//! [`BUDGET`](crate::policy::Config) leaves KV alone for the day, and each data centre fills its own cache from Redis, or from the origin. The
//! second is 100,000 requests a day.
//!
//! # At 100,000 requests a second
//!
//! **The origin first**, at any hit ratio it was not built for: that is what the other numbers are for.
//!
//! **Then Redis.** Three commands for a miss are 10,000 a second at 3,333 misses, a hit ratio of 96.7 %. What it refuses or answers late
//! counts as a failure. After five in ten seconds an isolate leaves Redis alone for five, and then lets one request try. Nobody gets an error,
//! and nobody waits longer than the half second that a lookup may take, those few before it is left alone. Fills go on into memory, data centre
//! and KV, and one isolate asks the origin for all, so what is lost is the last look before the origin, and pages that only KV is late
//! for are fetched once more. A Redis with more shards, `tiers` without `redis`, or a longer lifetime moves that limit.
//!
//! **Then the ledger**, one object: 1,000 calls a second are 5,000 busy isolates. An index that cannot be read anew holds for a minute beyond
//! `PURGE_BOUND`; then what is stored is validated with the origin before it is used, and never taken for purged or not purged by
//! guess. A purge that could not be recorded is answered 503. `PURGE_BOUND = "60s"` takes a sixth of the calls. With `strict_purge` each hit
//! is a call: above 1,000 of them a second for the site, such requests pass to the origin.
//!
//! **Then the shield**: 1,024 objects take a million calls a second, half a million misses, evenly divided by the hash of the key. One page that
//! all the world asks for is no danger to its object, since each isolate asks once for all its visitors. Where the shield fails or is
//! late, each isolate fetches for itself.
//!
//! **KV's write a second to one key** is met by nobody: an isolate writes a key once a second at most and the shield lets one isolate
//! fetch it. Were it refused, the entry would be where it was fetched, and in Redis.
