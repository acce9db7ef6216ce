//! The configuration: what it may say, what it amounts to, and which policy a request falls under.

mod advice;
mod config;
mod duration;
mod glob;
mod preset;
mod reader;
mod route;
mod rules;
mod settings;
mod share;
mod size;
mod stores;

pub use advice::{Advice, advise, inactive};
pub use config::{Budget, Config, MAX_VAR_BYTES, SECRETS, Warm, is_var, read_origin};
pub use duration::display as display_duration;
pub use glob::{Glob, any_matches};
pub use preset::Preset;
pub use reader::{ConfigError, ConfigErrorKind};
pub use route::{Route, RouteTable, Selected};
pub use rules::{
    Admission, Beta, ByHeader, CacheMode, ClientDirectives, Collapse, CookieClass, Esi, HeaderRule, Origin, QueryRule,
    RefreshAhead,
};
pub use settings::{IGNORED_COOKIES, Policy};
pub use share::Share;
pub use size::ByteSize;
pub use stores::{Alias, Redis, RedisProtocol, Tier};
