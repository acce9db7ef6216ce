//! A server in a Node program of these tests: it reads its options, says where it listens, and ends when its input does, so also with
//! this process.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

pub struct Program {
    pub address: SocketAddr,
    /// All that it said.
    pub said: Value,
    log: Arc<Mutex<String>>,
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
            .stderr(Stdio::piped())
            .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
            .spawn()
            .expect("node is installed; run `make setup` first");
        let mut input = child.stdin.take().expect("it is piped");
        writeln!(input, "{options}").expect("the program reads");
        let log = Arc::<Mutex<String>>::default();
        let errors = BufReader::new(child.stderr.take().expect("it is piped"));
        thread::spawn({
            let (log, shows) = (log.clone(), std::env::var_os("LARDER_TEST_LOG").is_some());
            move || {
                for line in errors.lines().map_while(Result::ok) {
                    if shows {
                        eprintln!("{line}");
                    }
                    log.lock().expect("nobody panicked here").push_str(&(line + "\n"));
                }
            }
        });
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let said = (output.lines().map_while(Result::ok))
            .filter_map(|line| serde_json::from_str::<Value>(&line).ok())
            .find(|said| said["port"].is_u64())
            .unwrap_or_else(|| panic!("{script} did not start its server; LARDER_TEST_LOG=1 shows why"));
        let port = said["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port is a port");
        Self { address: ([127, 0, 0, 1], port).into(), said, log, child, input: Some(input) }
    }

    /// What it has said beside that, up to now.
    pub fn log(&self) -> String {
        self.log.lock().expect("nobody panicked here").clone()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
