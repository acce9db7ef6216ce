//! Which cookies reach the origin, and what of them is in the key.

use crate::fields::cookie::{is_strict_pair, name_of};
use crate::fields::{Cookie, Cookies};
use crate::policy::{CookieClass, Policy, any_matches};
use crate::reason::Reason;

/// What becomes of a request's cookies on a route that may store.
#[derive(Debug, Default)]
pub(super) struct CookiePlan<'a> {
    /// The cookies in the key by value: the name, and the value if it is there.
    pub identities: Vec<(&'a str, Option<&'a str>)>,
    /// The cookies in the key by class: the name and the class.
    pub classes: Vec<(&'a str, &'a str)>,
    /// The `Cookie` field for the origin; empty if there is none.
    pub sent: String,
    /// Names the origin does not get to see.
    pub withheld: Vec<&'a str>,
    /// Whether something is sent that is not in the key.
    pub sends_unkeyed: bool,
    /// `Larder-Class`: what the origin is told instead of a value.
    pub told: Vec<String>,
}

/// Divides the cookies. An error passes the request.
pub(super) fn divide<'a>(cookies: Cookies<'a>, policy: &'a Policy) -> Result<CookiePlan<'a>, Reason> {
    if cookies.names().any(|name| any_matches(&policy.bypass_cookie, name)) {
        return Err(Reason::BypassCookie);
    }
    let mut plan = CookiePlan::default();
    for name in &policy.vary_cookie {
        match cookies.find(name) {
            Cookie::Absent => plan.identities.push((name, None)),
            Cookie::Value(value) => {
                plan.identities.push((name, Some(value)));
                plan.send(&format!("{name}={value}"));
            }
            Cookie::Unclear => return Err(Reason::IdentityUnclear),
        }
    }
    for (name, class) in &policy.cookie_class {
        plan.classify(name, class, cookies)?;
    }
    if policy.withholds_cookies() {
        plan.withheld = cookies.names().filter(|name| !plan.sends(name)).collect();
    } else {
        plan.send_all_but_ignored(cookies, policy);
    }
    Ok(plan)
}

impl<'a> CookiePlan<'a> {
    fn classify(&mut self, name: &'a str, class: &'a CookieClass, cookies: Cookies<'a>) -> Result<(), Reason> {
        let value = match cookies.find(name) {
            Cookie::Absent => {
                self.classes.push((name, "absent"));
                return Ok(());
            }
            Cookie::Value(value) => value,
            Cookie::Unclear => return Err(Reason::IdentityUnclear),
        };
        match class {
            CookieClass::Present => {
                self.classes.push((name, "present"));
                self.told.push(format!("{name}=present"));
            }
            CookieClass::OneOf(listed) => {
                let listed = listed.iter().find(|listed| *listed == value).ok_or(Reason::ClassUnlisted)?;
                self.classes.push((name, listed));
                self.send(&format!("{name}={value}"));
            }
        }
        Ok(())
    }

    fn send(&mut self, pair: &str) {
        if !self.sent.is_empty() {
            self.sent.push_str("; ");
        }
        self.sent.push_str(pair);
    }

    fn sends(&self, name: &str) -> bool {
        self.sent.split("; ").any(|pair| name_of(pair) == name)
    }

    /// On a plain `origin` route. What is not clearly one ignored cookie is sent as it is.
    fn send_all_but_ignored(&mut self, cookies: Cookies<'a>, policy: &Policy) {
        for pair in cookies.pairs() {
            if is_strict_pair(pair) && policy.ignores_cookie(name_of(pair)) {
                self.withheld.push(name_of(pair));
            } else {
                self.send(pair);
                self.sends_unkeyed = true;
            }
        }
    }
}
