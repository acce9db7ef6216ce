//! The one canonical URL that serves route, key and fetch.

mod canonical;
mod query;
mod readings;

pub use canonical::{Authority, CanonicalUrl, Scheme, UrlError};
pub use query::select_query;
pub use readings::looser_readings;
