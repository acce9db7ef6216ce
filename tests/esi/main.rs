//! Edge Side Includes, without a network: documents in, pages out, however the bytes are cut.

#[path = "../support/mod.rs"]
mod support;

mod documents;
mod expressions;
mod limits;
mod page;
