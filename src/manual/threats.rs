//! Who attacks a shared cache, what is trusted, and which rule stops which kind of attack.
//!
//! # Who is trusted
//!
//! | who | with what |
//! |---|---|
//! | whoever runs the site | configuration, secrets, the code that is deployed |
//! | the origin | the pages of its own hosts: what it marks as shared is shared. Not with form: whatever it sends, broken or endless, costs nobody else anything |
//! | Cloudflare's runtime | to be what it is documented to be, TLS and the address of the visitor |
//! | stores: KV, Redis, D1, R2, memcached | to keep what is confidential. Not to keep it whole, or for long, or to know the newest |
//! | Durable Objects | that what they say is recorded is recorded. Not to answer |
//! | a visitor | with nothing: neither method nor URL, fields, body, pace nor patience |
//!
//! The attackers that count: a visitor who wants others to see something else (poisoning), or wants to see what is others' (leakage,
//! deception), or wants the site not to be seen at all (exhaustion); somebody who guesses at tokens; and a network between the Worker and
//! its stores that fails at the worst moment, which needs no malice.
//!
//! # Three promises
//!
//! - What reaches the origin on a request that may be stored is what is in the key, and what cannot matter. What tells the origin which
//!   answer to give, tells the cache under which key it is.
//! - What is unclear is not shared: the request passes, and its reason stands in `Cache-Status`.
//! - No failure of the cache widens who may see an answer, nor turns an answer of the origin into an error.
//!
//! # Which rule stops what
//!
//! | attack | the rule, and where it is |
//! |---|---|
//! | **unkeyed inputs**: a field that the origin reflects and the key ignores (`X-Forwarded-Host`, `X-Original-URL`, `Rsc`, …) | each field has one of a few classes: keyed, set anew, dropped, or the request passes. [`class_of`](crate::forward::class_of), [`plan`](fn@crate::forward::plan) |
//! | **URL, query and key encoding**: two URLs under one key, one URL under two readings | one canonical URL is routed, keyed and fetched: [`CanonicalUrl`](crate::url::CanonicalUrl); what a looser reader could route elsewhere passes: [`looser_readings`](crate::url::looser_readings); parts of a key are framed by length and hashed: [`key`](crate::key); an ignored parameter does not reach the origin: [`select_query`](crate::url::select_query) |
//! | **web cache deception**: a private page under a path that looks static | nothing is public by its extension; [`media_type`](crate::cache::media_type) compares what came with what the path says |
//! | **cross-user leakage** | cookies are keyed as keyed digests or not sent: [`IdentityKeys`](crate::forward::IdentityKeys); what sets a cookie, is `private`, or answers `Authorization`, is refused: [`storability`](mod@crate::cache::storability); what a request waits for is judged again by its own rules: `engine::collapse` |
//! | **error poisoning**: an error that one request provokes becomes the page for all | what a client's own fields bring about is not stored, an error replaces nothing that is of use: [`storability`](mod@crate::cache::storability), `engine::admit` |
//! | **storage directives**: text that one parser reads as strict and another as lax | one grammar for all fields, and what cannot be read counts as the strictest it could mean: [`grammar`](crate::fields::grammar), [`ResponseDirectives`](crate::fields::ResponseDirectives), [`targeted`](crate::fields::targeted) |
//! | **methods, validators, ranges** | only GET fills; a 304 changes only the response it is for, and none that was purged meanwhile: [`validation`](crate::cache::validation); parts are joined only if both say that they are of one thing: [`partial`](crate::cache::partial) |
//! | **`Vary`** | all lines count, the newest rule counts, what is not forwarded makes the answer unshareable, and a URL has few variants: [`variant`](crate::cache::variant) |
//! | **ESI**: markup that a visitor wrote, includes that lead elsewhere, pages without end | off unless the route and the origin say so; includes lead to the hosts of the site: [`Visitor`](crate::esi::Visitor); depth, number and bytes are [limited](crate::esi::limits) |
//! | **admin** | tokens are compared in constant time, without one every path answers the same, and a missing secret closes what it guards: `engine::admin::auth`; a purge is acknowledged when it is recorded: [`ledger`](crate::purge::ledger) |
//! | **exhaustion**: crowds, random URLs, bombs, endless bodies | one fetch for a crowd, bounded waits: `engine::flights`, [`shield`](crate::shield); bodies under way share one budget: [`Room`](crate::engine::Room); posting flushes no more than it could have changed, per minute and widened; writes that cost have a [`Budget`](crate::policy::Budget) |
//! | **the wire**: half bodies, odd statuses, fields that are none | a body counts when it is whole, and its checksum goes with it; fields that a map cannot hold end the message: `edge::arrival`; hop-by-hop fields [end here](crate::fields::hop_by_hop) |
//! | **stores**: damaged, older, or somebody else's values | a [`record`](mod@crate::cache::record) carries its key, version, lengths and checksums; a purge is a number that what was fetched before does not reach: [`PurgeIndex`](crate::purge::PurgeIndex) |
//! | **side channels**: who saw what, by time or `Age` | another identity is another key; keys, tags and reasons in detail take a token. That somebody has seen a public page can be measured: pass what must not show it |
//!
//! Two of these rules, at work:
//!
//! ```
//! use larder::url::{CanonicalUrl, looser_readings};
//!
//! // A path that leads out of its folder is the path it leads to, for the route, the key and the origin.
//! let url = CanonicalUrl::parse("https://site.test/static/%2e%2e/account", None).expect("a URL");
//! assert_eq!(url.path, "/account");
//! // One that only some servers read so passes if that would be another route.
//! assert!(looser_readings("/static/..%2faccount").contains(&"/account".to_owned()));
//! ```
//!
//! # What is shown, and how
//!
//! Published attacks are replayed in `tests/e2e/security`, faults in `tests/e2e/faults`; `tests/simulation` looks for what nobody thought
//! of. When the Worker itself dies, `src/edge/entry.mjs` hands its requests to a new instance, which passes them: it is the one place where
//! a request is tried twice, and never one that may have been done. Nothing in the crate is written to panic: `src/lib.rs` has the lints,
//! each exception its reason.
