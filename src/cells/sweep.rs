//! Sweeps: all the names that fit, page by page. What a page costs is bounded, whatever there is.

use bytes::Bytes;

use super::step::{Reply, Step, Verb};
use crate::policy::Glob;

/// A page holds no more names.
pub const PAGE: usize = 1000;

/// Redis looks at the next bucket while it has seen fewer than it was asked for, so it is asked for a tenth less than there is room.
const MARGIN: usize = 10;

/// Which names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// Django's `KEY_PREFIX`.
    pub prefix: String,
    /// Django's `VERSION`; all of them if it is absent.
    pub version: Option<u32>,
    /// What the key has to fit: `*` is any run of characters.
    pub glob: String,
}

/// What one step of a sweep found, or several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many names.
    pub count: usize,
    /// They, if they were asked for.
    pub names: Vec<String>,
    /// Where to go on; absent at the end.
    pub next: Option<String>,
}

impl Sweep {
    /// What all the names begin with.
    #[must_use]
    pub fn beginning(&self) -> String {
        format!("{}:{}", self.prefix, self.of_version())
    }

    fn of_version(&self) -> String {
        self.version.map_or_else(String::new, |version| format!("{version}:"))
    }

    /// One step in Redis. A sweep that removes goes over the leases first: what was under way when it began is not stored after it.
    ///
    /// # Errors
    ///
    /// When the cursor is none of ours.
    pub fn redis_step(&self, verb: Verb, cursor: Option<&str>, room: usize) -> Result<Step, String> {
        let start = if verb == Verb::Drop { "l0" } else { "v0" };
        let cursor = cursor.unwrap_or(start);
        let digits = cursor.get(1..).filter(|digits| digits.parse::<u64>().is_ok());
        let kind = match (cursor.as_bytes().first(), digits) {
            (Some(b'v'), Some(_)) => "",
            (Some(b'l'), Some(_)) if verb == Verb::Drop => "lease:",
            _ => return Err("cursor: this is none of ours".to_owned()),
        };
        let before_version = format!("{}:{kind}", self.prefix);
        let pattern =
            escaped(&before_version, false) + &escaped(&self.of_version(), false) + &escaped(&self.glob, true);
        let count = room - room / MARGIN;
        let arguments = [&cursor[1..], &pattern, &count.to_string(), &before_version.len().to_string()];
        Ok(Step::new(verb, Vec::new(), arguments.map(|text| Bytes::from(text.to_owned())).into()))
    }

    /// What that step found, which began at `cursor`.
    #[must_use]
    pub fn redis_swept(verb: Verb, cursor: Option<&str>, reply: &Reply) -> Swept {
        let in_leases = verb == Verb::Drop && cursor.is_none_or(|cursor| cursor.starts_with('l'));
        let mut swept = Swept::read(verb, reply);
        swept.next = match (swept.next.as_deref(), in_leases) {
            (Some("0") | None, false) => None,
            (Some("0") | None, true) => Some("v0".to_owned()),
            (Some(number), _) => Some(format!("{}{number}", if in_leases { 'l' } else { 'v' })),
        };
        // A lease is no value.
        swept.count = if in_leases { 0 } else { swept.count };
        swept
    }

    /// One step in one of the objects, from behind the name `after`.
    #[must_use]
    pub fn object_step(&self, verb: Verb, after: Option<&str>, room: usize) -> Step {
        let version = self.version.map_or_else(String::new, |version| version.to_string());
        let room = room.to_string();
        let arguments = [&self.prefix, &version, &self.glob, after.unwrap_or_default(), &room];
        Step::new(verb, Vec::new(), arguments.map(|text| Bytes::from(text.to_owned())).into())
    }

    /// Reads it back: what is swept, from where, and how many at most.
    #[must_use]
    pub fn parse_object_step(arguments: &[Bytes]) -> Option<(Self, String, usize)> {
        let texts: Vec<_> = arguments.iter().filter_map(|part| String::from_utf8(part.to_vec()).ok()).collect();
        let [prefix, version, glob, after, room] = <[String; 5]>::try_from(texts).ok()?;
        let version = if version.is_empty() { None } else { Some(version.parse().ok()?) };
        Some((Self { prefix, version, glob }, after, room.parse().ok()?))
    }

    /// Whether a name fits.
    #[must_use]
    pub fn fits(&self, glob: &Glob, name: &str) -> bool {
        let Some(rest) = name.strip_prefix(&self.beginning()) else { return false };
        match self.version {
            Some(_) => glob.matches(rest),
            None => {
                rest.split_once(':').is_some_and(|(version, key)| version.parse::<u32>().is_ok() && glob.matches(key))
            }
        }
    }
}

impl Swept {
    /// What a reply says.
    #[must_use]
    pub fn read(verb: Verb, reply: &Reply) -> Self {
        let text = |part: &Bytes| String::from_utf8_lossy(part).into_owned();
        let next = Some(text(&reply.part(0))).filter(|next| !next.is_empty());
        match verb {
            Verb::Drop => Self { count: reply.number(1).unsigned_abs() as usize, names: Vec::new(), next },
            _ => {
                let names: Vec<_> = reply.parts().iter().skip(1).map(text).collect();
                Self { count: names.len(), names, next }
            }
        }
    }
}

/// What several objects found, each in the order of names: all up to where the slowest of them came.
#[must_use]
pub fn merge(verb: Verb, all: Vec<Swept>) -> Swept {
    let next = all.iter().filter_map(|swept| swept.next.clone()).min();
    let count = all.iter().map(|swept| swept.count).sum();
    let mut names: Vec<_> = all.into_iter().flat_map(|swept| swept.names).collect();
    // What is beyond is found again; what is removed is not.
    names.retain(|name| next.as_ref().is_none_or(|next| name <= next));
    names.sort_unstable();
    let count = if verb == Verb::Drop { count } else { names.len() };
    Swept { count, names, next }
}

/// Text as a pattern of Redis': what is special to it is not, but for our `*`.
fn escaped(text: &str, is_glob: bool) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '?' | '[' | ']' | '\\') || (c == '*' && !is_glob) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
