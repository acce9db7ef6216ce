//! Which cookies reach the origin, and what of them is in the key.

use crate::fields::cookie::{is_strict_pair, name_of};
use crate::fields::{Cookie, Cookies};
use crate::policy::{CookieClass, Policy, any_matches};
use crate::reason::Reason;

/// What of a request's cookies is in the key.
#[derive(Debug, Default)]
pub(super) struct KeyedCookies<'a> {
    /// By value: the name, and the value if it is there.
    pub identities: Vec<(&'a str, Option<&'a str>)>,
    /// By class: the name, and the class if it is there.
    pub classes: Vec<(&'a str, Option<&'a str>)>,
}

/// Reads them. An error passes the request.
pub(super) fn keyed_cookies<'a>(cookies: Cookies<'a>, policy: &'a Policy) -> Result<KeyedCookies<'a>, Reason> {
    let bypasses = |name| any_matches(&policy.bypass_cookie, name);
    if !policy.bypass_cookie.is_empty() && cookies.names().any(bypasses) {
        return Err(Reason::BypassCookie);
    }
    let mut keyed = KeyedCookies::default();
    for name in &policy.vary_cookie {
        keyed.identities.push((name, value(name, cookies)?));
    }
    for (name, class) in &policy.cookie_class {
        let value = value(name, cookies)?;
        keyed.classes.push((name, value.map(|value| class_of(value, class)).transpose()?));
    }
    Ok(keyed)
}

fn value<'a>(name: &str, cookies: Cookies<'a>) -> Result<Option<&'a str>, Reason> {
    match cookies.find(name) {
        Cookie::Absent => Ok(None),
        Cookie::Value(value) => Ok(Some(value)),
        Cookie::Unclear => Err(Reason::IdentityUnclear),
    }
}

fn class_of<'a>(value: &str, class: &'a CookieClass) -> Result<&'a str, Reason> {
    match class {
        CookieClass::Present => Ok("present"),
        CookieClass::OneOf(listed) => {
            listed.iter().find(|listed| *listed == value).map(String::as_str).ok_or(Reason::ClassUnlisted)
        }
    }
}

/// What of a request's cookies reaches the origin.
#[derive(Debug, Default)]
pub(super) struct SentCookies<'a> {
    /// The `Cookie` field for the origin; empty if there is none.
    pub field: String,
    /// Names the origin does not get to see.
    pub withheld: Vec<&'a str>,
    /// Whether something is sent that is not in the key.
    pub unkeyed: bool,
    /// `Larder-Class`: what the origin is told instead of a value.
    pub told: Vec<String>,
}

impl<'a> SentCookies<'a> {
    /// Those that are `keyed`, and on a plain `origin` route the others but the ignored ones.
    pub(super) fn of(cookies: Cookies<'a>, keyed: &KeyedCookies<'a>, policy: &Policy) -> Self {
        let mut sent = Self::default();
        for (name, value) in there(&keyed.identities) {
            sent.send(&format!("{name}={value}"));
        }
        for (name, class) in there(&keyed.classes) {
            match policy.cookie_class.get(name) {
                Some(CookieClass::OneOf(_)) => sent.send(&format!("{name}={class}")),
                Some(CookieClass::Present) | None => sent.told.push(format!("{name}={class}")),
            }
        }
        if policy.withholds_cookies() {
            sent.withheld = cookies.names().filter(|name| !sent.sends(name)).collect();
        } else {
            sent.send_all_but_ignored(cookies, policy);
        }
        sent
    }

    fn send(&mut self, pair: &str) {
        if !self.field.is_empty() {
            self.field.push_str("; ");
        }
        self.field.push_str(pair);
    }

    fn sends(&self, name: &str) -> bool {
        self.field.split("; ").any(|pair| name_of(pair) == name)
    }

    /// What is not clearly one ignored cookie is sent as it is.
    fn send_all_but_ignored(&mut self, cookies: Cookies<'a>, policy: &Policy) {
        for pair in cookies.pairs() {
            if is_strict_pair(pair) && policy.ignores_cookie(name_of(pair)) {
                self.withheld.push(name_of(pair));
            } else {
                self.send(pair);
                self.unkeyed = true;
            }
        }
    }
}

/// The cookies that the request has.
pub(super) fn there<'a>(cookies: &[(&'a str, Option<&'a str>)]) -> impl Iterator<Item = (&'a str, &'a str)> {
    cookies.iter().filter_map(|(name, value)| Some((*name, (*value)?)))
}
