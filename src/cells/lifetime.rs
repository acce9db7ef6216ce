//! How long a value lives, as Django's `timeout`.

use crate::fields::Seconds;

/// What a store says is left of a value that lives for ever, as Redis' `PTTL` does. Of a value that is not there it says one less.
pub const FOREVER: i64 = -1;

/// A value's lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// So long; zero: it is not stored at all.
    Limited(Seconds),
    /// Until it is deleted. Django's `timeout=None`.
    Forever,
}

impl Lifetime {
    /// Reads `300` or `none`.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        match Seconds::parse(text) {
            Some(seconds) => Ok(Self::Limited(seconds)),
            None if text == "none" => Ok(Self::Forever),
            None => Err(format!("ttl: found \"{text}\"; wanted seconds, or none")),
        }
    }

    /// In milliseconds, as the steps take it.
    #[must_use]
    pub fn millis(self) -> i64 {
        match self {
            Self::Limited(seconds) => i64::from(seconds.get()) * 1000,
            Self::Forever => FOREVER,
        }
    }

    /// How much longer, after its end, the value may stand in for one that is being made: as long again, an hour at most.
    #[must_use]
    pub fn stale_millis(self) -> i64 {
        const LONGEST: i64 = 3_600_000;
        self.millis().clamp(0, LONGEST)
    }
}
