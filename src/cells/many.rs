//! `many`: one of `get`, `set`, `delete` over several keys, read from JSON. Values stay the bytes that stand there.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;

use super::MAX_KEYS;
use super::lifetime::Lifetime;

/// What is asked for.
pub(super) enum Many {
    Get(Vec<String>),
    Set(Vec<String>, Vec<Bytes>, Option<Lifetime>),
    Delete(Vec<String>),
}

type Table<'a> = BTreeMap<String, &'a RawValue>;

pub(super) fn read(body: &[u8]) -> Result<Many, String> {
    let mut table = read_table(body, "the body: wanted a JSON object")?;
    let mut take = |name: &str| table.remove(name).map(RawValue::get);
    let (get, set, delete, ttl) = (take("get"), take("set"), take("delete"), take("ttl"));
    if let Some(name) = table.keys().next() {
        return Err(format!("{name}: unknown; there are get, set, delete, ttl"));
    }
    let many = match (get, set, delete) {
        (Some(get), None, None) if ttl.is_none() => Many::Get(keys(get, "get")?),
        (None, None, Some(delete)) if ttl.is_none() => Many::Delete(keys(delete, "delete")?),
        (None, Some(set), None) => {
            let values = read_table(set.as_bytes(), "set: wanted an object of keys and values")?;
            let values = values.into_iter().map(|(key, value)| (key, Bytes::from(value.get().to_owned())));
            let (keys, values) = values.unzip();
            Many::Set(keys, values, ttl.map(lifetime).transpose()?)
        }
        _ => return Err("wanted one of get, set (beside which ttl may stand), delete".to_owned()),
    };
    let (Many::Get(keys) | Many::Set(keys, ..) | Many::Delete(keys)) = &many;
    match keys.len() {
        0 => Err("there are no keys".to_owned()),
        1..=MAX_KEYS => Ok(many),
        count => Err(format!("there are {count} keys; {MAX_KEYS} are allowed")),
    }
}

fn read_table<'b>(text: &'b [u8], wanted: &str) -> Result<Table<'b>, String> {
    serde_json::from_slice(text).map_err(|error| format!("{wanted}; {error}"))
}

fn keys(text: &str, name: &str) -> Result<Vec<String>, String> {
    let list = serde_json::from_str(text).ok().and_then(|value| match value {
        Value::Array(keys) => keys.into_iter().map(|key| key.as_str().map(str::to_owned)).collect(),
        _ => None,
    });
    list.ok_or_else(|| format!("{name}: wanted a list of keys"))
}

/// `300`, `"none"`, or `null`, which is Django's `None`.
fn lifetime(text: &str) -> Result<Lifetime, String> {
    let text = if text == "null" { "none" } else { text.trim_matches('"') };
    Lifetime::parse(text).ok_or_else(|| format!("ttl: found {text}; wanted seconds, \"none\" or null"))
}
