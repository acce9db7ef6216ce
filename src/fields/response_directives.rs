//! `Cache-Control` in responses ([RFC 9111 §5.2.2](https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2)), with the
//! directives of [RFC 5861](https://www.rfc-editor.org/rfc/rfc5861) and [RFC 8246](https://www.rfc-editor.org/rfc/rfc8246).

use http::header::{AsHeaderName, HeaderMap, HeaderName};

use super::cache_control::{Lifetime, directives};
use super::grammar::{Argument, Directive, split_list};

/// What the origin allows and forbids. Of two values for one directive the stricter counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseDirectives {
    /// For every cache.
    pub max_age: Option<Lifetime>,
    /// For shared caches, before `max_age`; also forbids serving stale.
    pub s_maxage: Option<Lifetime>,
    /// May be stored where rules would otherwise forbid it.
    pub public: bool,
    /// Not for a shared cache. The form with a field list counts as the form without: "Many caches treat it so"
    /// ([RFC 9111 §5.2.2.7](https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.7)).
    pub private: bool,
    /// Not to be stored at all.
    pub no_store: bool,
    /// Not to be reused without validation.
    pub no_cache: bool,
    /// Fields named by `no-cache="…"`: not to be reused without validation, while the rest may be.
    pub no_cache_fields: Vec<HeaderName>,
    /// Not to be served stale, whatever happens.
    pub must_revalidate: bool,
    /// The same for shared caches.
    pub proxy_revalidate: bool,
    /// To be stored only by a cache that knows the status code.
    pub must_understand: bool,
    /// Not to be transformed.
    pub no_transform: bool,
    /// Will not change while it is fresh.
    pub immutable: bool,
    /// How long a stale response may be served while it is refreshed.
    pub stale_while_revalidate: Option<Lifetime>,
    /// How long a stale response may be served instead of an error.
    pub stale_if_error: Option<Lifetime>,
}

impl ResponseDirectives {
    /// Reads the field `name`, which has the syntax of `Cache-Control`.
    #[must_use]
    pub fn read(headers: &HeaderMap, name: impl AsHeaderName) -> Self {
        let mut read = Self::default();
        for directive in directives(headers, name) {
            read.add(&directive);
        }
        read
    }

    /// Takes one more directive into account. An unknown one is ignored
    /// ([RFC 9111 §5.2.3](https://www.rfc-editor.org/rfc/rfc9111#section-5.2.3)).
    pub(super) fn add(&mut self, directive: &Directive) {
        let permitted = directive.argument == Argument::Absent;
        let lifetime = || Lifetime::read(&directive.argument);
        match &*directive.lower_case_name() {
            "max-age" => Lifetime::tighten(&mut self.max_age, lifetime()),
            "s-maxage" => Lifetime::tighten(&mut self.s_maxage, lifetime()),
            "stale-while-revalidate" => Lifetime::tighten(&mut self.stale_while_revalidate, lifetime()),
            "stale-if-error" => Lifetime::tighten(&mut self.stale_if_error, lifetime()),
            "private" => self.private = true,
            "no-store" => self.no_store = true,
            "no-cache" => self.add_no_cache(&directive.argument),
            "must-revalidate" => self.must_revalidate = true,
            "proxy-revalidate" => self.proxy_revalidate = true,
            "no-transform" => self.no_transform = true,
            "public" => self.public |= permitted,
            "immutable" => self.immutable |= permitted,
            // With no-store this loosens: it is a permission.
            "must-understand" => self.must_understand |= permitted,
            _ => {}
        }
    }

    fn add_no_cache(&mut self, argument: &Argument) {
        match argument {
            Argument::Value(list) => match field_names(list) {
                Some(names) => self.no_cache_fields.extend(names),
                None => self.no_cache = true,
            },
            Argument::Absent | Argument::Malformed => self.no_cache = true,
        }
    }
}

/// A list of field names with nothing unusual in it; anything else is not to be relied on.
fn field_names(list: &str) -> Option<Vec<HeaderName>> {
    let plain = |byte: u8| byte == b',' || byte == b' ' || super::grammar::is_tchar(byte);
    if list.is_empty() || list.starts_with(' ') || !list.bytes().all(plain) {
        return None;
    }
    split_list(list).map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect()
}
