//! Steps: what a store does at once, so that nobody sees half of it. Redis takes one as a script, a Durable Object as a request.

use bytes::Bytes;

use super::frames::encode;
use super::lifetime::Lifetime;
use super::name::Name;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Values and what is left of their lives: `ok`, and for each name two parts; or `too-large`.
    Get,
    /// Sets values. Arguments: lifetime, values.
    Set,
    /// Sets one that is not there: `ok` or `taken`. Arguments as before.
    Add,
    /// Removes values: `ok`, and how many there were.
    Delete,
    /// Adds to a number: `ok` and what it is now, `absent`, or `not-an-integer`. Argument: how much.
    Increment,
    /// Gives another lifetime: `ok` or `absent`. Argument: which.
    Touch,
    /// Gives the second name's value to the first: `ok` or `absent`.
    Move,
    /// Asks for a value, or to be the one that makes it: `value`, what is left of its life and itself; `turn` and a token; or `wait`.
    /// Arguments: a token, the lease's length, and `1` for whoever waits no longer.
    Lease,
    /// Sets a value by a lease: `ok`, or `passed`. Arguments: token, lifetime, how long it may be stale, value.
    Fill,
    /// Names: `ok`, where to go on, and they.
    List,
    /// Removes what names fit: `ok`, where to go on, and how many there were.
    Drop,
}

impl Verb {
    const ALL: [Self; 11] = [
        Self::Get,
        Self::Set,
        Self::Add,
        Self::Delete,
        Self::Increment,
        Self::Touch,
        Self::Move,
        Self::Lease,
        Self::Fill,
        Self::List,
        Self::Drop,
    ];

    /// As the objects are asked for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Set => "set",
            Self::Add => "add",
            Self::Delete => "delete",
            Self::Increment => "increment",
            Self::Touch => "touch",
            Self::Move => "move",
            Self::Lease => "lease",
            Self::Fill => "fill",
            Self::List => "list",
            Self::Drop => "drop",
        }
    }

    /// Whether leases and stale copies matter to it: a value that somebody sets or deletes ends what was under way before.
    #[must_use]
    pub const fn minds_leases(self) -> bool {
        matches!(self, Self::Set | Self::Add | Self::Delete | Self::Move | Self::Lease | Self::Fill)
    }
}

/// A verb, and what it is done to.
#[derive(Debug, Clone)]
pub struct Step {
    /// What is done.
    pub verb: Verb,
    /// To these.
    pub names: Vec<Name>,
    /// With this.
    pub arguments: Vec<Bytes>,
}

impl Step {
    /// A step.
    #[must_use]
    pub fn new(verb: Verb, names: Vec<Name>, arguments: Vec<Bytes>) -> Self {
        Self { verb, names, arguments }
    }

    /// One that gives a lifetime.
    #[must_use]
    pub fn set(verb: Verb, names: Vec<Name>, lifetime: Lifetime, values: Vec<Bytes>) -> Self {
        let lifetime = Bytes::from(lifetime.millis().to_string());
        Self::new(verb, names, [lifetime].into_iter().chain(values).collect())
    }

    /// One that sets a value by a lease.
    #[must_use]
    pub fn fill(name: Name, token: String, lifetime: Lifetime, value: Bytes) -> Self {
        let (life, stale) = (lifetime.millis().to_string(), lifetime.stale_millis().to_string());
        Self::new(Verb::Fill, vec![name], vec![token.into(), life.into(), stale.into(), value])
    }

    /// What comes of it where nothing is stored.
    #[must_use]
    pub fn done_nowhere(&self) -> Reply {
        let text = |text: &'static str| Bytes::from_static(text.as_bytes());
        Reply(match self.verb {
            Verb::Get => {
                [text("ok")].into_iter().chain(self.names.iter().flat_map(|_| [text("-2"), text("")])).collect()
            }
            Verb::Increment | Verb::Touch | Verb::Move => vec![text("absent")],
            Verb::Lease => [text("turn")].into_iter().chain(self.arguments.first().cloned()).collect(),
            Verb::Set | Verb::Add | Verb::Delete | Verb::Fill | Verb::List | Verb::Drop => vec![text("ok")],
        })
    }

    /// The keys of a script: the names of the values, and where they matter those of their leases, then of their stale copies.
    #[must_use]
    pub fn redis_keys(&self) -> Vec<String> {
        let values = self.names.iter().map(ToString::to_string);
        match self.verb.minds_leases() {
            false => values.collect(),
            true => {
                let (leases, stale) = (self.names.iter().map(Name::lease), self.names.iter().map(Name::stale));
                values.chain(leases).chain(stale).collect()
            }
        }
    }

    /// The path an object is asked by.
    #[must_use]
    pub fn target(&self) -> String {
        format!("/1/{}/{}", self.verb.as_str(), self.names.len())
    }

    /// What comes with it: names, then arguments.
    #[must_use]
    pub fn body(&self) -> Bytes {
        let names = self.names.iter().map(|name| Bytes::from(name.to_string()));
        encode(names.chain(self.arguments.iter().cloned()))
    }

    /// Reads that path: the verb, and how many of the parts that come with it are names.
    #[must_use]
    pub fn parse_target(target: &str) -> Option<(Verb, usize)> {
        let (verb, names) = target.strip_prefix("/1/")?.split_once('/')?;
        let verb = Verb::ALL.into_iter().find(|known| known.as_str() == verb)?;
        Some((verb, names.parse().ok()?))
    }
}

/// What a store answers: a word, and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply(Vec<Bytes>);

impl Reply {
    /// From the parts that came.
    #[must_use]
    pub fn new(parts: Vec<Bytes>) -> Self {
        Self(parts)
    }

    /// The word; empty if there is none.
    #[must_use]
    pub fn word(&self) -> &str {
        self.text(0)
    }

    /// One of the parts after the word; empty if there is none.
    #[must_use]
    pub fn part(&self, at: usize) -> Bytes {
        self.0.get(at + 1).cloned().unwrap_or_default()
    }

    /// All of them.
    #[must_use]
    pub fn parts(&self) -> &[Bytes] {
        self.0.get(1..).unwrap_or_default()
    }

    /// One of them, as a number; zero if it is none.
    #[must_use]
    pub fn number(&self, at: usize) -> i64 {
        self.text(at + 1).parse().unwrap_or_default()
    }

    fn text(&self, at: usize) -> &str {
        self.0.get(at).and_then(|part| std::str::from_utf8(part).ok()).unwrap_or_default()
    }
}
