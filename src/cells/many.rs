//! `many`: one of `get`, `set`, `delete` over several keys, read from JSON. Values stay the bytes that stand there.

use std::fmt;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::MAX_KEYS;
use super::lifetime::Lifetime;
use super::step::Verb;

/// What is asked for: `Get`, `Set` or `Delete`; of which keys; the values and their lifetime, if they are set.
pub(super) struct Many {
    pub(super) verb: Verb,
    pub(super) keys: Vec<String>,
    pub(super) values: Vec<Bytes>,
    pub(super) lifetime: Option<Lifetime>,
}

pub(super) fn read(body: &[u8]) -> Result<Many, String> {
    let body = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
    let mut many: Option<Many> = None;
    let mut lifetime = None;
    for (name, value) in members("the body", body)? {
        let verb = match name.as_str() {
            "ttl" => {
                let text = if value == "null" { "none" } else { value.trim_matches('"') };
                lifetime = Some(Lifetime::parse(text)?);
                continue;
            }
            "get" => Verb::Get,
            "set" => Verb::Set,
            "delete" => Verb::Delete,
            _ => return Err(format!("{name}: unknown; there are get, set, delete, ttl")),
        };
        if many.is_some() {
            return Err(format!("{name}: only one of get, set, delete at a time"));
        }
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        if verb == Verb::Set {
            for (key, value) in members("set", value)? {
                keys.push(key);
                values.push(Bytes::from(value.to_owned()));
            }
        } else {
            keys = list(value).ok_or_else(|| format!("{name}: wanted a list of keys"))?;
        }
        many = Some(Many { verb, keys, values, lifetime: None });
    }
    let Some(mut many) = many else {
        return Err("wanted one of get, set (beside which ttl may stand), delete".to_owned());
    };
    if lifetime.is_some() && many.verb != Verb::Set {
        return Err("ttl: only beside set".to_owned());
    }
    many.lifetime = lifetime;
    match many.keys.len() {
        1..=MAX_KEYS => Ok(many),
        count => Err(format!("there are {count} keys; 1 to {MAX_KEYS} are allowed")),
    }
}

fn list(text: &str) -> Option<Vec<String>> {
    let mut keys = Vec::new();
    for key in serde_json::from_str::<Value>(text).ok()?.as_array()? {
        keys.push(key.as_str()?.to_owned());
    }
    Some(keys)
}

/// The members of a JSON object, each value as it is written.
fn members<'t>(name: &str, text: &'t str) -> Result<Vec<(String, &'t str)>, String> {
    let members: Result<Members, _> = serde_json::from_str(text);
    members.map(|Members(members)| members).map_err(|error| format!("{name}: wanted a JSON object; {error}"))
}

struct Members<'t>(Vec<(String, &'t str)>);

impl<'t> Deserialize<'t> for Members<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'t> Visitor<'t> for Reading {
            type Value = Members<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key()? {
                    members.push((name, map.next_value::<&RawValue>()?.get()));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reading)
    }
}
