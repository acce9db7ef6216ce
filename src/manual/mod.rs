//! Chapters for those who work on Larder, each with code that compiles or numbers that are counted.

pub mod backend;
pub mod scale;
pub mod security;
pub mod threats;
