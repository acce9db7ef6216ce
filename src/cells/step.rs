//! Steps: what a store does at once, so that nobody sees half of it. Redis takes one as a script, a Durable Object as a request.

use bytes::Bytes;

use super::frames::encode;
use super::name::Name;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Values and what is left of their lives: `ok`, and for each name two parts; or `too-large`.
    Get,
    /// Sets values: `ok`. Arguments: lifetime, values.
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

/// As the objects are asked for them.
const VERBS: [(&str, Verb); 11] = [
    ("get", Verb::Get),
    ("set", Verb::Set),
    ("add", Verb::Add),
    ("delete", Verb::Delete),
    ("increment", Verb::Increment),
    ("touch", Verb::Touch),
    ("move", Verb::Move),
    ("lease", Verb::Lease),
    ("fill", Verb::Fill),
    ("list", Verb::List),
    ("drop", Verb::Drop),
];

impl Verb {
    /// Whether leases and stale copies matter to it: a value that somebody sets or deletes ends what was under way before.
    const fn minds_leases(self) -> bool {
        matches!(self, Self::Set | Self::Add | Self::Delete | Self::Move | Self::Lease | Self::Fill)
    }
}

/// A verb, and what it is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub verb: Verb,
    /// To these.
    pub names: Vec<Name>,
    /// With this.
    pub arguments: Vec<Bytes>,
}

/// A number as an argument or a part of a reply.
#[must_use]
pub fn number(number: i64) -> Bytes {
    number.to_string().into()
}

impl Step {
    /// A step.
    #[must_use]
    pub fn new(verb: Verb, names: Vec<Name>, arguments: Vec<Bytes>) -> Self {
        Self { verb, names, arguments }
    }

    /// What comes of it where nothing is stored.
    #[must_use]
    pub fn done_nowhere(&self) -> Reply {
        let word = match self.verb {
            Verb::Increment | Verb::Touch | Verb::Move => "absent",
            Verb::Lease => "turn",
            _ => "ok",
        };
        let mut parts = vec![Bytes::from_static(word.as_bytes())];
        match self.verb {
            Verb::Get => self.names.iter().for_each(|_| parts.extend([number(-2), Bytes::new()])),
            Verb::Lease => parts.extend(self.arguments.first().cloned()),
            _ => {}
        }
        Reply(parts)
    }

    /// The keys of a script: the names of the values, and where they matter those of their leases, then of their stale copies.
    #[must_use]
    pub fn redis_keys(&self) -> Vec<Bytes> {
        let mut keys = Vec::new();
        self.names.iter().for_each(|name| keys.push(name.to_string().into()));
        if self.verb.minds_leases() {
            for word in ["lease", "stale"] {
                self.names.iter().for_each(|name| keys.push(name.beside(word).into()));
            }
        }
        keys
    }

    /// The path an object is asked by.
    #[must_use]
    pub fn target(&self) -> String {
        let name = VERBS.iter().find(|(_, verb)| *verb == self.verb).map_or("", |(name, _)| name);
        format!("/1/{name}/{}", self.names.len())
    }

    /// What comes with it: names, then arguments.
    #[must_use]
    pub fn body(&self) -> Bytes {
        let mut parts = Vec::new();
        self.names.iter().for_each(|name| parts.push(name.to_string().into()));
        parts.extend_from_slice(&self.arguments);
        encode(&parts)
    }

    /// Reads that path: the verb, and how many of the parts that come with it are names.
    #[must_use]
    pub fn parse_target(target: &str) -> Option<(Verb, usize)> {
        let (name, count) = target.strip_prefix("/1/")?.split_once('/')?;
        let (_, verb) = VERBS.iter().find(|(known, _)| *known == name)?;
        Some((*verb, count.parse().ok()?))
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

    /// All that came after it.
    #[must_use]
    pub fn parts(&self) -> &[Bytes] {
        self.0.get(1..).unwrap_or_default()
    }

    /// One of them; empty if there is none.
    #[must_use]
    pub fn part(&self, at: usize) -> Bytes {
        self.parts().get(at).cloned().unwrap_or_default()
    }

    /// One of them, as a number; zero if it is none.
    #[must_use]
    pub fn number(&self, at: usize) -> i64 {
        self.text(at + 1).parse().unwrap_or_default()
    }

    /// One of them, as text.
    #[must_use]
    pub fn text(&self, at: usize) -> &str {
        self.0.get(at).and_then(|part| std::str::from_utf8(part).ok()).unwrap_or_default()
    }
}
