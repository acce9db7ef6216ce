//! What reaches the origin, and so what must be in the key: on a request that may be answered from the store the origin
//! sees what is in the key, plus what cannot matter.

mod class;
mod cookies;
mod forwarded;
mod fragment;
mod identity;
mod locations;
mod plan;
mod treatment;

pub use class::{Class, class_of};
pub use forwarded::{ask_for_template, pass_through};
pub use fragment::fragment_request;
pub use identity::IdentityKeys;
pub use locations::map_locations;
pub use plan::{Lookup, plan, select_parameters};
pub use treatment::{Treatment, treatment};
