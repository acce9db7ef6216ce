//! The built Worker in workerd, on a port of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::{Value, json};

use super::client::Client;

/// A running Worker. It ends when its standard input does, so also with this process.
pub struct Worker {
    pub address: SocketAddr,
    child: Child,
    input: Option<ChildStdin>,
}

/// Options beside the variables.
pub struct Options {
    pub secrets: Value,
    pub kv: bool,
    /// Where stores keep what they hold; nowhere if it is absent.
    pub persist: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        let secrets =
            json!({ "ADMIN_TOKEN": "admin-token", "READ_TOKEN": "read-token", "IDENTITY_KEY": "identity-key" });
        Self { secrets, kv: true, persist: None }
    }
}

impl Worker {
    /// Starts it with these variables.
    pub fn start(vars: &Value) -> Self {
        Self::with(vars, &Options::default())
    }

    pub fn with(vars: &Value, options: &Options) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(root.join("build/index.js").exists(), "there is no build; run `make build` first");
        let mut child = Command::new(root.join("node_modules/.bin/node"))
            .arg(root.join("tests/e2e/workerd.mjs"))
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(if std::env::var_os("LARDER_TEST_LOG").is_some() { Stdio::inherit() } else { Stdio::null() })
            .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
            .spawn()
            .expect("node is installed; run `make setup` first");
        let mut input = child.stdin.take().expect("it is piped");
        let message = json!({
            "root": root, "vars": vars, "secrets": options.secrets, "kv": options.kv, "persist": options.persist,
            "compatibilityDate": compatibility_date(root),
        });
        writeln!(input, "{message}").expect("the runner reads");
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        let port = loop {
            line.clear();
            let read = output.read_line(&mut line).expect("the runner writes");
            assert!(read > 0, "the Worker did not start; LARDER_TEST_LOG=1 shows why");
            if let Some(port) = serde_json::from_str::<Value>(&line).ok().and_then(|value| value["port"].as_u64()) {
                break u16::try_from(port).expect("a port is a port");
            }
        };
        Self { address: ([127, 0, 0, 1], port).into(), child, input: Some(input) }
    }

    pub fn client(&self, host: &'static str) -> Client {
        Client::new(self.address, host)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// The date in wrangler.toml: tests run what users run.
fn compatibility_date(root: &Path) -> String {
    let text = std::fs::read_to_string(root.join("wrangler.toml")).expect("wrangler.toml is there");
    let line = text.lines().find_map(|line| line.strip_prefix("compatibility_date = ")).expect("it states a date");
    line.trim_matches('"').to_owned()
}

/// Variables for one origin, with more of them.
pub fn vars(origin: &str, more: &Value) -> Value {
    let mut vars = json!({ "ORIGIN": origin, "HOSTS": ["site.test"] });
    if let (Some(vars), Some(more)) = (vars.as_object_mut(), more.as_object()) {
        vars.extend(more.clone());
    }
    vars
}
