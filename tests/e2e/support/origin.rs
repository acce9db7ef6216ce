//! A scripted origin on a raw socket: it can send what no HTTP library would, and keeps every request as it came.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// What the origin was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// Path and query, as they came.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// How many requests there have been, this one included.
    pub number: usize,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(line, _)| line.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The value of a cookie, as an application would read it.
    pub fn cookie(&self, name: &str) -> String {
        let cookies = self.header("cookie").unwrap_or_default();
        let pair = cookies.split(';').filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name);
        pair.map(|(_, value)| value.to_owned()).unwrap_or_default()
    }

    /// The body that tells every answer of the origin from every other.
    pub fn marker(&self) -> String {
        format!(
            "p={} who={} h={} n={}",
            self.target,
            self.cookie("sid"),
            self.header("x-forwarded-host").unwrap_or_default(),
            self.number
        )
    }
}

/// What it answers.
pub enum Answer {
    /// A well-formed response.
    Response { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// These bytes, and then the end of the connection.
    Raw(Vec<u8>),
    /// These pieces, each after a pause.
    Pieces(Vec<Vec<u8>>, Duration),
    /// These bytes; once the gate opens those; and then the end of the connection.
    Held(Vec<u8>, Arc<Gate>, Vec<u8>),
    /// These bytes, and then more of the same until nobody reads any more.
    Endless(Vec<u8>, Vec<u8>),
    /// Nothing, and a reset.
    Reset,
    /// Wait until the gate opens, then answer.
    Gated(Arc<Gate>, Box<Answer>),
}

impl Answer {
    pub fn new(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::Response { status, headers, body: body.into() }
    }

    pub fn ok(headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, headers, body)
    }

    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Raw(bytes.into())
    }
}

/// Something that opens once.
#[derive(Default)]
pub struct Gate(Mutex<bool>, Condvar);

impl Gate {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn open(&self) {
        *self.0.lock().expect("nobody panicked here") = true;
        self.1.notify_all();
    }

    fn wait(&self) {
        let patience = Duration::from_secs(30);
        drop(self.1.wait_timeout_while(self.0.lock().expect("nobody panicked here"), patience, |open| !*open));
    }
}

type Script = Arc<dyn Fn(&Asked) -> Answer + Send + Sync>;

/// A listening origin.
#[derive(Clone)]
pub struct Origin {
    pub address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    scripts: Mutex<HashMap<String, Script>>,
    log: Mutex<Vec<Asked>>,
    arrived: Condvar,
    count: AtomicUsize,
}

impl Origin {
    /// Listens on a free port of the loopback. Without a script it sends its marker, cacheable for a minute.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("the loopback has a free port");
        let origin = Self { address: listener.local_addr().expect("it is bound"), state: Arc::default() };
        let accepting = origin.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let origin = accepting.clone();
                thread::spawn(move || origin.serve(stream));
            }
        });
        origin
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What to answer for a path, whatever the query; or for this one, if there is one; for `*`, what to answer for any other.
    pub fn on(&self, path: &str, script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) {
        self.state.scripts.lock().expect("nobody panicked here").insert(path.to_owned(), Arc::new(script));
    }

    /// The requests whose path begins with `path`.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        let log = self.state.log.lock().expect("nobody panicked here");
        log.iter().filter(|asked| asked.target.starts_with(path)).cloned().collect()
    }

    /// Waits until there are `count` requests whose path begins with `path`.
    pub fn wait_for(&self, path: &str, count: usize) {
        let log = self.state.log.lock().expect("nobody panicked here");
        let waiting = |log: &mut Vec<Asked>| log.iter().filter(|asked| asked.target.starts_with(path)).count() < count;
        let (_log, timeout) =
            self.state.arrived.wait_timeout_while(log, Duration::from_secs(20), waiting).expect("nobody panicked here");
        assert!(!timeout.timed_out(), "the origin was not asked {count} times for {path}");
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
        let mut stream = stream;
        while let Some(mut asked) = read_request(&mut reader) {
            asked.number = self.state.count.fetch_add(1, Ordering::SeqCst) + 1;
            self.state.log.lock().expect("nobody panicked here").push(asked.clone());
            self.state.arrived.notify_all();
            let path = asked.target.split('?').next().unwrap_or_default().to_owned();
            let script = {
                let scripts = self.state.scripts.lock().expect("nobody panicked here");
                [&asked.target, &path, "*"].into_iter().find_map(|name| scripts.get(name).cloned())
            };
            let answer = script.map_or_else(
                || Answer::ok(&[("Cache-Control", "max-age=60")], asked.marker()),
                |script| script(&asked),
            );
            if !send(&mut stream, answer, asked.method == "HEAD") {
                return;
            }
        }
    }
}

/// Sends an answer. `false` if the connection is over.
fn send(stream: &mut TcpStream, answer: Answer, is_head: bool) -> bool {
    match answer {
        Answer::Response { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status} Whatever\r\n");
            for (name, value) in &headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            let framed = headers
                .iter()
                .any(|(name, _)| ["content-length", "transfer-encoding"].contains(&name.to_ascii_lowercase().as_str()));
            if !framed && !matches!(status, 204 | 304) {
                head.push_str(&format!("Content-Length: {}\r\n", body.len()));
            }
            let mut bytes = format!("{head}\r\n").into_bytes();
            if !is_head {
                bytes.extend_from_slice(&body);
            }
            stream.write_all(&bytes).is_ok()
        }
        Answer::Raw(bytes) => {
            let _ = stream.write_all(&bytes);
            let _ = stream.shutdown(Shutdown::Write);
            false
        }
        Answer::Pieces(pieces, pause) => {
            let gate = Gate::default();
            for piece in pieces {
                if stream.write_all(&piece).is_err() {
                    return false;
                }
                // A pause is a wait for something that does not happen.
                drop(gate.1.wait_timeout(gate.0.lock().expect("nobody panicked here"), pause));
            }
            let _ = stream.shutdown(Shutdown::Write);
            false
        }
        Answer::Held(start, gate, rest) => {
            let _ = stream.write_all(&start);
            gate.wait();
            let _ = stream.write_all(&rest);
            let _ = stream.shutdown(Shutdown::Write);
            false
        }
        Answer::Endless(start, more) => {
            let mut reads = stream.write_all(&start).is_ok();
            while reads {
                reads = stream.write_all(&more).is_ok();
            }
            false
        }
        Answer::Reset => {
            // Closing with unread data resets; there may be none, and the end is as good.
            let _ = stream.shutdown(Shutdown::Both);
            false
        }
        Answer::Gated(gate, answer) => {
            gate.wait();
            send(stream, *answer, is_head)
        }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.trim_end().splitn(3, ' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut bytes = Vec::new();
        reader.read_until(b'\n', &mut bytes).ok()?;
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut asked = Asked { method, target, headers, body: Vec::new(), number: 0 };
    asked.body = read_body(reader, &asked)?;
    Some(asked)
}

fn read_body(reader: &mut BufReader<TcpStream>, asked: &Asked) -> Option<Vec<u8>> {
    if let Some(length) = asked.header("content-length").and_then(|text| text.parse().ok()) {
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        return Some(body);
    }
    let mut body = Vec::new();
    if asked.header("transfer-encoding").is_some() {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let size = usize::from_str_radix(line.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            if size == 0 {
                break;
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }
    Some(body)
}
