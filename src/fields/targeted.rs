//! Which field speaks to this cache: a targeted one ([RFC 9213](https://www.rfc-editor.org/rfc/rfc9213)),
//! `Surrogate-Control` ([Edge Architecture](https://www.w3.org/TR/edge-arch/)), or `Cache-Control`.

use http::HeaderMap;
use http::header::{CACHE_CONTROL, HeaderName};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::cache_control::Lifetime;
use super::grammar::{Argument, Directive, lines, members, trim_ows};
use super::response_directives::ResponseDirectives;

const LARDER_CACHE_CONTROL: HeaderName = HeaderName::from_static("larder-cache-control");
const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");
const SURROGATE_CONTROL: HeaderName = HeaderName::from_static("surrogate-control");

/// The name by which this surrogate is known, in `Surrogate-Capability` and as a target of `Surrogate-Control`.
pub const SURROGATE: &str = "larder";

/// The field that governs a response here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `Larder-Cache-Control`: this cache alone.
    Larder,
    /// `CDN-Cache-Control`: all caches that work for the origin.
    Cdn,
    /// `Surrogate-Control`, the older form of the same.
    Surrogate,
    /// `Cache-Control` and, after it, `Expires`.
    CacheControl,
}

impl Source {
    /// Whether the origin addressed shared caches by name. "Caches that use the targeted field MUST ignore
    /// Cache-Control and Expires" ([RFC 9213 §2.2](https://www.rfc-editor.org/rfc/rfc9213#section-2.2)).
    #[must_use]
    pub fn is_targeted(self) -> bool {
        self != Self::CacheControl
    }
}

/// The directives that count, and where they stood.
#[must_use]
pub fn governing(headers: &HeaderMap) -> (Source, ResponseDirectives) {
    let targeted = || read_targeted(headers, &LARDER_CACHE_CONTROL).map(|read| (Source::Larder, read));
    let cdn = || read_targeted(headers, &CDN_CACHE_CONTROL).map(|read| (Source::Cdn, read));
    let surrogate = || read_surrogate(headers).map(|read| (Source::Surrogate, read));
    targeted()
        .or_else(cdn)
        .or_else(surrogate)
        .unwrap_or_else(|| (Source::CacheControl, ResponseDirectives::read(headers, CACHE_CONTROL)))
}

/// Reads a targeted field: a dictionary that is valid and not empty, or nothing.
fn read_targeted(headers: &HeaderMap, name: &HeaderName) -> Option<ResponseDirectives> {
    let value = lines(headers, name).collect::<Vec<_>>().join(",");
    if value.is_empty() {
        return None;
    }
    let dictionary = Parser::new(&value).parse::<Dictionary>().ok()?;
    let mut read = ResponseDirectives::default();
    for (key, entry) in &dictionary {
        if let Some(argument) = as_argument(entry) {
            read.add(&Directive { name: key.as_str(), argument });
        }
    }
    // A lifetime of the wrong type makes the field invalid; "if it is not parsed successfully ... MUST be ignored".
    let lifetimes = [read.max_age, read.s_maxage];
    (!dictionary.is_empty() && lifetimes.iter().flatten().all(|lifetime| lifetime.is_stated())).then_some(read)
}

/// A member's value as a directive's argument; `None` for `?0`, which says that it does not apply.
fn as_argument(entry: &ListEntry) -> Option<Argument<'_>> {
    let ListEntry::Item(item) = entry else {
        return Some(Argument::Malformed);
    };
    match &item.bare_item {
        BareItem::Boolean(true) => Some(Argument::Absent),
        BareItem::Boolean(false) => None,
        BareItem::Integer(number) => Some(Argument::Value(number.to_string().into())),
        _ => Some(Argument::Malformed),
    }
}

/// Whether the origin marks its response as a template in ESI: `Surrogate-Control: content="ESI/1.0"`.
#[must_use]
pub fn is_esi(headers: &HeaderMap) -> bool {
    let mut is_esi = false;
    for_each_surrogate_directive(headers, &mut |directive| {
        if let Argument::Value(value) = &directive.argument {
            is_esi |= directive.is("content") && value.split(' ').any(|token| token == "ESI/1.0");
        }
    });
    is_esi
}

/// The directives of `Surrogate-Control` that are meant for us.
fn for_each_surrogate_directive(headers: &HeaderMap, take: &mut dyn FnMut(Directive)) {
    for member in members(headers, SURROGATE_CONTROL) {
        let mut parts = member.split(';').map(trim_ows);
        let directive = parts.next().and_then(Directive::parse);
        let meant_for_us = parts.all(|target| target.is_empty() || target == SURROGATE);
        if let Some(directive) = directive.filter(|_| meant_for_us) {
            take(directive);
        }
    }
}

/// Reads `Surrogate-Control`, which governs only if it says `max-age` or `no-store`.
fn read_surrogate(headers: &HeaderMap) -> Option<ResponseDirectives> {
    let mut read = ResponseDirectives::default();
    for_each_surrogate_directive(headers, &mut |directive| add_surrogate(&mut read, directive));
    (read.max_age.is_some() || read.no_store).then_some(read)
}

/// `max-age=600+300`: fresh for 600 s, then usable for another 300 s while it is stale.
fn add_surrogate(read: &mut ResponseDirectives, mut directive: Directive) {
    let extended = match &directive.argument {
        Argument::Value(value) if directive.is("max-age") => {
            value.split_once('+').map(|(lifetime, extension)| (lifetime.to_owned(), extension.to_owned()))
        }
        _ => None,
    };
    if let Some((lifetime, extension)) = extended {
        let window = Some(Lifetime::read(&Argument::Value(extension.into())));
        read.stale_while_revalidate = window;
        read.stale_if_error = window;
        directive.argument = Argument::Value(lifetime.into());
    }
    read.add(&directive);
}
