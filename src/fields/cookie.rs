//! `Cookie`, read strictly: what two parsers could read in two ways is nobody's identity
//! ([RFC 6265 §4.2](https://www.rfc-editor.org/rfc/rfc6265#section-4.2)).

use http::HeaderMap;
use http::header::{COOKIE, SET_COOKIE};

use super::grammar::{is_token, lines, trim_ows};

/// A longer value is no key.
const MAX_VALUE: usize = 4096;

/// The cookies of one request.
#[derive(Debug, Clone, Copy)]
pub struct Cookies<'a> {
    text: &'a str,
    repeated: bool,
}

/// What a request says about one cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie<'a> {
    /// Not there.
    Absent,
    /// There once, with this value; an empty one is a value.
    Value(&'a str),
    /// There twice, or malformed, or there only for a parser more generous than the grammar.
    Unclear,
}

impl<'a> Cookies<'a> {
    /// The cookies of `headers`. Two `Cookie` lines are one too many: no value in them counts as clear.
    #[must_use]
    pub fn of(headers: &'a HeaderMap) -> Self {
        let mut lines = lines(headers, COOKIE);
        let text = lines.next().unwrap_or_default();
        Self { text, repeated: lines.next().is_some() }
    }

    /// The pairs as they stand between the semicolons, without the white space around them.
    pub fn pairs(self) -> impl Iterator<Item = &'a str> {
        self.text.split(';').map(trim_ows).filter(|pair| !pair.is_empty())
    }

    /// The names, read generously.
    pub fn names(self) -> impl Iterator<Item = &'a str> {
        self.text.split([';', ',']).map(name_of).filter(|name| !name.is_empty())
    }

    /// The cookie `name`. Names differ by case.
    #[must_use]
    pub fn find(self, name: &str) -> Cookie<'a> {
        let mut mentions = self.names().filter(|mentioned| *mentioned == name);
        if mentions.next().is_none() {
            return Cookie::Absent;
        }
        // `$Version` and its kind belong to a syntax in which commas separate cookies too.
        let legacy = self.names().any(|name| name.starts_with('$'));
        if mentions.next().is_some() || legacy || self.repeated {
            return Cookie::Unclear;
        }
        let strict = self.text.split(';').enumerate().find_map(|(at, piece)| {
            let pair = if at == 0 { piece } else { piece.strip_prefix(' ').unwrap_or(piece) };
            pair.strip_prefix(name)?.strip_prefix('=')
        });
        strict.filter(|value| is_cookie_value(value)).map_or(Cookie::Unclear, Cookie::Value)
    }
}

/// The name in `name=value`, or the whole when there is no `=`.
#[must_use]
pub fn name_of(pair: &str) -> &str {
    trim_ows(pair.split_once('=').map_or(pair, |(name, _)| name))
}

/// Whether a pair follows the grammar, so that every parser sees the one cookie in it.
#[must_use]
pub fn is_strict_pair(pair: &str) -> bool {
    pair.split_once('=').is_some_and(|(name, value)| is_token(name) && !name.starts_with('$') && is_cookie_value(value))
}

fn is_cookie_value(value: &str) -> bool {
    let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    value.len() <= MAX_VALUE && bare.bytes().all(is_cookie_octet)
}

fn is_cookie_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

/// The names of the cookies that a response sets.
pub fn set_names(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    lines(headers, SET_COOKIE).map(|line| name_of(line.split_once(';').map_or(line, |(pair, _)| pair)))
}
