//! A server in a Node program of these tests: it reads its options, says where it listens, and ends when its input does, so also with
//! this process.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;

pub struct Program {
    pub address: SocketAddr,
    /// All that it said.
    pub said: Value,
    child: Child,
    input: Option<ChildStdin>,
}

impl Program {
    pub fn start(script: &str, options: &Value) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(root.join("node_modules/.bin/node"))
            .arg(root.join("tests/e2e").join(script))
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(if std::env::var_os("LARDER_TEST_LOG").is_some() { Stdio::inherit() } else { Stdio::null() })
            .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
            .spawn()
            .expect("node is installed; run `make setup` first");
        let mut input = child.stdin.take().expect("it is piped");
        writeln!(input, "{options}").expect("the program reads");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let said = (output.lines().map_while(Result::ok))
            .filter_map(|line| serde_json::from_str::<Value>(&line).ok())
            .find(|said| said["port"].is_u64())
            .unwrap_or_else(|| panic!("{script} did not start its server; LARDER_TEST_LOG=1 shows why"));
        let port = said["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port is a port");
        Self { address: ([127, 0, 0, 1], port).into(), said, child, input: Some(input) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
