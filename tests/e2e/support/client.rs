//! A client that sends exactly the bytes it is given.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::Sender;
use std::time::Duration;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

thread_local! {
    static SENT: RefCell<Option<Sender<()>>> = RefCell::default();
}

/// Asks, in a thread of its own, and tells when a request is on its way.
pub fn telling<T>(sent: Sender<()>, ask: impl FnOnce() -> T) -> T {
    SENT.set(Some(sent));
    ask()
}

/// One connection a request.
#[derive(Clone, Copy)]
pub struct Client {
    address: SocketAddr,
    host: &'static str,
}

/// A response, as it came.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the body ended as its framing said it would.
    pub complete: bool,
}

impl Client {
    pub fn new(address: SocketAddr, host: &'static str) -> Self {
        Self { address, host }
    }

    /// The same, for another host.
    pub fn at(self, host: &'static str) -> Self {
        Self { host, ..self }
    }

    /// The host that it asks for.
    pub fn host(&self) -> &'static str {
        self.host
    }

    pub fn get(&self, target: &str, headers: &[(&str, &str)]) -> Reply {
        self.request("GET", target, headers, "")
    }

    pub fn request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.host);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        self.raw(format!("{head}\r\n{body}").as_bytes())
    }

    /// Sends `bytes` and reads one response.
    pub fn raw(&self, bytes: &[u8]) -> Reply {
        let is_head = bytes.starts_with(b"HEAD ");
        let mut stream = self.open(bytes);
        let mut received = Vec::new();
        // A reset after the response is no concern of ours; before it, the response is empty.
        let _ = stream.read_to_end(&mut received);
        parse(&received, is_head)
    }

    /// Sends `bytes` and leaves the connection to the caller.
    pub fn open(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("the Worker listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.write_all(bytes).expect("the Worker reads");
        // Nobody need listen.
        SENT.with_borrow(|sent| sent.as_ref().map(|sent| sent.send(())));
        stream
    }
}

impl Reply {
    /// The lines of a field, joined.
    pub fn header(&self, name: &str) -> Option<String> {
        let lines: Vec<_> = self
            .headers
            .iter()
            .filter(|(line, _)| line.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Our own member of `Cache-Status`.
    pub fn cache_status(&self) -> String {
        self.headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("cache-status"))
            .map(|(_, value)| value.clone())
            .next_back()
            .unwrap_or_default()
    }

    pub fn is_hit(&self) -> bool {
        self.cache_status().contains("Larder; hit")
    }

    /// The reason code.
    pub fn detail(&self) -> Option<String> {
        let status = self.cache_status();
        status.split("detail=").nth(1).map(|rest| rest.split([';', ',']).next().unwrap_or_default().to_owned())
    }

    /// All that was received, for a search.
    pub fn contains(&self, text: &str) -> bool {
        self.text().contains(text)
            || self.headers.iter().any(|(name, value)| name.contains(text) || value.contains(text))
    }
}

fn parse(received: &[u8], is_head: bool) -> Reply {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(received.len());
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let rest = received.get(end + 4..).unwrap_or_default();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok()).unwrap_or(0);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let field = |wanted: &str| {
        headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    };
    let (body, complete) = if is_head || matches!(status, 204 | 304) {
        (rest.to_vec(), true)
    } else if field("transfer-encoding").is_some_and(|coding| coding.contains("chunked")) {
        dechunk(rest)
    } else if let Some(length) = field("content-length").and_then(|text| text.parse::<usize>().ok()) {
        (rest[..length.min(rest.len())].to_vec(), rest.len() >= length)
    } else {
        (rest.to_vec(), true)
    };
    Reply { status, headers, body, complete }
}

fn dechunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|window| window == b"\r\n") {
        let Ok(size) = usize::from_str_radix(String::from_utf8_lossy(&rest[..line]).trim(), 16) else { break };
        if size == 0 {
            return (body, true);
        }
        let Some(chunk) = rest.get(line + 2..line + 2 + size) else { break };
        body.extend_from_slice(chunk);
        rest = rest.get(line + 4 + size..).unwrap_or_default();
    }
    (body, false)
}
