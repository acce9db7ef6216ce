//! The origin's own name in a response, replaced by the one the visitor used.

use http::HeaderMap;
use http::header::{CONTENT_LOCATION, HeaderValue, LOCATION};

use crate::fields::grammar::text;
use crate::policy::Origin;
use crate::url::{Authority, CanonicalUrl, Scheme};

/// Maps `Location` and `Content-Location`, where they are absolute and name the origin.
pub fn map_locations(headers: &mut HeaderMap, origin: &Origin, visited: &CanonicalUrl) {
    for name in [LOCATION, CONTENT_LOCATION] {
        let mapped = headers.get(&name).and_then(|value| map(text(value), origin, visited));
        if let Some(mapped) = mapped.and_then(|mapped| HeaderValue::from_str(&mapped).ok()) {
            headers.insert(name, mapped);
        }
    }
}

fn map(location: &str, origin: &Origin, visited: &CanonicalUrl) -> Option<String> {
    let (scheme, rest) = location.split_once("//")?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "" => origin.scheme,
        "http:" => Scheme::Http,
        "https:" => Scheme::Https,
        _ => return None,
    };
    let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let named = Authority::parse(authority, scheme)?;
    let is_origin = named == origin.authority;
    is_origin.then(|| format!("{}://{}{target}", visited.scheme.as_str(), visited.authority.as_str()))
}
