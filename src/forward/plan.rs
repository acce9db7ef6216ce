//! Plans one request: pass it whole, or look it up under a key and ask the origin for no more than that key covers.

use http::Method;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, RANGE};

use super::class::{Class, class_of};
use super::cookies::{CookiePlan, divide};
use super::identity::{IdentityKey, IdentityKeys};
use crate::fields::Cookies;
use crate::fields::grammar::text;
use crate::fields::negotiation::choose;
use crate::key::{CacheKey, KeyParts};
use crate::message::RequestHead;
use crate::policy::{CacheMode, Esi, HeaderRule, Policy, Selected, any_matches};
use crate::reason::Reason;
use crate::url::{CanonicalUrl, select_query};

/// The one value of `Accept-Encoding` the origin is asked with: no variant depends on it.
const ENCODINGS: HeaderValue = HeaderValue::from_static("gzip");

/// For ranges, which are of the bytes the client will get.
const NO_ENCODING: HeaderValue = HeaderValue::from_static("identity");

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const SURROGATE_CAPABILITY: HeaderName = HeaderName::from_static("surrogate-capability");
const LARDER_CLASS: HeaderName = HeaderName::from_static("larder-class");

/// A request that may be answered from the store.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// Where to look.
    pub key: CacheKey,
    /// Where to look while the identity key is being changed.
    pub previous_key: Option<CacheKey>,
    /// What the origin is asked for: parameters that do not matter are gone.
    pub url: CanonicalUrl,
    /// What the origin is sent. Whatever its answer says it varies by is compared in these.
    pub headers: HeaderMap,
    /// Cookies of the request that the origin does not see.
    pub withheld: Vec<String>,
    /// Whether cookies are sent that are not in the key.
    pub sends_unkeyed_cookies: bool,
    /// Whether `Authorization` is sent.
    pub sends_authorization: bool,
    /// Whether the route keys an identity: such an answer is for one visitor, or one class of them.
    pub keys_identity: bool,
    /// Whom the request names, by keyed cookies: short digests, under the key in use and the one before it.
    pub identities: Vec<u64>,
}

/// Decides whether a request may be answered from the store.
///
/// # Errors
///
/// The reason why the request passes.
pub fn plan(
    request: &RequestHead,
    selected: Selected,
    ambiguous: bool,
    prefix: &str,
    keys: &IdentityKeys,
) -> Result<Lookup, Reason> {
    let policy = selected.policy;
    refuse_at_once(request, selected, ambiguous)?;
    let cookies = divide(Cookies::of(&request.headers), policy)?;
    let mut headers = HeaderMap::with_capacity(request.headers.len() + MOST_OWN_FIELDS);
    let mut fields = Vec::new();
    for (name, rule) in &policy.vary_header.0 {
        let value = keyed_value(&request.headers, name, rule)?;
        if !matches!(rule, HeaderRule::Ignore | HeaderRule::Bypass) {
            fields.push((name.as_str(), value.clone()));
        }
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name.clone(), value);
        }
    }
    for (name, value) in &request.headers {
        if forwards(name, policy)? {
            headers.append(name.clone(), value.clone());
        }
    }
    add_own_fields(&mut headers, request, &cookies, policy);
    let url = select_parameters(&request.url, policy);
    let key = |identity: Option<IdentityKey>| cache_key(prefix, &url, &cookies, &fields, identity);
    if !cookies.identities.is_empty() && keys.current().is_none() {
        return Err(Reason::IdentityKeyMissing);
    }
    let in_use = !cookies.identities.is_empty();
    Ok(Lookup {
        key: key(keys.current()),
        previous_key: keys.previous().filter(|_| in_use).map(|previous| key(Some(previous))),
        withheld: cookies.withheld.iter().map(|&name| name.to_owned()).collect(),
        sends_unkeyed_cookies: cookies.sends_unkeyed,
        sends_authorization: headers.contains_key(AUTHORIZATION),
        keys_identity: policy.keys_identity(),
        identities: keys.named(cookies.identities.iter().filter_map(|(name, value)| Some((*name, (*value)?)))),
        headers,
        url,
    })
}

/// What needs no look at cookies and fields.
fn refuse_at_once(request: &RequestHead, selected: Selected, ambiguous: bool) -> Result<(), Reason> {
    let policy = selected.policy;
    if policy.cache == CacheMode::Pass {
        return Err(Reason::RoutePass);
    }
    if request.upgrade {
        return Err(Reason::Upgrade);
    }
    if !selected.lists_method || ![Method::GET, Method::HEAD].contains(&request.method) {
        return Err(Reason::MethodNotListed);
    }
    if ambiguous || request.url.malformed {
        return Err(Reason::UrlAmbiguous);
    }
    if policy.cache == CacheMode::Force && request.headers.contains_key(AUTHORIZATION) {
        return Err(Reason::Authorization);
    }
    Ok(())
}

/// The value of a field as it enters the key and goes to the origin.
fn keyed_value(headers: &HeaderMap, name: &HeaderName, rule: &HeaderRule) -> Result<Option<String>, Reason> {
    let lines: Vec<_> = headers.get_all(name).iter().map(text).collect();
    if lines.is_empty() || *rule == HeaderRule::Ignore {
        return Ok(None);
    }
    if *rule == HeaderRule::Bypass {
        return Err(Reason::HeaderBypass);
    }
    let value = lines.join(", ");
    if value.contains('\u{fffd}') {
        return Err(Reason::IdentityUnclear);
    }
    Ok(match rule {
        HeaderRule::OneOf(offered) => choose(name, &value, offered).map(str::to_owned),
        _ => Some(value),
    })
}

/// Whether a field that is not in the key goes to the origin on a cacheable request. An error passes the request.
fn forwards(name: &HeaderName, policy: &Policy) -> Result<bool, Reason> {
    match treatment(name, policy) {
        Treatment::Forwarded | Treatment::Harmless => Ok(true),
        Treatment::Keyed | Treatment::Constant | Treatment::Cookie | Treatment::Dropped => Ok(false),
        Treatment::Passes(reason) => Err(reason),
    }
}

/// What becomes of a request field on a route that may store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// In the key, or declared not to matter.
    Keyed,
    /// The origin always sees the same, or what is in the key anyway.
    Constant,
    /// By the rules for cookies.
    Cookie,
    /// The origin sees it as it is, so an answer may depend on it, and says so in `Vary`.
    Forwarded,
    /// The same, and the route promises that no answer depends on it unless it says so.
    Harmless,
    /// The origin never sees it.
    Dropped,
    /// A request with it passes.
    Passes(Reason),
}

/// What becomes of the field `name` under `policy`.
#[must_use]
pub fn treatment(name: &HeaderName, policy: &Policy) -> Treatment {
    if policy.vary_header.rule(name).is_some() {
        return Treatment::Keyed;
    }
    let class = class_of(name);
    let harmless = !matches!(class, Class::Cookie | Class::Credentials | Class::Own | Class::Routing | Class::Content)
        && name != ACCEPT_ENCODING
        && any_matches(&policy.forward_header, name.as_str());
    if harmless {
        return Treatment::Harmless;
    }
    let force = policy.cache == CacheMode::Force;
    match class {
        _ if *name == ACCEPT_ENCODING || [FORWARDED_HOST, FORWARDED_PROTO, HOST].contains(name) => Treatment::Constant,
        Class::Cookie => Treatment::Cookie,
        Class::Representation => Treatment::Passes(Reason::Representation),
        Class::Content | Class::Routing | Class::Platform | Class::Own => Treatment::Dropped,
        _ if force => Treatment::Dropped,
        // What a client has of a page that is assembled is not what the origin would compare it with.
        Class::Conditional if policy.esi != Esi::Off => Treatment::Dropped,
        Class::Credentials | Class::Negotiation | Class::Conditional | Class::Tracing | Class::Browser => {
            Treatment::Forwarded
        }
        Class::Unknown => Treatment::Passes(Reason::HeaderUnclassified),
    }
}

/// How many [`add_own_fields`] adds.
const MOST_OWN_FIELDS: usize = 6;

/// What the origin is told that the client did not say.
fn add_own_fields(headers: &mut HeaderMap, request: &RequestHead, cookies: &CookiePlan, policy: &Policy) {
    let encodings = if headers.contains_key(RANGE) { NO_ENCODING } else { ENCODINGS };
    headers.insert(ACCEPT_ENCODING, encodings);
    if let Ok(sent) = HeaderValue::from_bytes(cookies.sent.as_bytes())
        && !cookies.sent.is_empty()
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

/// `Surrogate-Capability` ([Edge Architecture §2](https://www.w3.org/TR/edge-arch/)).
const CAPABILITY: HeaderValue = HeaderValue::from_static("larder=\"Surrogate/1.0\"");

/// The same on a route that assembles pages.
const CAPABILITY_ESI: HeaderValue = HeaderValue::from_static("larder=\"Surrogate/1.0 ESI/1.0 ESI-Inline/1.0\"");

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

/// The URL that the origin is asked for and an answer is stored under: without the parameters that `policy` says do not matter.
#[must_use]
pub fn select_parameters(url: &CanonicalUrl, policy: &Policy) -> CanonicalUrl {
    let rule = &policy.query;
    let Some(query) = url.query.as_deref().filter(|_| rule.sort || !rule.ignore.is_empty() || !rule.keep.is_empty())
    else {
        return url.clone();
    };
    let keeps =
        |name: &str| !any_matches(&rule.ignore, name) && (rule.keep.is_empty() || any_matches(&rule.keep, name));
    CanonicalUrl { query: select_query(query, rule.sort, keeps), ..url.clone() }
}

fn cache_key(
    prefix: &str,
    url: &CanonicalUrl,
    cookies: &CookiePlan,
    fields: &[(&str, Option<String>)],
    identity: Option<IdentityKey>,
) -> CacheKey {
    let digest = |(name, value): &(&str, Option<&str>)| {
        let value = value.zip(identity).map(|(value, key)| key.digest(name, value));
        ((*name).to_owned(), value)
    };
    KeyParts {
        prefix,
        url,
        identities: cookies.identities.iter().map(digest).collect(),
        classes: cookies.classes.clone(),
        fields: fields.iter().map(|(name, value)| (*name, value.as_deref())).collect(),
    }
    .key()
}
