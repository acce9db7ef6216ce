//! Sizes as the configuration writes them: `1048576`, `"512KiB"`, `"5MiB"`.

use serde_json::Value;

use super::reader::Read;

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// So many mebibytes.
    #[must_use]
    pub const fn mebibytes(count: u64) -> Self {
        Self(count << 20)
    }
}

impl Read for ByteSize {
    const WANTED: &'static str = r#"a size: a number of bytes, or "512KiB", "5MiB""#;

    fn read(value: &Value) -> Option<Self> {
        if let Some(bytes) = value.as_u64() {
            return Some(Self(bytes));
        }
        let text = value.as_str()?;
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match text.strip_prefix(digits)? {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            _ => return None,
        };
        let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let number: u64 = digits.parse().ok().filter(|_| all_digits)?;
        number.checked_mul(unit).map(Self)
    }
}

impl std::fmt::Display for ByteSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match [(20, "MiB"), (10, "KiB")].into_iter().find(|(shift, _)| self.0 > 0 && self.0.trailing_zeros() >= *shift)
        {
            Some((shift, unit)) => write!(f, "{}{unit}", self.0 >> shift),
            None => write!(f, "{}B", self.0),
        }
    }
}
