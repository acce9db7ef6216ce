//! The configuration and the secrets as the engine uses them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::admin::Tokens;
use crate::digest::Framed;
use crate::forward::IdentityKeys;
use crate::policy::{Config, ConfigError, Origin, read_origin};

/// The secrets a deployment may have. One that is empty is absent.
#[derive(Default)]
pub struct Secrets {
    /// `ADMIN_TOKEN`.
    pub admin_token: Option<String>,
    /// `PURGE_TOKEN`.
    pub purge_token: Option<String>,
    /// `READ_TOKEN`.
    pub read_token: Option<String>,
    /// `IDENTITY_KEY`.
    pub identity_key: Option<String>,
    /// `IDENTITY_KEY_PREVIOUS`.
    pub identity_key_previous: Option<String>,
    /// `CF_API_TOKEN`.
    pub cf_api_token: Option<String>,
    /// `REDIS_TOKEN` as `default`, `REDIS_TOKEN_SESSIONS` as `sessions`, …
    pub redis_tokens: BTreeMap<String, String>,
}

/// A deployment as it is.
pub struct Settings {
    /// Its configuration, or what is wrong with it.
    pub state: Configured,
    /// Who may see and steer.
    pub tokens: Tokens,
    /// How cookies enter the key.
    pub identity: IdentityKeys,
    /// Credentials by the name of the Redis, in lower case.
    pub redis_tokens: BTreeMap<String, String>,
    /// Whether the zone's own cache can be purged. The ledger does that, and reads the token for itself.
    pub purges_zone: bool,
    /// What this deployment marks its requests with, to know them should they come back.
    pub mark: String,
}

/// Whether the configuration can be used.
pub enum Configured {
    /// It can.
    Ready(Box<Config>),
    /// It has mistakes, so every request passes to the origin, if that at least is known.
    Broken {
        /// Where to.
        origin: Option<Origin>,
        /// The mistakes.
        errors: Vec<ConfigError>,
    },
}

impl Settings {
    /// Reads variables and secrets.
    #[must_use]
    pub fn new(vars: &Map<String, Value>, secrets: &Secrets) -> Self {
        let state = match Config::read(vars) {
            Ok(config) => Configured::Ready(Box::new(config)),
            Err(errors) => Configured::Broken { origin: read_origin(vars), errors },
        };
        let mark = format!("{:016x}", Framed::new("mark").part(Value::Object(vars.clone()).to_string()).finish_short());
        let has_zone = matches!(&state, Configured::Ready(config) if config.zone_id.is_some());
        Self {
            state,
            mark,
            purges_zone: has_zone && secrets.cf_api_token.as_ref().is_some_and(|token| !token.is_empty()),
            redis_tokens: secrets.redis_tokens.clone(),
            tokens: Tokens::new(secrets),
            identity: IdentityKeys::new(secrets.identity_key.as_deref(), secrets.identity_key_previous.as_deref()),
        }
    }

    /// What is wrong with the configuration, a line each; empty if nothing is.
    #[must_use]
    pub fn mistakes(&self) -> String {
        match &self.state {
            Configured::Ready(_) => String::new(),
            Configured::Broken { errors, .. } => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        }
    }
}
