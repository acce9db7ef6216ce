//! Plans one request: pass it whole, or look it up under a key and ask the origin for no more than that key covers.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::rc::Rc;

use http::Method;
use http::header::{AUTHORIZATION, HeaderMap};

use super::cookies::{KeyedCookies, keyed_cookies, there};
use super::forwarded::Forwarded;
use super::identity::{IdentityKey, IdentityKeys};
use super::treatment::{KeyedField, Treatment, keyed_fields, treatment};
use crate::fields::Cookies;
use crate::key::{CacheKey, KeyParts};
use crate::message::RequestHead;
use crate::policy::{CacheMode, Policy, Selected, any_matches};
use crate::reason::Reason;
use crate::url::{CanonicalUrl, select_query};

/// A request that may be answered from the store.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// Where to look.
    pub key: CacheKey,
    /// Where to look while the identity key is being changed.
    pub previous_key: Option<CacheKey>,
    /// Whom the request names, by keyed cookies: short digests, under the key in use and the one before it.
    pub identities: Vec<u64>,
    request: Rc<RequestHead>,
    policy: Rc<Policy>,
    /// The request's URL without the parameters that do not matter, if it has any.
    selected_url: Option<CanonicalUrl>,
    /// A hit has no use for it.
    forwarded: OnceCell<Forwarded>,
}

impl Lookup {
    /// What the origin is asked for: parameters that do not matter are gone.
    #[must_use]
    pub fn url(&self) -> &CanonicalUrl {
        self.selected_url.as_ref().unwrap_or(&self.request.url)
    }

    /// What the origin is sent. Whatever its answer says it varies by is compared in these.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.forwarded().headers
    }

    /// Cookies of the request that the origin does not see.
    #[must_use]
    pub fn withheld(&self) -> &[String] {
        &self.forwarded().withheld
    }

    /// Whether cookies are sent that are not in the key.
    #[must_use]
    pub fn sends_unkeyed_cookies(&self) -> bool {
        self.forwarded().sends_unkeyed_cookies
    }

    /// Whether `Authorization` is sent.
    #[must_use]
    pub fn sends_authorization(&self) -> bool {
        self.request.headers.contains_key(AUTHORIZATION) && self.headers().contains_key(AUTHORIZATION)
    }

    fn forwarded(&self) -> &Forwarded {
        self.forwarded.get_or_init(|| Forwarded::of(&self.request, &self.policy))
    }
}

/// Decides whether a request may be answered from the store.
///
/// # Errors
///
/// The reason why the request passes.
pub fn plan(
    request: &Rc<RequestHead>,
    selected: Selected,
    ambiguous: bool,
    prefix: &str,
    keys: &IdentityKeys,
) -> Result<Lookup, Reason> {
    let policy = selected.policy;
    refuse_at_once(request, selected, ambiguous)?;
    let cookies = keyed_cookies(Cookies::of(&request.headers), policy)?;
    let fields = keyed_fields(&request.headers, policy)?;
    for name in request.headers.keys() {
        if let Treatment::Passes(reason) = treatment(name, policy) {
            return Err(reason);
        }
    }
    let names_identity = !cookies.identities.is_empty();
    if names_identity && keys.current().is_none() {
        return Err(Reason::IdentityKeyMissing);
    }
    let url = select_parameters(&request.url, policy);
    let key = |identity| cache_key(prefix, &url, &cookies, &fields, identity);
    Ok(Lookup {
        key: key(keys.current()),
        previous_key: keys.previous().filter(|_| names_identity).map(|previous| key(Some(previous))),
        identities: keys.named(there(&cookies.identities)),
        request: request.clone(),
        policy: policy.clone(),
        selected_url: match url {
            Cow::Owned(url) => Some(url),
            Cow::Borrowed(_) => None,
        },
        forwarded: OnceCell::new(),
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

/// The URL that the origin is asked for and an answer is stored under: without the parameters that `policy` says do not matter.
#[must_use]
pub fn select_parameters<'u>(url: &'u CanonicalUrl, policy: &Policy) -> Cow<'u, CanonicalUrl> {
    let rule = &policy.query;
    let keeps =
        |name: &str| !any_matches(&rule.ignore, name) && (rule.keep.is_empty() || any_matches(&rule.keep, name));
    match url.query.as_deref().map(|query| (query, select_query(query, rule.sort, keeps))) {
        Some((query, selected)) if selected.as_deref() != Some(query) => {
            Cow::Owned(CanonicalUrl { query: selected.map(Cow::into_owned), ..url.clone() })
        }
        _ => Cow::Borrowed(url),
    }
}

fn cache_key(
    prefix: &str,
    url: &CanonicalUrl,
    cookies: &KeyedCookies,
    fields: &[KeyedField],
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
        fields: fields.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect(),
    }
    .key()
}
