//! Reads a configuration table key by key and collects every mistake, each with its path.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

/// One mistake in the configuration: where it stands and what was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Such as `ROUTES[2].ttl`.
    pub path: String,
    /// What is wrong there.
    pub kind: ConfigErrorKind,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigErrorKind {
    /// A key that means nothing, with the nearest one that does.
    Unknown(Option<String>),
    /// A required key is absent.
    Missing(&'static str),
    /// A value that could not be read.
    Unreadable {
        /// The value, shortened.
        found: String,
        /// What would have been accepted.
        wanted: String,
    },
    /// Values that cannot hold together.
    Conflict(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        match &self.kind {
            ConfigErrorKind::Unknown(Some(near)) => write!(f, "unknown key; did you mean `{near}`?"),
            ConfigErrorKind::Unknown(None) => write!(f, "unknown key"),
            ConfigErrorKind::Missing(wanted) => write!(f, "missing; wanted {wanted}"),
            ConfigErrorKind::Unreadable { found, wanted } => write!(f, "found {found}; wanted {wanted}"),
            ConfigErrorKind::Conflict(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// A value that is not what was wanted.
    pub fn unreadable(path: impl Into<String>, found: &Value, wanted: impl Into<String>) -> Self {
        Self { path: path.into(), kind: ConfigErrorKind::Unreadable { found: describe(found), wanted: wanted.into() } }
    }

    /// Values that cannot hold together.
    pub fn conflict(path: impl Into<String>, why: impl Into<String>) -> Self {
        Self { path: path.into(), kind: ConfigErrorKind::Conflict(why.into()) }
    }
}

/// A type that a configuration value can be read as.
pub(super) trait Read: Sized {
    /// What an error message says was wanted.
    const WANTED: &'static str;

    /// The value, if it is one.
    fn read(value: &Value) -> Option<Self>;

    /// Reads the value at `path`, or says what is wrong with it. Compound types name the part that is.
    fn read_at(value: &Value, path: &str, errors: &mut Vec<ConfigError>) -> Option<Self> {
        let read = Self::read(value);
        if read.is_none() {
            errors.push(ConfigError::unreadable(path, value, Self::WANTED));
        }
        read
    }
}

impl Read for bool {
    const WANTED: &'static str = "true or false";

    fn read(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Read for String {
    const WANTED: &'static str = "a text";

    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl Read for u32 {
    const WANTED: &'static str = "a whole number, not negative";

    fn read(value: &Value) -> Option<Self> {
        value.as_u64().and_then(|number| Self::try_from(number).ok())
    }
}

impl<T: Read> Read for Vec<T> {
    const WANTED: &'static str = "a list";

    fn read(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::read).collect()
    }

    fn read_at(value: &Value, path: &str, errors: &mut Vec<ConfigError>) -> Option<Self> {
        let Some(list) = value.as_array() else {
            errors.push(ConfigError::unreadable(path, value, format!("a list, each {}", T::WANTED)));
            return None;
        };
        let read: Vec<_> =
            list.iter().enumerate().map(|(at, item)| T::read_at(item, &format!("{path}[{at}]"), errors)).collect();
        read.into_iter().collect()
    }
}

// One by one: to collect a map is to sort it, and that code would be there for every type of value.
impl<T: Read> Read for BTreeMap<String, T> {
    const WANTED: &'static str = "a table";

    fn read(value: &Value) -> Option<Self> {
        let mut read = Self::new();
        for (key, value) in value.as_object()? {
            read.insert(key.clone(), T::read(value)?);
        }
        Some(read)
    }

    fn read_at(value: &Value, path: &str, errors: &mut Vec<ConfigError>) -> Option<Self> {
        let Some(map) = value.as_object() else {
            errors.push(ConfigError::unreadable(path, value, format!("a table, each value {}", T::WANTED)));
            return None;
        };
        let mut read = Self::new();
        for (key, value) in map {
            if let Some(value) = T::read_at(value, &join(path, key), errors) {
                read.insert(key.clone(), value);
            }
        }
        (read.len() == map.len()).then_some(read)
    }
}

/// A table under way: what is taken from it is known, what is left at the end is not.
pub(super) struct Table<'a> {
    path: String,
    values: &'a Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    /// The table at `path`, or an error that says it is none.
    pub(super) fn open(value: &'a Value, path: &str, errors: &mut Vec<ConfigError>) -> Option<Self> {
        match value.as_object() {
            Some(values) => Some(Self { path: path.to_owned(), values, known: Vec::new() }),
            None => {
                errors.push(ConfigError::unreadable(path, value, "a table"));
                None
            }
        }
    }

    /// The value of `key`, if it is there and can be read.
    pub(super) fn take<T: Read>(&mut self, key: &'static str, errors: &mut Vec<ConfigError>) -> Option<T> {
        self.known.push(key);
        let value = self.values.get(key)?;
        T::read_at(value, &join(&self.path, key), errors)
    }

    /// The value of `key`, which has to be there.
    pub(super) fn require<T: Read>(&mut self, key: &'static str, errors: &mut Vec<ConfigError>) -> Option<T> {
        if !self.values.contains_key(key) {
            errors.push(ConfigError { path: join(&self.path, key), kind: ConfigErrorKind::Missing(T::WANTED) });
        }
        self.take(key, errors)
    }

    /// The value of `key` as it is.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.push(key);
        self.values.get(key)
    }

    /// Reports what was not taken.
    pub(super) fn finish(self, errors: &mut Vec<ConfigError>) {
        for key in self.values.keys().filter(|key| !self.known.contains(&key.as_str())) {
            errors.push(unknown(&join(&self.path, key), key, self.known.iter().copied()));
        }
    }
}

/// The error for a key that means nothing.
pub(super) fn unknown(path: &str, key: &str, known: impl IntoIterator<Item = &'static str>) -> ConfigError {
    let folded = key.to_ascii_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&folded, &name.to_ascii_lowercase());
    let nearest = known.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let near = nearest.filter(|name| likeness(name) > 0.75).map(str::to_owned);
    ConfigError { path: path.to_owned(), kind: ConfigErrorKind::Unknown(near) }
}

/// `path.key`, or the key alone at the top.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// A name as an error message shows it.
pub(super) fn quote(name: &str) -> String {
    describe(&name.into())
}

/// Several, as one text.
pub(super) fn quote_all<'a>(names: impl Iterator<Item = &'a String>) -> String {
    quote(&names.map(String::as_str).collect::<Vec<_>>().join(", "))
}

/// A value as an error message shows it.
pub(super) fn describe(value: &Value) -> String {
    const LONGEST: usize = 60;
    let kind = match value {
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
        Value::Null => "nothing",
        _ => "",
    };
    let text = without_credentials(value.to_string());
    match (kind, text.char_indices().nth(LONGEST)) {
        ("", None) => text,
        ("", Some(_)) => {
            let closing = if value.is_string() { "\"" } else { "" };
            format!("{}…{closing}", text.chars().take(LONGEST).collect::<String>())
        }
        _ => kind.to_owned(),
    }
}

/// A mistake is shown to whoever asks; the user and the password in a URL are not.
fn without_credentials(text: String) -> String {
    match text.split_once("://").zip(text.rsplit_once('@')) {
        Some(((scheme, _), (_, host))) => format!("{scheme}://…@{host}"),
        None => text,
    }
}

/// Defines an enum of keywords as the configuration writes them.
macro_rules! keywords {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// As the configuration writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl $crate::policy::reader::Read for $name {
            const WANTED: &'static str = concat!("one of", $(" \"", $text, "\""),+);

            fn read(value: &serde_json::Value) -> Option<Self> {
                match value.as_str()? { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(super) use keywords;
