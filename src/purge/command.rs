//! What a purge request asks for: lists of things, each read strictly.

use serde_json::{Map, Value};

use super::area::Area;
use super::records::{Purge, What};
use crate::name::Name;
use crate::url::CanonicalUrl;

/// So many things in one request.
const MAX_ITEMS: usize = 1000;

/// The longest of them, in bytes.
const MAX_LENGTH: usize = 2048;

/// The lists there are, and the three switches.
const KEYS: [&str; 10] =
    ["urls", "tags", "prefixes", "patterns", "hosts", "groups", "identities", "everything", "soft", "dry_run"];

/// A purge request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What is to be purged, in the order given.
    pub items: Vec<Item>,
    /// To be validated before it is used, rather than gone.
    pub soft: bool,
    /// Only to be told what would be done.
    pub dry_run: bool,
}

/// One thing to purge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// `url`, `tag`, …
    pub kind: &'static str,
    /// As it was given; of an identity only the name of the cookie.
    pub value: String,
    /// What it means. An identity under two keys is two.
    pub purges: Vec<Purge>,
    /// The URL, if it is one.
    pub url: Option<CanonicalUrl>,
}

impl Item {
    fn new(kind: &'static str, value: &str, purge: Purge) -> Self {
        Self { kind, value: value.to_owned(), purges: vec![purge], url: None }
    }

    /// One URL, all its variants.
    #[must_use]
    pub fn url(url: CanonicalUrl, hard: bool) -> Self {
        let purge = Purge { what: What::Named(Name::url(&url)), hard };
        Self { url: Some(url.clone()), ..Self::new("url", &url.to_string(), purge) }
    }
}

/// Reads a request. `identify` gives the digests of a cookie's value.
///
/// # Errors
///
/// What is wrong, and where: `tags[2]: found 7; wanted …`.
pub fn read(body: &[u8], identify: impl Fn(&str, &str) -> Vec<u64>) -> Result<Command, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let Value::Object(table) = value else { return Err("the body is not a JSON object".to_owned()) };
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("{key}: unknown; there are {}", KEYS.join(", ")));
    }
    let soft = switch(&table, "soft")?;
    let hard = !soft;
    let mut items = Vec::new();
    if switch(&table, "everything")? {
        items.push(Item::new("everything", "*", Purge { what: What::Named(Name::everything()), hard }));
    }
    let named = |kind, text: &str, name| Item::new(kind, text, Purge { what: What::Named(name), hard });
    texts(&table, "urls", &mut items, "an absolute URL", |text| {
        CanonicalUrl::parse(text, None).ok().map(|url| Item::url(url, hard))
    })?;
    texts(&table, "tags", &mut items, "a tag", |text| Some(named("tag", text, Name::tag(text))))?;
    texts(&table, "hosts", &mut items, "a host", |text| {
        (!text.contains('/')).then(|| named("host", text, Name::host(text)))
    })?;
    texts(&table, "groups", &mut items, "a group", |text| Some(named("group", text, Name::group_anywhere(text))))?;
    for (key, kind, glob) in [("prefixes", "prefix", false), ("patterns", "pattern", true)] {
        texts(&table, key, &mut items, "/path, or host/path", |text| {
            let area = Area::parse(text, glob)?;
            Some(Item::new(kind, text, Purge { what: What::In(area), hard }))
        })?;
    }
    identities(&table, hard, &mut items, identify)?;
    if items.is_empty() {
        return Err(format!("there is nothing to purge; give one of {}", KEYS[..8].join(", ")));
    }
    if items.len() > MAX_ITEMS {
        return Err(format!("there are {} things to purge; {MAX_ITEMS} are allowed", items.len()));
    }
    Ok(Command { items, soft, dry_run: switch(&table, "dry_run")? })
}

fn switch(table: &Map<String, Value>, key: &str) -> Result<bool, String> {
    match table.get(key) {
        None => Ok(false),
        Some(Value::Bool(on)) => Ok(*on),
        Some(other) => Err(format!("{key}: found {other}; wanted true or false")),
    }
}

fn list<'t>(table: &'t Map<String, Value>, key: &str) -> Result<&'t [Value], String> {
    match table.get(key) {
        None => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(other) => Err(format!("{key}: found {}; wanted a list", shortened(other))),
    }
}

fn texts(
    table: &Map<String, Value>,
    key: &str,
    items: &mut Vec<Item>,
    wanted: &str,
    read: impl Fn(&str) -> Option<Item>,
) -> Result<(), String> {
    for (at, value) in list(table, key)?.iter().enumerate() {
        let text = value.as_str().filter(|text| (1..=MAX_LENGTH).contains(&text.len()));
        let item = text.and_then(&read);
        items.push(item.ok_or_else(|| format!("{key}[{at}]: found {}; wanted {wanted}", shortened(value)))?);
    }
    Ok(())
}

/// `{ "cookie": "sessionid", "value": "…" }`. The value goes no further than here.
fn identities(
    table: &Map<String, Value>,
    hard: bool,
    items: &mut Vec<Item>,
    identify: impl Fn(&str, &str) -> Vec<u64>,
) -> Result<(), String> {
    for (at, value) in list(table, "identities")?.iter().enumerate() {
        let part = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| text.len() <= MAX_LENGTH);
        let (Some(cookie), Some(secret)) = (part("cookie"), part("value")) else {
            return Err(format!("identities[{at}]: wanted {{ \"cookie\": …, \"value\": … }}"));
        };
        let digests = identify(cookie, secret);
        if digests.is_empty() {
            return Err(format!("identities[{at}]: there is no IDENTITY_KEY, so nothing is stored by identity"));
        }
        let purges =
            digests.into_iter().map(|digest| Purge { what: What::Named(Name::identity(digest)), hard }).collect();
        items.push(Item { kind: "identity", value: cookie.to_owned(), purges, url: None });
    }
    Ok(())
}

fn shortened(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 80 { text } else { text.chars().take(80).chain(['…']).collect() }
}
