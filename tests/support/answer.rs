//! A response of the simulated world, as a client has it in the end.

use http::HeaderMap;
use larder::engine::ports::Body;

use super::world::WorldPorts;

/// A response, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
    pub report: larder::engine::Report,
    /// Of a body that was written bit by bit: what was written when, in milliseconds.
    pub pieces: Vec<(u64, String)>,
    /// Whether the body ended as it should.
    pub is_whole: bool,
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

/// What a client makes of a response.
pub fn answer_of(response: larder::engine::Response<WorldPorts>, report: larder::engine::Report) -> Answer {
    let (body, pieces, is_whole) = match response.body {
        Body::Empty => (String::new(), Vec::new(), true),
        Body::Blob(blob) => (String::from_utf8_lossy(&blob).into_owned(), Vec::new(), true),
        Body::Stream(stream) => stream.seen(),
    };
    Answer { status: response.status.as_u16(), headers: response.headers, body, report, pieces, is_whole }
}
