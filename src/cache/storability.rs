//! Whether a response may be stored ([RFC 9111 §3](https://www.rfc-editor.org/rfc/rfc9111#section-3)), and the reason if not.

use http::StatusCode;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, COOKIE, HeaderMap, HeaderName, LOCATION,
    SET_COOKIE,
};

use super::age::{Fetched, corrected_initial_age};
use super::entry::Selecting;
use super::freshness::{StaleWindows, lifetime};
use super::media_type::fits_extension;
use super::partial::Extent;
use super::stored_fields::{purge_names, stored_fields};
use super::terms::{Terms, read_terms};
use super::validation::has_validator;
use super::variant::selecting;
use crate::fields::grammar::sole_line;
use crate::fields::{Lifetime, ResponseDirectives, Seconds, Vary};
use crate::forward::{Class, Lookup, Treatment, class_of, treatment};
use crate::message::ResponseHead;
use crate::name::Name;
use crate::policy::{CacheMode, Policy};
use crate::reason::Reason;

/// What goes into the store with a response that may be stored.
#[derive(Debug, Clone)]
pub struct Admission {
    /// On what terms.
    pub terms: Terms,
    /// How old it is on arrival.
    pub initial_age: Seconds,
    /// The fields to keep.
    pub headers: HeaderMap,
    /// The request fields it was selected by.
    pub selecting: Vec<Selecting>,
    /// What it can be purged by, beside its URL and its host.
    pub names: Vec<Name>,
}

/// What was asked, by whose rules, and when: the circumstances of a response.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What the origin was sent.
    pub lookup: &'a Lookup,
    /// Whether the client said `no-store`, and the route honours that.
    pub no_store: bool,
    /// The route's.
    pub policy: &'a Policy,
    /// When.
    pub fetched: Fetched,
}

/// Decides about the answer to a GET that was looked up.
///
/// # Errors
///
/// The reason why it is not stored.
pub fn storability(response: &ResponseHead, asked: Asked) -> Result<Admission, Reason> {
    let Asked { lookup, policy, fetched, .. } = asked;
    let (terms, directives) = read_terms(response.status, &response.headers, fetched);
    if asked.no_store {
        return Err(Reason::RequestNoStore);
    }
    check_status(response, lookup, policy)?;
    check_directives(response.status, &directives, lookup, policy)?;
    check_identity(lookup, response, &terms)?;
    let names = check_vary(lookup, &response.headers, policy)?;
    check_representation(lookup, response, policy)?;
    let initial_age = corrected_initial_age(&response.headers, fetched);
    check_freshness(response, &terms, &directives, initial_age, policy)?;
    Ok(Admission {
        terms,
        initial_age,
        headers: stored_fields(&response.headers, &directives, fetched.received),
        selecting: selecting(&names, lookup.headers()),
        names: purge_names(&response.headers, lookup, policy),
    })
}

/// On `force` routes only what the policy names; otherwise every final status, if the rest allows it. What a client's own condition or
/// range brought about says nothing to the next one: a range beyond the end must not take the page away from everybody, nor a condition
/// that the origin stumbles over.
fn check_status(response: &ResponseHead, lookup: &Lookup, policy: &Policy) -> Result<(), Reason> {
    let code = response.status.as_u16();
    let is_conditional = || lookup.headers().keys().any(|name| class_of(name) == Class::Conditional);
    match code {
        304 | 412 | 416 => Err(Reason::Conditional),
        400.. if is_conditional() => Err(Reason::Conditional),
        206 if policy.cache == CacheMode::Force => Err(Reason::Partial),
        206 => check_part(&response.headers),
        200..600 => {
            let listed = matches!(code, 200 | 203) || policy.status_ttl.contains_key(&code);
            if policy.cache == CacheMode::Force && !listed { Err(Reason::StatusNotStored) } else { Ok(()) }
        }
        _ => Err(Reason::StatusNotStored),
    }
}

/// A part is stored if it says which part of what it is, and its length agrees
/// ([RFC 9111 §3.3](https://www.rfc-editor.org/rfc/rfc9111#section-3.3)). Of bytes under a coding that is taken off here it would be a
/// part of something else.
fn check_part(headers: &HeaderMap) -> Result<(), Reason> {
    let extent = Extent::of_part(headers).ok_or(Reason::Partial)?;
    let fits = content_length(headers).is_none_or(|length| length == extent.length());
    if fits && !headers.contains_key(CONTENT_ENCODING) { Ok(()) } else { Err(Reason::Partial) }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    sole_line(headers, CONTENT_LENGTH).and_then(|text| text.parse().ok())
}

fn check_directives(
    status: StatusCode,
    directives: &ResponseDirectives,
    lookup: &Lookup,
    policy: &Policy,
) -> Result<(), Reason> {
    if directives.must_understand && !is_understood(status) {
        return Err(Reason::NotUnderstood);
    }
    // "A cache that implements must-understand ... SHOULD ignore the no-store" that stands beside it.
    if directives.no_store && !directives.must_understand {
        return Err(Reason::NoStore);
    }
    let own_variant = policy.store_private && !lookup.identities.is_empty();
    if directives.private && !own_variant {
        return Err(Reason::Private);
    }
    Ok(())
}

/// Statuses whose meaning for caches is known ([RFC 9110 §15](https://www.rfc-editor.org/rfc/rfc9110#section-15)).
fn is_understood(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200..=205 | 300..=303 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 500..=505)
}

/// Nothing that may belong to one visitor.
fn check_identity(lookup: &Lookup, response: &ResponseHead, terms: &Terms) -> Result<(), Reason> {
    if response.headers.contains_key(SET_COOKIE) {
        return Err(Reason::SetCookie);
    }
    if lookup.sends_authorization() && !terms.authorized {
        return Err(Reason::Authorization);
    }
    if lookup.sends_unkeyed_cookies() && !terms.shared {
        return Err(Reason::CookieUnclassified);
    }
    Ok(())
}

/// The fields by which variants are told apart: those the origin saw that are not in the key.
fn check_vary(lookup: &Lookup, headers: &HeaderMap, policy: &Policy) -> Result<Vec<HeaderName>, Reason> {
    let names = match Vary::read(headers) {
        Vary::By(names) => names,
        Vary::Anything => return Err(Reason::VaryAnything),
        Vary::Unreadable => return Err(Reason::VaryUnreadable),
    };
    let mut selecting = Vec::new();
    for name in names {
        match treatment(&name, policy) {
            Treatment::Forwarded | Treatment::Harmless if name != AUTHORIZATION => selecting.push(name),
            Treatment::Cookie if policy.keys_identity() => {}
            // Filled without cookies, it is for requests without cookies.
            Treatment::Cookie
                if name == COOKIE && policy.cache == CacheMode::Origin && !lookup.sends_unkeyed_cookies() =>
            {
                selecting.push(name);
            }
            Treatment::Cookie => return Err(Reason::VaryCookie),
            Treatment::Keyed | Treatment::Constant | Treatment::Passes(_) => {}
            Treatment::Forwarded | Treatment::Harmless | Treatment::Dropped => return Err(Reason::VaryUnkeyed),
        }
    }
    debug_assert!(!selecting.contains(&ACCEPT_ENCODING), "the origin is always asked with the same value");
    Ok(selecting)
}

fn check_representation(lookup: &Lookup, response: &ResponseHead, policy: &Policy) -> Result<(), Reason> {
    if content_length(&response.headers).is_some_and(|length| length > policy.max_body.0) {
        return Err(Reason::TooLarge);
    }
    if policy.match_type && !fits_extension(&lookup.url().path, &response.headers) {
        return Err(Reason::TypeMismatch);
    }
    let leads_back = |location| lookup.url().join(location).as_ref() == Some(lookup.url());
    if response.status.is_redirection() && sole_line(&response.headers, LOCATION).is_some_and(leads_back) {
        return Err(Reason::SelfRedirect);
    }
    Ok(())
}

/// A response needs a lifetime that can be read, and must be of some use after now.
fn check_freshness(
    response: &ResponseHead,
    terms: &Terms,
    directives: &ResponseDirectives,
    initial_age: Seconds,
    policy: &Policy,
) -> Result<(), Reason> {
    let validator = has_validator(&response.headers);
    let unreadable = directives.s_maxage.or(directives.max_age) == Some(Lifetime::Malformed);
    let useful = match lifetime(terms, response.status, policy) {
        Some(_) if unreadable => return Err(Reason::Expired),
        Some(lifetime) => lifetime + StaleWindows::of(terms, policy).longest(),
        None if terms.no_cache && validator => Seconds::ZERO,
        None => return Err(Reason::NoFreshness),
    };
    if useful > initial_age || validator { Ok(()) } else { Err(Reason::Expired) }
}
