//! Redis, and the two gateways by which the Worker reaches it over HTTP, each on a port of its own.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use serde_json::json;

use super::client::Client;
use super::program::Program;

/// A running Redis that keeps nothing.
pub struct Redis(Program);

impl Redis {
    pub fn start() -> Self {
        Self(Program::start("server.mjs", &json!({ "server": "redis" })))
    }

    /// What `redis-cli` prints for a command.
    pub fn cli(&self, args: &[&str]) -> String {
        String::from_utf8(self.cli_bytes(args)).expect("it is UTF-8; cli_bytes takes anything")
    }

    pub fn cli_bytes(&self, args: &[&str]) -> Vec<u8> {
        let port = self.port().to_string();
        let Output { status, mut stdout, stderr } =
            Command::new("redis-cli").args(["-p", &port]).args(args).output().expect("redis-cli is installed");
        assert!(status.success(), "redis-cli {args:?}: {}", String::from_utf8_lossy(&stderr));
        // It ends what it prints with a line feed of its own.
        assert_eq!(stdout.pop(), Some(b'\n'), "redis-cli {args:?}");
        stdout
    }

    /// Sets a key to any bytes.
    pub fn set_bytes(&self, key: &str, bytes: &[u8]) {
        let mut command = Command::new("redis-cli");
        command.args(["-p", &self.port().to_string(), "-x", "SET", key]).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().expect("redis-cli is installed");
        child.stdin.take().expect("it is piped").write_all(bytes).expect("redis-cli reads");
        assert!(child.wait().expect("it ends").success(), "SET {key}");
    }

    /// Lets it hang: it accepts connections and answers nothing.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// From here on nothing listens on its port.
    pub fn stop(self) {
        drop(self);
    }

    fn port(&self) -> u16 {
        self.0.address.port()
    }

    fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.0.said["pid"]);
        let status = Command::new("sh").args(["-c", &command]).status().expect("there is a shell");
        assert!(status.success(), "{command}");
    }
}

/// webdis before a Redis.
pub struct Webdis(Program);

impl Webdis {
    /// User and password that it wants to see.
    pub const TOKEN: &'static str = "larder:webdis-token";

    pub fn start(redis: &Redis) -> Self {
        let options = json!({ "server": "webdis", "redisPort": redis.port(), "token": Self::TOKEN });
        Self(Program::start("server.mjs", &options))
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    pub fn client(&self) -> Client {
        Client::new(self.0.address, "webdis.test")
    }
}

/// A gateway before a Redis that speaks Upstash's dialect.
pub struct Upstash(Program);

impl Upstash {
    pub fn start(redis: &Redis, token: &str) -> Self {
        Self(Program::start("upstash.mjs", &json!({ "redisPort": redis.port(), "token": token })))
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    pub fn client(&self) -> Client {
        Client::new(self.0.address, "upstash.test")
    }
}
