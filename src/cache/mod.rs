//! HTTP caching ([RFC 9111](https://www.rfc-editor.org/rfc/rfc9111)): each rule once, as a function from what is known to what is
//! to be done. Nothing here reads a clock, a store or the network.

pub mod age;
pub mod ahead;
mod entry;
pub mod freshness;
pub mod invalidation;
pub mod media_type;
pub mod partial;
pub mod post;
pub mod record;
pub mod reuse;
mod searches;
pub mod serve;
pub mod storability;
mod stored_fields;
mod terms;
pub mod validation;
pub mod variant;

pub use age::Fetched;
pub use entry::{BodyFacts, Entry, Head, Selecting, Stamp};
pub use searches::Searches;
pub use stored_fields::{NEVER_DOWNSTREAM, stops_here};
pub use terms::{Terms, read_terms};
