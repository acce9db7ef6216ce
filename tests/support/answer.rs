//! What a client of the simulated world gets.

use http::HeaderMap;

/// A response, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
    pub report: larder::engine::Report,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn is_hit(&self) -> bool {
        self.report.is_hit()
    }

    pub fn reason(&self) -> Option<&'static str> {
        self.report.reason.map(larder::reason::Reason::code)
    }
}
