//! Delta-seconds: whole seconds that overflow to "very long", never wrap.

use std::ops::{Add, Sub};

/// A non-negative number of seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u32);

impl Seconds {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// "If a cache receives a delta-seconds value greater than the greatest integer it can represent, or if any of
    /// its subsequent calculations overflows, the cache MUST consider the value to be 2147483648 (2^31)"
    /// ([RFC 9111 §1.2.2](https://www.rfc-editor.org/rfc/rfc9111#section-1.2.2)).
    pub const MAX: Self = Self(1 << 31);

    /// `seconds`, at most [`Seconds::MAX`].
    #[must_use]
    pub const fn new(seconds: u64) -> Self {
        if seconds > Self::MAX.0 as u64 { Self::MAX } else { Self(seconds as u32) }
    }

    /// Reads `1*DIGIT`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        // All digits: the only error left is overflow.
        Some(text.parse().map_or(Self::MAX, Self::new))
    }

    /// The number of seconds.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The number of milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 as u64 * 1000
    }

    /// This share of the duration, rounded down. `share` is clamped to 0..=1.
    #[must_use]
    pub fn scale(self, share: f64) -> Self {
        Self((f64::from(self.0) * share.clamp(0.0, 1.0)) as u32)
    }
}

impl Add for Seconds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(u64::from(self.0) + u64::from(other.0))
    }
}

/// Stops at zero.
impl Sub for Seconds {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
