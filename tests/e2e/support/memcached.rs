//! memcached, on a port of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::json;

use super::program::Program;

/// A running memcached.
pub struct Memcached(Program);

impl Memcached {
    pub fn start() -> Self {
        Self(Program::start("server.mjs", &json!({ "server": "memcached" })))
    }

    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// What it answers to some lines.
    pub fn ask(&self, lines: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).expect("it listens");
        stream.write_all(format!("{lines}\r\nquit\r\n").as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers in text");
        answer
    }
}
