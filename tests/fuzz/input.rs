//! What the bytes of a fuzzer mean: lines of text, which a person can read and write as well.
#![allow(dead_code, reason = "each target uses a part of it")]

use std::borrow::Cow;
use std::rc::Rc;

use http::{HeaderMap, HeaderName, HeaderValue};
use larder::fields::Timestamp;
use larder::policy::{Config, Policy};
use serde_json::{Value, json};

/// A moment to begin with: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub const NOW: Timestamp = Timestamp::from_millis(784_111_777_000);

/// Takes lines from the beginning.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// The next line; empty when there is none.
    pub fn line(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == b'\n').unwrap_or(self.0.len());
        let (line, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        line
    }

    pub fn text(&mut self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.line())
    }

    /// The next line as a number; 0 when it is none.
    pub fn number(&mut self) -> u64 {
        self.text().trim().parse().unwrap_or_default()
    }

    /// All that was not taken.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// What was not taken, as the lines of one field. What is no field value is left out.
    pub fn values(self) -> Vec<HeaderValue> {
        self.0.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok()).collect()
    }

    /// What was not taken, each line a `name: value`. What is no field is left out.
    pub fn headers(self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in self.0.split(|byte| *byte == b'\n') {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let value = line[colon + 1..].trim_ascii_start();
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(value)) {
                headers.append(name, value);
            }
        }
        headers
    }
}

/// The lines of one field.
pub fn field<'v>(name: &HeaderName, values: impl IntoIterator<Item = &'v HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(name, value.clone());
    }
    headers
}

/// The policy of a `SITE`, without jitter.
pub fn policy(mut site: Value) -> Rc<Policy> {
    site["jitter"] = json!("0");
    let vars = json!({ "ORIGIN": "https://origin.test", "SITE": site });
    Config::read(vars.as_object().expect("a table")).expect("no mistakes").table.site.clone()
}
