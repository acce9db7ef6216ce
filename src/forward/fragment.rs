//! The request for a fragment: what of a visitor's request for a page goes with it.

use http::Method;
use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};

use super::class::{Class, class_of};
use crate::fields::{Cookie, Cookies};
use crate::message::RequestHead;
use crate::policy::{Policy, any_matches};
use crate::url::CanonicalUrl;

/// The request for the fragment at `url`, which falls under `policy`, of the page that `page` asks for: without conditions and ranges,
/// which are the page's, and with no cookie but those the fragment's route names. Another host gets neither cookies nor credentials.
#[must_use]
pub fn fragment_request(page: &RequestHead, url: CanonicalUrl, policy: &Policy) -> RequestHead {
    let is_own_host = url.authority == page.url.authority;
    let mut headers = HeaderMap::new();
    for (name, value) in page.headers.iter().filter(|(name, _)| goes_along(name, policy)) {
        if *name != AUTHORIZATION || is_own_host {
            headers.append(name.clone(), value.clone());
        }
    }
    if let Ok(cookies) = HeaderValue::from_str(&named_cookies(page, policy))
        && is_own_host
        && !cookies.is_empty()
    {
        headers.insert(COOKIE, cookies);
    }
    RequestHead { method: Method::GET, url, headers, upgrade: false }
}

fn goes_along(name: &HeaderName, policy: &Policy) -> bool {
    let is_named = || policy.vary_header.rule(name).is_some() || policy.declares_harmless(name);
    match class_of(name) {
        Class::Negotiation | Class::Tracing | Class::Browser | Class::Platform | Class::Credentials => true,
        Class::Unknown | Class::Representation => is_named(),
        Class::Cookie | Class::Conditional | Class::Content | Class::Routing | Class::Own => false,
    }
}

/// The cookies that the fragment's route names, as far as it is clear what they are.
fn named_cookies(page: &RequestHead, policy: &Policy) -> String {
    let cookies = Cookies::of(&page.headers);
    let is_named = |name: &str| {
        policy.vary_cookie.iter().any(|keyed| keyed == name)
            || policy.cookie_class.contains_key(name)
            || any_matches(&policy.bypass_cookie, name)
    };
    let mut pairs = String::new();
    for name in cookies.names().filter(|name| is_named(name)) {
        if let Cookie::Value(value) = cookies.find(name) {
            pairs.push_str(if pairs.is_empty() { "" } else { "; " });
            pairs.push_str(name);
            pairs.push('=');
            pairs.push_str(value);
        }
    }
    pairs
}
