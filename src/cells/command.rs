//! What a request asks for.

use bytes::Bytes;
use percent_encoding::percent_decode_str;

use super::lifetime::Lifetime;
use super::many::{self, Many};
use super::name::Name;
use super::parameters::Parameters;
use super::sweep::Sweep;
use super::{MAX_LEASE, MAX_WAIT};
use crate::fields::Seconds;

/// One of Django's verbs.
#[allow(missing_docs, reason = "the fields are what their names say")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `get`, `has_key`, `ttl`. The default is the answer if there is nothing.
    Get { name: Name, default: Option<String> },
    /// `set`, `add`, and what `get_or_set` ends with.
    Set { name: Name, value: Bytes, lifetime: Lifetime, when: When },
    /// `delete`.
    Delete(Name),
    /// `incr`, `decr`.
    Increment { name: Name, by: i64 },
    /// `touch`.
    Touch { name: Name, lifetime: Lifetime },
    /// What `get_or_set` begins with: the value, or a lease of so many seconds, after at most so long a wait.
    Lease { name: Name, seconds: Seconds, wait: Seconds },
    /// `get_many`.
    GetMany(Vec<Name>),
    /// `set_many`.
    SetMany { names: Vec<Name>, values: Vec<Bytes>, lifetime: Lifetime },
    /// `delete_many`.
    DeleteMany(Vec<Name>),
    /// `iter_keys`.
    List { sweep: Sweep, cursor: Option<String> },
    /// `delete_pattern`, `clear`.
    Drop { sweep: Sweep, cursor: Option<String> },
    /// `incr_version`, `decr_version`.
    Move { from: Name, to: Name },
}

/// On what condition a value is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// On none.
    Always,
    /// If there is none.
    Absent,
    /// If this lease still holds.
    Leased(String),
}

/// Why a request is none of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is nothing of that name.
    Unknown,
    /// There is, but not by this method.
    Method,
    /// What is wrong, and where.
    Bad(String),
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self::Bad(why)
    }
}

/// A request, below `/_larder/cache/{alias}/`.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// As received.
    pub method: &'a str,
    /// Still escaped.
    pub path: &'a str,
    /// Without the `?`.
    pub query: Option<&'a str>,
    /// Whole.
    pub body: Bytes,
}

/// What the alias says about what a request leaves open.
#[derive(Debug, Clone, Copy)]
pub struct Defaults<'a> {
    /// `KEY_PREFIX`.
    pub prefix: &'a str,
    /// `version`.
    pub version: u32,
    /// `default_ttl`.
    pub ttl: Seconds,
}

impl Command {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// When it cannot be understood.
    pub fn read(asked: &Asked<'_>, defaults: &Defaults<'_>) -> Result<Self, Refusal> {
        let segments = asked.path.split('/').map(decoded).collect::<Result<Vec<_>, _>>()?;
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        let mut parameters = Parameters::read(asked.query);
        let stated = parameters.take("version", "a whole number", |text| text.parse::<u32>().ok())?;
        let version = stated.unwrap_or(defaults.version);
        let name = |key: &str| Name::new(defaults.prefix, version, key);
        let names = |keys: Vec<String>| keys.iter().map(|key| name(key)).collect::<Result<Vec<_>, _>>();
        let lifetime = |given: Option<Lifetime>| given.unwrap_or(Lifetime::Limited(defaults.ttl));
        let command = match (segments.as_slice(), asked.method) {
            (["keys", key], "GET") => Self::Get { name: name(key)?, default: parameters.text("default") },
            (["keys", key], "HEAD") => Self::Get { name: name(key)?, default: None },
            (["keys", key], "PUT") => Self::Set {
                name: name(key)?,
                value: asked.body.clone(),
                lifetime: lifetime(ttl(&mut parameters)?),
                when: when(&mut parameters)?,
            },
            (["keys", key], "DELETE") => Self::Delete(name(key)?),
            (["keys", key, "incr"], "POST") => {
                let by = parameters.take("by", "a whole number", |text| text.parse().ok())?;
                Self::Increment { name: name(key)?, by: by.unwrap_or(1) }
            }
            (["keys", key, "touch"], "POST") => {
                Self::Touch { name: name(key)?, lifetime: lifetime(ttl(&mut parameters)?) }
            }
            (["keys", key, "lease"], "POST") => Self::Lease {
                name: name(key)?,
                seconds: seconds(&mut parameters, "ttl", 1, MAX_LEASE)?.unwrap_or(Seconds::new(10)),
                wait: seconds(&mut parameters, "wait", 0, MAX_WAIT)?.unwrap_or(Seconds::new(5)),
            },
            (["many"], "POST") => match many::read(&asked.body)? {
                Many::Get(keys) => Self::GetMany(names(keys)?),
                Many::Set(keys, values, ttl) => Self::SetMany { names: names(keys)?, values, lifetime: lifetime(ttl) },
                Many::Delete(keys) => Self::DeleteMany(names(keys)?),
            },
            (["pattern", glob], "GET" | "DELETE") => {
                let fits = name(glob)?;
                let sweep = Sweep { prefix: fits.prefix, version: Some(version), glob: fits.key };
                let cursor = parameters.text("cursor");
                if asked.method == "GET" { Self::List { sweep, cursor } } else { Self::Drop { sweep, cursor } }
            }
            (["all"], "DELETE") => {
                let sweep = Sweep { prefix: defaults.prefix.to_owned(), version: stated, glob: "*".to_owned() };
                Self::Drop { sweep, cursor: parameters.text("cursor") }
            }
            (["version", key], "POST") => {
                let from = name(key)?;
                let to = i64::from(version).saturating_add(delta(&asked.body)?);
                let to = u32::try_from(to).map_err(|_| format!("delta: there is no version {to}"))?;
                Self::Move { to: Name::new(defaults.prefix, to, key)?, from }
            }
            (["keys", _] | ["keys", _, "incr" | "touch" | "lease"] | ["many"] | ["pattern", _] | ["all"], _)
            | (["version", _], _) => return Err(Refusal::Method),
            (["keys" | "pattern" | "version", _, _, ..], _) => {
                return Err("a slash in a key is written %2F".to_owned().into());
            }
            _ => return Err(Refusal::Unknown),
        };
        parameters.finish()?;
        Ok(command)
    }

    /// Whether it changes anything.
    #[must_use]
    pub const fn changes(&self) -> bool {
        !matches!(self, Self::Get { .. } | Self::GetMany(_) | Self::List { .. })
    }
}

fn decoded(segment: &str) -> Result<String, String> {
    let text = percent_decode_str(segment).decode_utf8();
    text.map(Into::into).map_err(|_| "the path is not UTF-8".to_owned())
}

fn ttl(parameters: &mut Parameters) -> Result<Option<Lifetime>, String> {
    parameters.take("ttl", "seconds, or none", Lifetime::parse)
}

fn seconds(parameters: &mut Parameters, name: &str, least: u32, most: u32) -> Result<Option<Seconds>, String> {
    let within = |seconds: &Seconds| (least..=most).contains(&seconds.get());
    parameters.take(name, &format!("seconds, {least} to {most}"), |text| Seconds::parse(text).filter(within))
}

fn when(parameters: &mut Parameters) -> Result<When, String> {
    let absent = parameters.take("nx", "1", |text| (text == "1").then_some(When::Absent))?;
    match (absent, parameters.text("lease")) {
        (None, None) => Ok(When::Always),
        (Some(absent), None) => Ok(absent),
        (None, Some(token)) => Ok(When::Leased(token)),
        (Some(_), Some(_)) => Err("nx: not beside lease".to_owned()),
    }
}

/// `{ "delta": 1 }`, which is also what nothing means.
fn delta(body: &[u8]) -> Result<i64, String> {
    let wrong = || "the body: wanted { \"delta\": a whole number }".to_owned();
    if body.is_empty() {
        return Ok(1);
    }
    let table: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).map_err(|_| wrong())?;
    match (table.len(), table.get("delta")) {
        (0, _) => Ok(1),
        (1, Some(delta)) => delta.as_i64().ok_or_else(wrong),
        _ => Err(wrong()),
    }
}
