//! What the simulated origin is asked, and what it answers.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use larder::engine::ports::FetchError;

use super::headers;

/// What the origin was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What it answers.
#[derive(Debug, Clone)]
pub struct Scripted {
    pub result: Result<(u16, HeaderMap, Vec<Bytes>), FetchError>,
    /// Before the headers.
    pub delay: Duration,
    /// Whether the body breaks off after the last piece.
    pub breaks_off: bool,
}

impl Scripted {
    pub fn new(status: u16, fields: &[(&str, &str)], body: &str) -> Self {
        let pieces = vec![Bytes::from(body.to_owned())];
        Self { result: Ok((status, headers(fields), pieces)), delay: Duration::from_millis(10), breaks_off: false }
    }

    pub fn error(error: FetchError) -> Self {
        Self { result: Err(error), delay: Duration::from_millis(10), breaks_off: false }
    }

    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    pub fn breaking_off(self) -> Self {
        Self { breaks_off: true, ..self }
    }
}
