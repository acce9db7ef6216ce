//! What reaches the origin, and so what must be in the key: on a request that may be answered from the store the origin
//! sees what is in the key, plus what cannot matter.

mod class;
mod cookies;
mod fragment;
mod identity;
mod locations;
mod plan;

pub use class::{Class, class_of};
pub use fragment::fragment_request;
pub use identity::IdentityKeys;
pub use locations::map_locations;
pub use plan::{Lookup, Treatment, ask_for_template, pass_through, plan, select_parameters, treatment};
