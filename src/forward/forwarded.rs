//! The fields that the origin is sent.

use http::Method;
use http::header::{ACCEPT_ENCODING, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, RANGE};

use super::class::{Class, class_of};
use super::cookies::{SentCookies, keyed_cookies};
use super::treatment::{Treatment, keyed_fields, treatment};
use crate::fields::Cookies;
use crate::message::RequestHead;
use crate::policy::{Esi, Policy};
use crate::url::CanonicalUrl;

/// The one value of `Accept-Encoding` the origin is asked with: no variant depends on it.
const ENCODINGS: HeaderValue = HeaderValue::from_static("gzip");

/// For ranges, which are of the bytes the client will get.
const NO_ENCODING: HeaderValue = HeaderValue::from_static("identity");

pub(super) const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(super) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const SURROGATE_CAPABILITY: HeaderName = HeaderName::from_static("surrogate-capability");
const LARDER_CLASS: HeaderName = HeaderName::from_static("larder-class");

/// `Surrogate-Capability` ([Edge Architecture §2](https://www.w3.org/TR/edge-arch/)).
const CAPABILITY: HeaderValue = HeaderValue::from_static("larder=\"Surrogate/1.0\"");

/// The same on a route that assembles pages.
const CAPABILITY_ESI: HeaderValue = HeaderValue::from_static("larder=\"Surrogate/1.0 ESI/1.0 ESI-Inline/1.0\"");

/// What the origin sees of a request that was looked up: what is in the key, plus what cannot matter.
#[derive(Debug, Clone)]
pub(super) struct Forwarded {
    pub headers: HeaderMap,
    /// Cookies of the request that the origin does not see.
    pub withheld: Vec<String>,
    /// Whether cookies are sent that are not in the key.
    pub sends_unkeyed_cookies: bool,
}

impl Forwarded {
    /// Of a request that does not pass: what would make it pass is not forwarded.
    pub(super) fn of(request: &RequestHead, policy: &Policy) -> Self {
        let all = Cookies::of(&request.headers);
        let cookies = SentCookies::of(all, &keyed_cookies(all, policy).unwrap_or_default(), policy);
        let mut headers = HeaderMap::with_capacity(request.headers.len() + MOST_OWN_FIELDS);
        for (name, value) in keyed_fields(&request.headers, policy).unwrap_or_default() {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name.clone(), value);
            }
        }
        for (name, value) in &request.headers {
            if matches!(treatment(name, policy), Treatment::Forwarded | Treatment::Harmless) {
                headers.append(name.clone(), value.clone());
            }
        }
        add_own_fields(&mut headers, request, &cookies, policy);
        let withheld = cookies.withheld.iter().map(|&name| name.to_owned()).collect();
        Self { headers, withheld, sends_unkeyed_cookies: cookies.unkeyed }
    }
}

/// How many [`add_own_fields`] adds.
const MOST_OWN_FIELDS: usize = 6;

/// What the origin is told that the client did not say.
fn add_own_fields(headers: &mut HeaderMap, request: &RequestHead, cookies: &SentCookies, policy: &Policy) {
    let encodings = if headers.contains_key(RANGE) { NO_ENCODING } else { ENCODINGS };
    headers.insert(ACCEPT_ENCODING, encodings);
    if let Ok(sent) = HeaderValue::from_bytes(cookies.field.as_bytes())
        && !cookies.field.is_empty()
    {
        headers.insert(COOKIE, sent);
    }
    if let Ok(told) = HeaderValue::from_str(&cookies.told.join(", "))
        && !cookies.told.is_empty()
    {
        headers.insert(LARDER_CLASS, told);
    }
    let assembles = policy.esi != Esi::Off;
    headers.insert(SURROGATE_CAPABILITY, if assembles { CAPABILITY_ESI } else { CAPABILITY });
    set_visitor(headers, &request.url);
}

/// Makes of a request that passes one whose answer may be read here: in a coding that can be taken off, and of a page all of it.
pub fn ask_for_template(headers: &mut HeaderMap, method: &Method) {
    headers.insert(SURROGATE_CAPABILITY, CAPABILITY_ESI);
    headers.insert(ACCEPT_ENCODING, ENCODINGS);
    if [Method::GET, Method::HEAD].contains(method) {
        let narrowing: Vec<_> = headers.keys().filter(|name| class_of(name) == Class::Conditional).cloned().collect();
        for name in narrowing {
            headers.remove(name);
        }
    }
}

/// The visitor's host and scheme: in the key, and what an application builds its absolute URLs from.
fn set_visitor(headers: &mut HeaderMap, url: &CanonicalUrl) {
    if let Ok(host) = HeaderValue::from_str(url.authority.as_str()) {
        headers.insert(FORWARDED_HOST, host);
    }
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(url.scheme.as_str()));
}

/// The fields of a request that passes: all but our own; with a `handshake`, those of the connection too. The visitor's host
/// and scheme are set anew all the same, since applications believe them.
#[must_use]
pub fn pass_through(request: &RequestHead, handshake: Option<&HeaderMap>) -> HeaderMap {
    let mut headers = handshake.unwrap_or(&request.headers).clone();
    let own: Vec<_> = headers.keys().filter(|name| class_of(name) == Class::Own).cloned().collect();
    for name in own {
        headers.remove(name);
    }
    headers.remove(HOST);
    // Two Cookie lines are joined with a comma on some ways and lost on others; the semicolon keeps all cookies.
    if headers.get_all(COOKIE).iter().count() > 1 {
        let joined = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b"; "[..]);
        if let Ok(joined) = HeaderValue::from_bytes(&joined) {
            headers.insert(COOKIE, joined);
        }
    }
    set_visitor(&mut headers, &request.url);
    headers
}
