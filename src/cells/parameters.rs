//! The parameters of a query, each of which has to be known.

use form_urlencoded::parse;

/// What has not been taken yet.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn read(query: Option<&str>) -> Self {
        let mut pairs = Vec::new();
        for (name, value) in parse(query.unwrap_or_default().as_bytes()) {
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Self(pairs)
    }

    /// The value of `name`.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// The value of `name`, a whole number between these.
    pub(super) fn number(&mut self, name: &str, least: i64, most: i64) -> Result<Option<i64>, String> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| format!("{name}: found \"{text}\"; wanted a number from {least} to {most}"))
    }

    /// What is left means nothing here.
    pub(super) fn finish(self) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(format!("{name}: unknown here, or given twice")),
        }
    }
}
