//! Shares of a lifetime as the configuration writes them: `"20%"`, `"0"`.

use serde_json::Value;

use super::reader::Read;

/// A part of something, from none to all of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(f64);

impl Share {
    /// Nothing of it.
    pub const NONE: Self = Self(0.0);

    /// So many per cent of it.
    #[must_use]
    pub fn percent(percent: f64) -> Self {
        Self((percent / 100.0).clamp(0.0, 1.0))
    }

    /// From 0 to 1.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Read for Share {
    const WANTED: &'static str = r#"a share such as "20%", or "0""#;

    fn read(value: &Value) -> Option<Self> {
        if value.as_u64() == Some(0) || value.as_str() == Some("0") {
            return Some(Self::NONE);
        }
        let percent = parse_decimal(value.as_str()?.strip_suffix('%')?)?;
        (percent <= 100.0).then(|| Self::percent(percent))
    }
}

/// Digits, and up to three after a point. The standard library's way to read a number that need not be whole weighs ten kilobytes.
fn parse_decimal(text: &str) -> Option<f64> {
    let (whole, thousandths) = text.split_once('.').unwrap_or((text, "0"));
    let is_plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_plain(whole) || !is_plain(thousandths) || thousandths.len() > 3 {
        return None;
    }
    let parse = |digits: &str| digits.parse().ok().map(<f64 as From<u32>>::from);
    Some(parse(whole)? + parse(&format!("{thousandths:0<3}"))? / 1000.0)
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}%", self.0 * 100.0)
    }
}
