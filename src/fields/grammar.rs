//! The one scanner: field lines, comma lists, tokens, quoted strings and directives
//! ([RFC 9110 §5.6](https://www.rfc-editor.org/rfc/rfc9110#section-5.6)).

use std::borrow::Cow;

use http::header::{AsHeaderName, HeaderMap, HeaderValue};

/// What a field line that is not UTF-8 reads as: a text that no grammar here accepts.
const UNREADABLE: &str = "\u{fffd}";

/// Whether `byte` may stand in a token.
#[must_use]
pub const fn is_tchar(byte: u8) -> bool {
    matches!(byte,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')
}

/// Whether `text` is a token: one or more `tchar`.
#[must_use]
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// A field value as text.
#[must_use]
pub fn text(value: &HeaderValue) -> &str {
    std::str::from_utf8(value.as_bytes()).unwrap_or(UNREADABLE)
}

/// Whether a field value was no text, and became something else on its way here.
#[must_use]
pub fn is_garbled(value: &HeaderValue) -> bool {
    !value.as_bytes().is_ascii() && text(value).contains(UNREADABLE)
}

/// The lines of the field `name`, in the order received.
pub fn lines(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).iter().map(text)
}

/// The value of a field that has exactly one line; `None` when it is absent or repeated.
pub fn sole_line(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    let mut lines = lines(headers, name);
    lines.next().filter(|_| lines.next().is_none())
}

/// The members of the list field `name`, over all its lines, trimmed, without empty ones.
pub fn members(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    lines(headers, name).flat_map(split_list)
}

/// The members of one line that are not empty.
pub fn split_list(line: &str) -> impl Iterator<Item = &str> {
    split_at_commas(line).filter(|member| !member.is_empty())
}

/// Splits one line at the commas that stand outside quoted strings.
///
/// A quote that nothing closes is an ordinary character: otherwise `a="` on one line would
/// swallow the directives that follow once a proxy has joined the lines.
pub fn split_at_commas(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let end = end_of_member(line);
        rest = line.get(end + 1..);
        line.get(..end).map(trim_ows)
    })
}

fn end_of_member(line: &str) -> usize {
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b',' => return at,
            b'"' => at = end_of_quoted(bytes, at).unwrap_or(at),
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// The index of the quote that closes the one at `open`.
fn end_of_quoted(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return Some(at),
            b'\\' => at += 1,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Removes optional white space from both ends.
#[must_use]
pub fn trim_ows(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// One `name[=argument]` of `Cache-Control` and fields of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive<'a> {
    /// As received; compare it without regard to case.
    pub name: &'a str,
    /// What follows the name.
    pub argument: Argument<'a>,
}

/// The argument of a directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument<'a> {
    /// The bare name.
    Absent,
    /// A token, or the content of a quoted string: both forms mean the same
    /// ([RFC 9111 §5.2](https://www.rfc-editor.org/rfc/rfc9111#section-5.2)).
    Value(Cow<'a, str>),
    /// Something the grammar does not allow. Restrictions hold all the same, permissions do not.
    Malformed,
}

impl<'a> Directive<'a> {
    /// Reads one list member. `None` when it does not begin with a token.
    #[must_use]
    pub fn parse(member: &'a str) -> Option<Self> {
        let end = member.bytes().position(|b| !is_tchar(b)).unwrap_or(member.len());
        let (name, rest) = member.split_at(end);
        let argument = match rest.strip_prefix('=') {
            _ if rest.is_empty() => Argument::Absent,
            Some(value) => read_argument(value),
            None => Argument::Malformed,
        };
        (!name.is_empty()).then_some(Self { name, argument })
    }

    /// The name in lower case, as most send it.
    #[must_use]
    pub fn lower_case_name(&self) -> Cow<'a, str> {
        if self.name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.name.to_ascii_lowercase().into()
        } else {
            self.name.into()
        }
    }

    /// Whether this is the directive `name`.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

fn read_argument(value: &str) -> Argument<'_> {
    if is_token(value) {
        return Argument::Value(Cow::Borrowed(value));
    }
    unquote(value).map_or(Argument::Malformed, Argument::Value)
}

/// The content of `text` if it is one quoted string.
#[must_use]
pub fn unquote(text: &str) -> Option<Cow<'_, str>> {
    let close = end_of_quoted(text.as_bytes(), 0).filter(|_| text.starts_with('"'))?;
    if close + 1 != text.len() {
        return None;
    }
    let content = text.get(1..close)?;
    if !content.contains('\\') {
        return Some(Cow::Borrowed(content));
    }
    let mut escaped = false;
    let plain = content.chars().filter(|&c| {
        escaped = c == '\\' && !escaped;
        !escaped
    });
    Some(Cow::Owned(plain.collect()))
}
