//! Sweeps: all the names that fit, page by page. What a page costs is bounded, whatever there is.

use bytes::Bytes;

use super::OBJECTS;
use super::step::{Reply, Step, Verb, number};
use crate::policy::Glob;

/// A page holds no more names.
pub const PAGE: usize = 1000;

/// So many names Redis looks at at once: it answers nobody meanwhile.
const AT_ONCE: usize = 500;

/// The kinds of names that Redis has, by what stands before the version.
const KINDS: [&str; 3] = ["lease:", "stale:", ""];

/// The last of them.
const VALUES: usize = 2;

const NO_CURSOR: &str = "cursor: this is none of ours";

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

    /// One step in Redis. A sweep that removes goes over leases and stale copies first: what was under way when it began is not stored
    /// after it, and what had ended does not stand in for anything.
    ///
    /// # Errors
    ///
    /// When the cursor is none of ours.
    pub fn redis_step(&self, verb: Verb, cursor: Option<&str>, room: usize) -> Result<Step, String> {
        let (kind, number_in_scan) = redis_cursor(verb, cursor).ok_or_else(|| NO_CURSOR.to_owned())?;
        // Redis looks at one more bucket while it has seen fewer than it was asked for. Names that would be too many cannot be found
        // again, but what is left of those to be removed can.
        let kind = KINDS.get(kind).ok_or_else(|| NO_CURSOR.to_owned())?;
        let before_version = format!("{}:{kind}", self.prefix);
        let pattern =
            escaped(&before_version, false) + &escaped(&self.of_version(), false) + &escaped(&self.glob, true);
        let count = if verb == Verb::Drop { room } else { room / 2 }.min(AT_ONCE);
        let mut arguments = vec![number_in_scan.to_owned().into(), pattern.into()];
        for amount in [count, before_version.len(), room] {
            arguments.push(number(amount as i64));
        }
        Ok(Step::new(verb, Vec::new(), arguments))
    }

    /// What that step found, which began at `cursor`.
    #[must_use]
    pub fn redis_swept(verb: Verb, cursor: Option<&str>, reply: &Reply) -> Swept {
        let (kind, began) = redis_cursor(verb, cursor).unwrap_or((VALUES, ""));
        let mut swept = Swept::read(verb, reply);
        swept.next = match swept.next.as_deref() {
            Some("0") | None => (kind < VALUES).then(|| format!("{}-0", kind + 1)),
            Some("again") => Some(format!("{kind}-{began}")),
            Some(number_in_scan) => Some(format!("{kind}-{number_in_scan}")),
        };
        // What is no value does not count.
        swept.count = if kind < VALUES { 0 } else { swept.count };
        swept
    }

    /// Which object is swept next, and from behind which name. One after the other: each that removes anything has to write that down.
    ///
    /// # Errors
    ///
    /// When the cursor is none of ours.
    pub fn object(cursor: Option<&str>) -> Result<(usize, &str), String> {
        let (object, after) = cursor.unwrap_or("0:").split_once(':').unwrap_or_default();
        let object = object.parse().ok().filter(|object| *object < OBJECTS);
        object.map(|object| (object, after)).ok_or_else(|| NO_CURSOR.to_owned())
    }

    /// One step in one of the objects, from behind the name `after`.
    #[must_use]
    pub fn object_step(&self, verb: Verb, after: &str, room: usize) -> Step {
        let version = self.version.map_or_else(Bytes::new, |version| number(version.into()));
        let (after, room) = (after.to_owned().into(), room as i64);
        let arguments = vec![self.prefix.clone().into(), version, self.glob.clone().into(), after, number(room)];
        Step::new(verb, Vec::new(), arguments)
    }

    /// Reads it back: what is swept, from where, and how many at most.
    #[must_use]
    pub fn parse_object_step(arguments: &[Bytes]) -> Option<(Self, String, usize)> {
        let [prefix, version, glob, after, room] = arguments else { return None };
        let text = |part: &Bytes| String::from_utf8_lossy(part).into_owned();
        let sweep = Self { prefix: text(prefix), version: text(version).parse().ok(), glob: text(glob) };
        Some((sweep, text(after), text(room).parse().ok()?))
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
    /// What a step in this object found.
    #[must_use]
    pub fn of_object(verb: Verb, object: usize, reply: &Reply) -> Self {
        let mut swept = Self::read(verb, reply);
        swept.next = match swept.next {
            Some(reached) => Some(format!("{object}:{reached}")),
            None => (object + 1 < OBJECTS).then(|| format!("{}:", object + 1)),
        };
        swept
    }

    /// What a reply says.
    #[must_use]
    pub fn read(verb: Verb, reply: &Reply) -> Self {
        let text = |part: &Bytes| String::from_utf8_lossy(part).into_owned();
        let next = Some(text(&reply.part(0))).filter(|next| !next.is_empty());
        match verb {
            Verb::Drop => Self { count: reply.number(1).unsigned_abs() as usize, names: Vec::new(), next },
            _ => {
                let mut names = Vec::new();
                reply.parts().iter().skip(1).for_each(|part| names.push(text(part)));
                Self { count: names.len(), names, next }
            }
        }
    }
}

/// What a cursor says: which kind of names is swept, and where Redis goes on.
fn redis_cursor(verb: Verb, cursor: Option<&str>) -> Option<(usize, &str)> {
    let Some(cursor) = cursor else { return Some((if verb == Verb::Drop { 0 } else { VALUES }, "0")) };
    let (kind, number_in_scan) = cursor.split_once('-')?;
    let kind = kind.parse().ok().filter(|kind| *kind == VALUES || (*kind < VALUES && verb == Verb::Drop))?;
    number_in_scan.parse::<u64>().ok().map(|_| (kind, number_in_scan))
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
