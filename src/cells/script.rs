//! The steps as Redis takes them: scripts, each of which nothing comes between. They answer in flat lists of strings, which is all that
//! every gateway passes on unharmed.

use super::step::Verb;

/// The script of a step.
#[must_use]
pub const fn source(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => include_str!("redis/get.lua"),
        Verb::Set => include_str!("redis/set.lua"),
        Verb::Add => concat!(include_str!("redis/add.lua"), include_str!("redis/set.lua")),
        Verb::Delete => include_str!("redis/delete.lua"),
        Verb::Increment => include_str!("redis/increment.lua"),
        Verb::Touch => include_str!("redis/touch.lua"),
        Verb::Move => include_str!("redis/move.lua"),
        Verb::Lease => include_str!("redis/lease.lua"),
        Verb::Fill => include_str!("redis/fill.lua"),
        Verb::List => concat!(include_str!("redis/sweep.lua"), "return found\n"),
        Verb::Drop => concat!(include_str!("redis/sweep.lua"), include_str!("redis/drop.lua")),
    }
}
