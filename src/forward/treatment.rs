//! What becomes of each field of a request that was looked up.

use http::header::{ACCEPT_ENCODING, HOST, HeaderMap, HeaderName};

use super::class::{Class, class_of};
use super::forwarded::{FORWARDED_HOST, FORWARDED_PROTO};
use crate::fields::grammar::text;
use crate::fields::negotiation::choose;
use crate::policy::{CacheMode, Esi, HeaderRule, Policy, any_matches};
use crate::reason::Reason;

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
    let harmless = any_matches(&policy.forward_header, name.as_str())
        && !matches!(class, Class::Cookie | Class::Credentials | Class::Own | Class::Routing | Class::Content)
        && name != ACCEPT_ENCODING;
    if harmless {
        return Treatment::Harmless;
    }
    let force = policy.cache == CacheMode::Force;
    match class {
        Class::Negotiation if *name == ACCEPT_ENCODING => Treatment::Constant,
        Class::Routing if [FORWARDED_HOST, FORWARDED_PROTO, HOST].contains(name) => Treatment::Constant,
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

/// A field that is in the key, and the value that is sent, if there is one.
pub(super) type KeyedField<'a> = (&'a HeaderName, Option<String>);

/// The fields in the key. An error passes the request.
pub(super) fn keyed_fields<'a>(headers: &HeaderMap, policy: &'a Policy) -> Result<Vec<KeyedField<'a>>, Reason> {
    let mut keyed = Vec::new();
    for (name, rule) in &policy.vary_header.0 {
        let value = keyed_value(headers, name, rule)?;
        if !matches!(rule, HeaderRule::Ignore | HeaderRule::Bypass) {
            keyed.push((name, value));
        }
    }
    Ok(keyed)
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
