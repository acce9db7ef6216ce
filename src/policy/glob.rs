//! Globs: `*` matches any run of characters, everything else itself.

use serde_json::Value;
use wildmatch::WildMatchPattern;

use super::reader::Read;

/// A glob over paths, hosts, cookie, field or parameter names.
#[derive(Debug, Clone, PartialEq)]
pub struct Glob {
    /// What comes before the first `*`: there most texts differ that do not fit.
    beginning: String,
    /// From the first `*` on, if there is one.
    rest: Option<WildMatchPattern<'*', '\0'>>,
}

impl Glob {
    /// Every text is a glob.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        let (beginning, rest) = pattern.split_at(pattern.find('*').unwrap_or(pattern.len()));
        Self { beginning: beginning.to_owned(), rest: (!rest.is_empty()).then(|| WildMatchPattern::new(rest)) }
    }

    /// Whether the whole of `text` fits.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        text.strip_prefix(self.beginning.as_str()).is_some_and(|tail| match &self.rest {
            Some(rest) => rest.matches(tail),
            None => tail.is_empty(),
        })
    }

    /// What every text that fits begins with.
    #[must_use]
    pub fn beginning(&self) -> &str {
        &self.beginning
    }

    /// Whether it fits everything.
    #[must_use]
    pub fn is_catch_all(&self) -> bool {
        matches!(self.to_string().as_str(), "*" | "/*")
    }
}

impl std::fmt::Display for Glob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.beginning)?;
        self.rest.as_ref().map_or(Ok(()), |rest| rest.fmt(f))
    }
}

impl Read for Glob {
    const WANTED: &'static str = "a glob, in which * matches any run of characters";

    fn read(value: &Value) -> Option<Self> {
        value.as_str().filter(|text| !text.is_empty() && !text.contains('\0')).map(Self::new)
    }
}

/// Whether one of `globs` fits.
#[must_use]
pub fn any_matches(globs: &[Glob], text: &str) -> bool {
    globs.iter().any(|glob| glob.matches(text))
}
