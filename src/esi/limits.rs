//! What a template may ask for. What goes beyond is left out of the page; the page itself is served.

use std::time::Duration;

/// How deep includes in fragments may lie: a page, its fragments, theirs, and theirs.
pub const DEPTH: usize = 3;

/// Fragments of one page, those of its fragments among them.
pub const INCLUDES: u32 = 20;

/// The longest URL of a fragment, in bytes.
pub const URL: usize = 2048;

/// The longest tag, in bytes. What is longer is skipped to its end.
pub const TAG: usize = 8192;

/// The longest variable, in bytes. What is longer is text.
pub const VARIABLE: usize = 512;

/// How deep elements may be nested. What lies deeper is no element.
pub const NESTING: usize = 32;

/// The fragments of one page together, in bytes.
pub const BYTES: u64 = 8 << 20;

/// From the first byte of the template to the last of the page.
pub const TIME: Duration = Duration::from_secs(20);

/// How long the head of a page waits for what it depends on: whether anything in it is for one visitor, and for how long the rest holds.
pub const PATIENCE: Duration = Duration::from_millis(200);
