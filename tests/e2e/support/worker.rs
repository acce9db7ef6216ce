//! The built Worker in workerd, on a port of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::client::Client;
use super::program::Program;

/// A running Worker.
pub struct Worker {
    pub address: SocketAddr,
    program: Program,
}

/// Options beside the variables.
pub struct Options {
    pub secrets: Value,
    pub kv: bool,
    pub d1: bool,
    pub r2: bool,
    /// What stands in for bindings: `{ "CACHE": "Slow", "CACHE_DB": "Down" }`.
    pub stand_ins: Value,
    pub shield: bool,
    pub ledger: bool,
    pub cells: bool,
    /// Where stores keep what they hold; nowhere if it is absent.
    pub persist: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        let secrets =
            json!({ "ADMIN_TOKEN": "admin-token", "READ_TOKEN": "read-token", "IDENTITY_KEY": "identity-key" });
        Self {
            secrets,
            kv: true,
            d1: false,
            r2: false,
            stand_ins: json!({}),
            shield: true,
            ledger: true,
            cells: true,
            persist: None,
        }
    }
}

impl Worker {
    /// Starts it with these variables.
    pub fn start(vars: &Value) -> Self {
        Self::with(vars, &Options::default())
    }

    /// The build that is deployed, or the one in the folder that `LARDER_BUILD` names.
    pub fn with(vars: &Value, options: &Options) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let build = std::env::var_os("LARDER_BUILD").map_or_else(|| root.join("build"), PathBuf::from);
        assert!(build.join("index.js").exists(), "there is no build; run `make build` first");
        let message = json!({
            "root": root, "build": build, "vars": vars, "secrets": options.secrets, "persist": options.persist,
            "kv": options.kv, "d1": options.d1, "r2": options.r2, "standIns": options.stand_ins,
            "shield": options.shield, "ledger": options.ledger, "cells": options.cells,
            "compatibilityDate": compatibility_date(root),
        });
        let program = Program::start("workerd.mjs", &message);
        Self { address: program.address, program }
    }

    /// What it has logged up to now.
    pub fn log(&self) -> String {
        self.program.log()
    }

    pub fn client(&self, host: &'static str) -> Client {
        Client::new(self.address, host)
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
