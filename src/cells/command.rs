//! What a request asks for: a step, a lease or a sweep, and how the reply is to be answered.

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::lifetime::Lifetime;
use super::many;
use super::name::Name;
use super::parameters::Parameters;
use super::step::{Step, Verb, number};
use super::sweep::Sweep;
use super::{MAX_LEASE, MAX_WAIT};
use crate::fields::Seconds;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// One step.
    Take(Step, Answer),
    /// A step of [`Verb::Lease`], after at most so many seconds' wait, for a lease of so many.
    Lease(Name, i64, i64),
    /// Steps of [`Verb::List`] or [`Verb::Drop`], from a cursor on.
    Sweep(Verb, Sweep, Option<String>),
}

/// What a reply of `ok` becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The value, or what stands in for one that is not there.
    Value(Option<String>),
    /// Values as one JSON object.
    Values,
    /// The first part, a number.
    Number,
    /// Nothing, if the first part counts any.
    Deleted,
    /// The first part as `deleted`.
    Count,
    /// Nothing: 204.
    Nothing,
    /// Nothing: 201.
    Created,
    /// This JSON.
    Said(String),
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
    pub fn read(asked: Asked<'_>, defaults: &Defaults<'_>) -> Result<Self, Refusal> {
        let mut parameters = Parameters::read(asked.query);
        let (resource, rest) = asked.path.split_once('/').unwrap_or((asked.path, ""));
        let (key, action) = rest.split_once('/').unwrap_or((rest, ""));
        let key = percent_decode_str(key).decode_utf8().map_err(|_| "the path is not UTF-8".to_owned())?;
        let stated = parameters.number("version", 0, u32::MAX.into())?.map(|version| version as u32);
        let reading = Reading { key: &key, version: stated.unwrap_or(defaults.version), defaults };
        let command = match (resource, action) {
            ("keys", _) => reading.key(action, asked.method, asked.body, &mut parameters)?,
            ("many", _) if rest.is_empty() => match asked.method {
                "POST" => reading.many(&asked.body)?,
                _ => return Err(Refusal::Method),
            },
            ("pattern", "") => {
                let verb = sweeping(asked.method).ok_or(Refusal::Method)?;
                reading.name()?;
                Self::Sweep(verb, reading.sweep(Some(reading.version), &key), parameters.text("cursor"))
            }
            ("all", _) if rest.is_empty() => match asked.method {
                "DELETE" => Self::Sweep(Verb::Drop, reading.sweep(stated, "*"), parameters.text("cursor")),
                _ => return Err(Refusal::Method),
            },
            ("version", "") => match asked.method {
                "POST" => reading.moved(&asked.body)?,
                _ => return Err(Refusal::Method),
            },
            ("pattern" | "version", _) => return Err(SLASH.to_owned().into()),
            _ => return Err(Refusal::Unknown),
        };
        parameters.finish()?;
        Ok(command)
    }

    /// Whether it changes anything.
    #[must_use]
    pub const fn changes(&self) -> bool {
        match self {
            Self::Take(step, _) => !matches!(step.verb, Verb::Get),
            Self::Lease(..) => true,
            Self::Sweep(verb, ..) => !matches!(verb, Verb::List),
        }
    }
}

const SLASH: &str = "a slash in a key is written %2F";

fn sweeping(method: &str) -> Option<Verb> {
    match method {
        "GET" => Some(Verb::List),
        "DELETE" => Some(Verb::Drop),
        _ => None,
    }
}

/// A request whose resource is known.
struct Reading<'a> {
    key: &'a str,
    version: u32,
    defaults: &'a Defaults<'a>,
}

impl Reading<'_> {
    fn name(&self) -> Result<Name, String> {
        Name::new(self.defaults.prefix, self.version, self.key)
    }

    fn sweep(&self, version: Option<u32>, glob: &str) -> Sweep {
        Sweep { prefix: self.defaults.prefix.to_owned(), version, glob: glob.to_owned() }
    }

    fn lifetime(&self, parameters: &mut Parameters) -> Result<Lifetime, String> {
        match parameters.text("ttl") {
            Some(text) => Lifetime::parse(&text),
            None => Ok(Lifetime::Limited(self.defaults.ttl)),
        }
    }

    fn key(&self, action: &str, method: &str, body: Bytes, parameters: &mut Parameters) -> Result<Command, Refusal> {
        let name = self.name();
        let (verb, arguments, answer) = match (action, method) {
            ("", "GET") => (Verb::Get, Vec::new(), Answer::Value(parameters.text("default"))),
            ("", "HEAD") => (Verb::Get, Vec::new(), Answer::Value(None)),
            ("", "PUT") => self.put(body, parameters)?,
            ("", "DELETE") => (Verb::Delete, Vec::new(), Answer::Deleted),
            ("incr", "POST") => {
                let by = parameters.number("by", i64::MIN, i64::MAX)?.unwrap_or(1);
                (Verb::Increment, vec![number(by)], Answer::Number)
            }
            ("touch", "POST") => (Verb::Touch, vec![number(self.lifetime(parameters)?.millis())], Answer::Nothing),
            ("lease", "POST") => {
                let length = parameters.number("ttl", 1, MAX_LEASE)?.unwrap_or(10);
                let wait = parameters.number("wait", 0, MAX_WAIT)?.unwrap_or(5);
                return Ok(Command::Lease(name?, length, wait));
            }
            ("" | "incr" | "touch" | "lease", _) => return Err(Refusal::Method),
            _ => return Err(SLASH.to_owned().into()),
        };
        Ok(Command::Take(Step::new(verb, vec![name?], arguments), answer))
    }

    fn put(&self, value: Bytes, parameters: &mut Parameters) -> Result<(Verb, Vec<Bytes>, Answer), String> {
        let lifetime = self.lifetime(parameters)?;
        let (life, nx) = (number(lifetime.millis()), parameters.number("nx", 0, 1)? == Some(1));
        Ok(match parameters.text("lease") {
            Some(_) if nx => return Err("nx: not beside lease".to_owned()),
            Some(token) => {
                (Verb::Fill, vec![token.into(), life, number(lifetime.stale_millis()), value], Answer::Nothing)
            }
            None if nx => (Verb::Add, vec![life, value], Answer::Created),
            None => (Verb::Set, vec![life, value], Answer::Nothing),
        })
    }

    fn many(&self, body: &[u8]) -> Result<Command, String> {
        let many = many::read(body)?;
        let mut names = Vec::new();
        for key in &many.keys {
            names.push(Reading { key, ..*self }.name()?);
        }
        let mut arguments = many.values;
        if many.verb == Verb::Set {
            let lifetime = many.lifetime.unwrap_or(Lifetime::Limited(self.defaults.ttl));
            arguments.insert(0, number(lifetime.millis()));
        }
        let answer = match many.verb {
            Verb::Get => Answer::Values,
            Verb::Set => Answer::Said(r#"{"failed":[]}"#.to_owned()),
            _ => Answer::Count,
        };
        Ok(Command::Take(Step::new(many.verb, names, arguments), answer))
    }

    /// `{ "delta": 1 }`, which is also what no body means.
    fn moved(&self, body: &[u8]) -> Result<Command, String> {
        let wrong = || "the body: wanted { \"delta\": a whole number }".to_owned();
        let mut delta = 1;
        if !body.is_empty() {
            let table: Map<String, Value> = serde_json::from_slice(body).map_err(|_| wrong())?;
            for (name, value) in &table {
                delta = value.as_i64().filter(|_| name == "delta").ok_or_else(wrong)?;
            }
        }
        let version = i64::from(self.version).saturating_add(delta);
        let version = u32::try_from(version).map_err(|_| format!("delta: there is no version {version}"))?;
        let to = Reading { version, ..*self }.name()?;
        let answer = Answer::Said(format!("{{\"version\":{version}}}"));
        Ok(Command::Take(Step::new(Verb::Move, vec![to, self.name()?], Vec::new()), answer))
    }
}
