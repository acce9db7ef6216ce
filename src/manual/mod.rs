//! Chapters for those who work on Larder, each with code that compiles.

pub mod backend;
pub mod security;
