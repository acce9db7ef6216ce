//! Edge Side Includes: pages that are assembled here from a template and fragments
//! ([ESI 1.0](https://www.w3.org/TR/esi-lang)).
//!
//! Nothing here waits or fetches: bytes go in, and what is to be fetched and what is to be written comes out. What the template says is
//! believed only where its route and, unless the route says `"always"`, its response say that it is one.

mod assemble;
mod expression;
pub mod limits;
mod scan;
mod tag;
mod template;
mod terms;
mod visitor;

pub use assemble::{Assembler, Hints, Wanted};
pub use scan::{Scanner, Token};
pub use template::is_template;
pub use terms::Terms;
pub use visitor::{LookedAt, Visitor};
