//! The shield: one of many small objects that all isolates reach, where requests for one key agree on who asks the origin, and
//! where writes that cost are counted. Nothing rests on it: whoever cannot reach it goes on alone.

mod protocol;

pub use protocol::{Ask, Role, VERSION, Word};

use crate::key::CacheKey;
use crate::policy::Tier;

/// Among so many objects the keys are divided.
const OBJECTS: u16 = 1024;

/// The object that counts what is spent on `tier`.
#[must_use]
pub const fn budget_object(tier: Tier) -> &'static str {
    match tier {
        Tier::D1 => "budget-d1",
        Tier::R2 => "budget-r2",
        _ => "budget",
    }
}

/// The largest record that is handed to those who waited; they fetch a larger one for themselves.
pub const MAX_HANDED_OVER: usize = 512 * 1024;

/// The object that decides about `key`.
#[must_use]
pub fn object_for(key: &CacheKey) -> String {
    format!("shield-{}", u16::from_be_bytes([key.0[0], key.0[1]]) % OBJECTS)
}
