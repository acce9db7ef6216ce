//! Durations as the configuration writes them: `90`, `"90s"`, `"15m"`, `"2h"`, `"7d"`.

use serde_json::Value;

use super::reader::Read;
use crate::fields::Seconds;

impl Read for Seconds {
    const WANTED: &'static str = r#"a duration: a number of seconds, or "90s", "15m", "2h", "7d""#;

    fn read(value: &Value) -> Option<Self> {
        if let Some(seconds) = value.as_u64() {
            return Some(Self::new(seconds));
        }
        let text = value.as_str()?;
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match text.strip_prefix(digits)? {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let number: u64 = digits.parse().ok().filter(|_| all_digits)?;
        Some(Self::new(number.checked_mul(unit)?))
    }
}

/// A duration as a person writes it, in the largest unit that needs no fraction.
#[must_use]
pub fn display(seconds: Seconds) -> String {
    let number = seconds.get();
    match [(86_400, 'd'), (3600, 'h'), (60, 'm')]
        .into_iter()
        .find(|(unit, _)| number >= *unit && number.is_multiple_of(*unit))
    {
        Some((unit, letter)) => format!("{}{letter}", number / unit),
        None => format!("{number}s"),
    }
}
