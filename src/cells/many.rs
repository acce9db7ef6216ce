//! `many`: one of `get`, `set`, `delete` over several keys, read from JSON. Values stay the bytes that stand there.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
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
    let mut table: Table = json(body, "the body", "a JSON object")?;
    let mut take = |name: &str| table.remove(name).map(RawValue::get);
    let (get, set, delete, ttl) = (take("get"), take("set"), take("delete"), take("ttl"));
    if let Some(name) = table.keys().next() {
        return Err(format!("{name}: unknown; there are get, set, delete, ttl"));
    }
    let wanted_keys = "a list of keys";
    let many = match (get, set, delete) {
        (Some(get), None, None) if ttl.is_none() => Many::Get(json(get.as_bytes(), "get", wanted_keys)?),
        (None, None, Some(delete)) if ttl.is_none() => Many::Delete(json(delete.as_bytes(), "delete", wanted_keys)?),
        (None, Some(set), None) => {
            let values: Table = json(set.as_bytes(), "set", "an object of keys and values")?;
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

fn json<'a, T: Deserialize<'a>>(text: &'a [u8], name: &str, wanted: &str) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|error| format!("{name}: wanted {wanted}; {error}"))
}

/// `300`, `"none"`, or `null`, which is Django's `None`.
fn lifetime(text: &str) -> Result<Lifetime, String> {
    let text = if text == "null" { "none" } else { text.trim_matches('"') };
    Lifetime::parse(text).ok_or_else(|| format!("ttl: found {text}; wanted seconds, \"none\" or null"))
}
