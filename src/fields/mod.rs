//! Header text to types and back, one file per field. No clock, no policy.

mod cache_control;
pub mod cache_control_text;
mod cache_groups;
pub mod cache_status;
pub mod content_coding;
pub mod cookie;
pub mod entity_tag;
pub mod grammar;
pub mod hop_by_hop;
pub mod negotiation;
mod no_vary_search;
pub mod preconditions;
pub mod range;
mod request_directives;
mod response_directives;
mod retry_after;
mod seconds;
pub mod targeted;
mod time;
mod vary;

pub use cache_control::Lifetime;
pub use cache_groups::{CACHE_GROUP_INVALIDATION, CACHE_GROUPS, groups};
pub use cache_status::{CacheStatus, Forward};
pub use cookie::{Cookie, Cookies};
pub use entity_tag::EntityTag;
pub use no_vary_search::{NO_VARY_SEARCH, SearchVariance};
pub use range::{ByteRange, ContentRange};
pub use request_directives::RequestDirectives;
pub use response_directives::ResponseDirectives;
pub use retry_after::retry_after;
pub use seconds::Seconds;
pub use time::Timestamp;
pub use vary::Vary;
