//! What a template may know of the request it is assembled for, and where its includes may lead.

use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

use http::header::{ACCEPT_LANGUAGE, HeaderMap, HeaderName, REFERER, USER_AGENT};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::expression::{holds, split_variable};
use super::limits;
use crate::fields::grammar::sole_line;
use crate::fields::negotiation::weights;
use crate::fields::{Cookie, Cookies};
use crate::policy::{CookieClass, Policy};
use crate::url::{Authority, CanonicalUrl};

/// The request for a page.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Without the parameters that do not matter on its route.
    pub url: CanonicalUrl,
    /// All of its fields.
    pub headers: HeaderMap,
    /// Of the page's route: what is in its key can be read, no other cookie.
    pub policy: Rc<Policy>,
    /// Authorities beside the page's own that a fragment may have.
    pub hosts: Vec<String>,
    /// Which of its fields were looked at.
    pub looked_at: Cell<LookedAt>,
}

/// Fields of a request that a template looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LookedAt {
    language: bool,
    agent: bool,
    referer: bool,
}

impl LookedAt {
    /// Their names.
    pub(super) fn names(self) -> impl Iterator<Item = HeaderName> {
        let fields = [(self.language, ACCEPT_LANGUAGE), (self.agent, USER_AGENT), (self.referer, REFERER)];
        fields.into_iter().filter(|(is_looked_at, _)| *is_looked_at).map(|(_, name)| name)
    }
}

/// What a value is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// To be compared.
    Test,
    /// To be shown.
    Text,
    /// To be a part of a URL.
    Url,
}

/// All but what is unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Visitor {
    /// Whether a test holds.
    pub(super) fn passes(&self, test: &str) -> bool {
        holds(test, &mut |variable| self.evaluate(variable, Use::Test))
    }

    /// The value of a variable as it may stand in HTML: what a visitor sends becomes text there, never markup.
    pub(super) fn text_of(&self, variable: &str) -> String {
        let value = self.evaluate(variable, Use::Text).unwrap_or_default();
        let mut safe = String::with_capacity(value.len());
        for character in value.chars() {
            match character {
                '&' => safe.push_str("&amp;"),
                '<' => safe.push_str("&lt;"),
                '>' => safe.push_str("&gt;"),
                '"' => safe.push_str("&quot;"),
                '\'' => safe.push_str("&#39;"),
                other => safe.push(other),
            }
        }
        safe
    }

    /// Where an include leads; `None` if that is nowhere, or not for it to say: another host that is not listed, another scheme, our
    /// own paths. Variables may stand in path and query only.
    pub(super) fn resolve(&self, reference: &str) -> Option<CanonicalUrl> {
        let reference = self.expand(reference)?;
        let is_clean = reference.bytes().all(|byte| byte > b' ' && byte != 0x7f && byte != b'\\');
        if reference.is_empty() || reference.len() > limits::URL || !is_clean {
            return None;
        }
        let Some((authority, target)) = split_authority(&reference)? else {
            return self.url.join(&reference).filter(|url| !url.malformed);
        };
        let authority = Authority::parse(authority, self.url.scheme)?;
        let is_listed = authority == self.url.authority || self.hosts.iter().any(|host| host == authority.as_str());
        // What it is asked by, is the visitor's: who comes by https is not answered by http.
        let url = CanonicalUrl { authority, path: "/".to_owned(), query: None, ..self.url.clone() };
        let target = if target.starts_with('/') { Cow::Borrowed(target) } else { Cow::Owned(format!("/{target}")) };
        // Two slashes at its beginning are a path here.
        let target = if target.starts_with("//") { Cow::Owned(format!("/.{target}")) } else { target };
        url.join(&target).filter(|url| is_listed && !url.malformed)
    }

    /// A reference with its variables replaced; `None` if one stands where it could lead elsewhere.
    fn expand<'r>(&self, reference: &'r str) -> Option<Cow<'r, str>> {
        let Some(first) = reference.find("$(") else { return Some(Cow::Borrowed(reference)) };
        // Before the first variable it must be clear whose path this is.
        let (start, mut rest) = reference.split_at_checked(first)?;
        let leads = match split_authority(start)? {
            Some((_, target)) => target.starts_with(['/', '?']),
            None => !start.is_empty() && !reference.starts_with("//"),
        };
        if !leads {
            return None;
        }
        let mut expanded = start.to_owned();
        while let Some((before, after)) = rest.split_once("$(") {
            expanded.push_str(before);
            let (variable, after) = split_variable(after)?;
            let value = self.evaluate(variable, Use::Url).unwrap_or_default();
            rest = after;
            if variable == "QUERY_STRING" && expanded.contains('?') {
                // As it stands in the page's own URL.
                expanded.push_str(&value);
            } else if value.bytes().all(|byte| byte == b'.') && !value.is_empty() && !expanded.contains('?') {
                return None;
            } else {
                utf8_percent_encode(&value, RESERVED).for_each(|piece| expanded.push_str(piece));
            }
        }
        expanded.push_str(rest);
        Some(Cow::Owned(expanded))
    }

    /// The value of `NAME{key}|default`. What is empty is not there.
    fn evaluate(&self, variable: &str, usage: Use) -> Option<String> {
        let (reference, default) = match variable.split_once('|') {
            Some((reference, default)) => (reference, Some(default.trim_ascii().trim_matches('\''))),
            None => (variable, None),
        };
        let (name, key) = match reference.trim_ascii().split_once('{') {
            Some((name, key)) => (name, key.strip_suffix('}')),
            None => (reference.trim_ascii(), None),
        };
        let value = self.value(name, key, usage).filter(|value| !value.is_empty());
        value.or_else(|| default.map(str::to_owned))
    }

    fn value(&self, name: &str, key: Option<&str>, usage: Use) -> Option<String> {
        let field = |name: HeaderName| {
            let seen = self.looked_at.get();
            self.looked_at.set(match name {
                REFERER => LookedAt { referer: true, ..seen },
                USER_AGENT => LookedAt { agent: true, ..seen },
                _ => LookedAt { language: true, ..seen },
            });
            sole_line(&self.headers, &name).filter(|value| !value.contains('\u{fffd}')).map(str::to_owned)
        };
        match (name, key) {
            ("HTTP_HOST", None) => Some(self.url.authority.as_str().to_owned()),
            ("HTTP_COOKIE", Some(cookie)) => self.cookie(cookie, usage),
            ("QUERY_STRING", None) => self.url.query.clone(),
            ("QUERY_STRING", Some(parameter)) => {
                let query = self.url.query.as_deref()?.as_bytes();
                let mut parameters = form_urlencoded::parse(query);
                parameters.find(|(name, _)| name == parameter).map(|(_, value)| value.into_owned())
            }
            ("HTTP_REFERER", None) => field(REFERER),
            ("HTTP_USER_AGENT", None) => field(USER_AGENT),
            ("HTTP_USER_AGENT", Some(part)) => agent(&field(USER_AGENT)?, part),
            ("HTTP_ACCEPT_LANGUAGE", None) => field(ACCEPT_LANGUAGE),
            ("HTTP_ACCEPT_LANGUAGE", Some(language)) => {
                let accepted = field(ACCEPT_LANGUAGE).unwrap_or_default();
                let is_it = |(tag, _): &(&str, u16)| tag.eq_ignore_ascii_case(language);
                Some(weights(&accepted).iter().any(is_it).to_string())
            }
            _ => None,
        }
    }

    /// Of a cookie what is in the key of the page's route: its class, or its value. The value of one that names a visitor is not for
    /// URLs, which are logged.
    fn cookie(&self, name: &str, usage: Use) -> Option<String> {
        let cookies = Cookies::of(&self.headers);
        let Cookie::Value(value) = cookies.find(name) else { return None };
        match self.policy.cookie_class.get(name) {
            Some(CookieClass::Present) => Some("present".to_owned()),
            Some(CookieClass::OneOf(listed)) => listed.iter().find(|listed| *listed == value).cloned(),
            None => {
                let names_visitor = self.policy.vary_cookie.iter().any(|keyed| keyed == name);
                (names_visitor && usage != Use::Url).then(|| value.to_owned())
            }
        }
    }
}

/// Authority and target of a reference that has an authority; an outer `None` if its scheme is none of ours.
fn split_authority(reference: &str) -> Option<Option<(&str, &str)>> {
    let (scheme, rest) = match reference.split_once("//") {
        Some((scheme, rest)) if scheme.is_empty() || scheme.ends_with(':') => (scheme, rest),
        _ => return Some(None),
    };
    let is_ours = scheme.is_empty() || scheme.eq_ignore_ascii_case("http:") || scheme.eq_ignore_ascii_case("https:");
    is_ours.then(|| Some(rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))))
}

/// What the note of 2001 wants to be known of a browser.
fn agent(agent: &str, part: &str) -> Option<String> {
    let has = |text: &str| agent.contains(text);
    let value = match part {
        "browser" if has("MSIE ") => "MSIE",
        "browser" if agent.starts_with("Mozilla/") => "MOZILLA",
        "os" if has("Windows") => "WIN",
        "os" if has("Mac") => "MAC",
        "os" if has("Linux") || has("X11") => "UNIX",
        "browser" | "os" => "OTHER",
        "version" => {
            let (_, version) = agent.split_once("MSIE ").or_else(|| agent.split_once('/'))?;
            version.split(|c: char| !c.is_ascii_digit() && c != '.').next()?
        }
        _ => return None,
    };
    Some(value.to_owned())
}
