//! Keys: two requests have one key only if all of their parts are the same.
#![cfg_attr(fuzzing, no_main)]

use http::HeaderName;
use larder::cache::Selecting;
use larder::cache::variant::{same_fields, variant_key};
use larder::digest::{Digest, sha256};
use larder::key::{CacheKey, KeyParts};
use larder::url::{CanonicalUrl, Scheme};

use crate::input::Input;

#[cfg(fuzzing)]
mod input;
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holds(data));

/// What a key is made of, as text.
#[derive(Debug, PartialEq)]
struct Parts {
    prefix: String,
    url: CanonicalUrl,
    identities: Vec<(String, Option<Digest>)>,
    classes: Vec<(String, Option<String>)>,
    fields: Vec<(String, Option<String>)>,
}

/// `data`: the parts of one key, `--`, the parts of another. A prefix, a path, a query; then `i`, `c` or `f` with a name and perhaps,
/// behind a `=`, a value.
pub fn holds(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (one, other) = text.split_once("\n--\n").unwrap_or((&text, ""));
    let (one, other) = (parts(one.as_bytes()), parts(other.as_bytes()));
    assert_eq!(key(&one) == key(&other), one == other, "{one:?} {other:?}");
    let text = key(&one).to_string();
    assert_eq!(CacheKey::parse(&text), Some(key(&one)));
    assert_eq!(CacheKey::parse(&text.to_ascii_uppercase()).is_some(), text == text.to_ascii_uppercase());

    let (selecting, others) = (selecting(&one), selecting(&other));
    let variant = |fields: &[Selecting], generation| variant_key(key(&one), generation, fields);
    assert_eq!(variant(&selecting, 1) == variant(&others, 1), selecting == others, "{selecting:?} {others:?}");
    assert!(selecting != others || same_fields(&selecting, &others));
    assert_ne!(variant(&selecting, 1), variant(&selecting, 2));
    assert_ne!(variant(&selecting, 1), key(&one));
}

fn parts(data: &[u8]) -> Parts {
    let mut input = Input::new(data);
    let prefix = input.text().into_owned();
    let (path, query) = (input.text().into_owned(), input.text().into_owned());
    let mut url = CanonicalUrl::parse("https://site.test/", None).expect("a URL");
    url.scheme = if prefix.len().is_multiple_of(2) { Scheme::Https } else { Scheme::Http };
    url.path = path;
    url.query = query.strip_prefix('?').map(str::to_owned);
    let mut parts = Parts { prefix, url, identities: Vec::new(), classes: Vec::new(), fields: Vec::new() };
    for line in String::from_utf8_lossy(input.rest()).lines() {
        let Some((kind, named)) = line.split_at_checked(1) else { continue };
        let (name, value) = named.split_once('=').map_or((named, None), |(name, value)| (name, Some(value)));
        let name = name.to_owned();
        match kind {
            "i" => parts.identities.push((name, value.map(|value| sha256(value.as_bytes())))),
            "c" => parts.classes.push((name, value.map(str::to_owned))),
            _ => parts.fields.push((name, value.map(str::to_owned))),
        }
    }
    parts
}

fn key(parts: &Parts) -> CacheKey {
    let Parts { prefix, url, identities, classes, fields } = parts;
    KeyParts { prefix, url, identities: identities.clone(), classes: borrowed(classes), fields: borrowed(fields) }.key()
}

fn borrowed(named: &[(String, Option<String>)]) -> Vec<(&str, Option<&str>)> {
    named.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect()
}

fn selecting(parts: &Parts) -> Vec<Selecting> {
    let name = |name: &str| HeaderName::from_bytes(name.as_bytes()).ok();
    let fields = parts.fields.iter();
    fields.filter_map(|(field, value)| Some(Selecting { name: name(field)?, value: value.clone() })).collect()
}
