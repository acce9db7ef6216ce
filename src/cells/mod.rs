//! Low-level values: Django's verbs, read from HTTP and made into atomic steps that Redis and the Durable Objects take alike.

mod command;
mod divided;
mod frames;
mod lifetime;
mod many;
mod name;
mod parameters;
mod script;
mod step;
mod sweep;

pub use command::{Answer, Asked, Command, Defaults, Refusal};
pub use divided::{divide, join};
pub use frames::{decode, encode};
pub use lifetime::{FOREVER, Lifetime};
pub use name::Name;
pub use script::source;
pub use step::{Reply, Step, Verb, number};
pub use sweep::{PAGE, Sweep, Swept};

/// Among so many objects the keys of an alias are divided. One object takes a thousand requests a second.
pub const OBJECTS: usize = 16;

/// The longest name, prefix and version included, in bytes. Workers KV has the same limit; Django warns from 250 on.
pub const MAX_NAME: usize = 512;

/// So many keys in one `many`.
pub const MAX_KEYS: usize = 1000;

/// What several values may come to in one answer, in bytes. `get.lua` has the same number.
pub const MAX_TOGETHER: usize = 4 << 20;

/// How long a lease may be held, and how long it may be waited for, in seconds.
pub const MAX_LEASE: i64 = 300;
/// See [`MAX_LEASE`].
pub const MAX_WAIT: i64 = 30;
