//! Canonical form: what may be written in several ways is written in one
//! ([RFC 3986 §6.2.2](https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2)).

use std::fmt;

/// `http` or `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Port 80 unless stated.
    Http,
    /// Port 443 unless stated.
    Https,
}

impl Scheme {
    /// The name, lower-case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn default_port(self) -> &'static str {
        match self {
            Self::Http => "80",
            Self::Https => "443",
        }
    }
}

/// A host, with its port if that is not the scheme's own. Lower-case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authority(String);

impl Authority {
    /// Reads `host[:port]`: a registered name, an IPv4 address or an IPv6 address in brackets; no user information,
    /// no characters that could end the authority elsewhere.
    #[must_use]
    pub fn parse(text: &str, scheme: Scheme) -> Option<Self> {
        let (host, port) = split_port(text)?;
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let valid_host = match bracketed {
            Some(address) => {
                !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'))
            }
            None => {
                !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
            }
        };
        let valid_port = port.parse::<u16>().is_ok_and(|port| port > 0) && port.bytes().all(|b| b.is_ascii_digit());
        if !valid_host || !(port.is_empty() || valid_port) {
            return None;
        }
        let host = host.to_ascii_lowercase();
        let own_port = port.is_empty() || port == scheme.default_port();
        Some(Self(if own_port { host } else { format!("{host}:{port}") }))
    }

    /// As it stands in a `Host` field.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        split_port(&self.0).map_or(&self.0, |(host, _)| host)
    }
}

/// Splits at the colon that begins a port. `None` when what follows a bracket is neither that nor the end.
fn split_port(text: &str) -> Option<(&str, &str)> {
    let bracket = if text.starts_with('[') { text.find(']') } else { None };
    let end_of_host = bracket.map_or(0, |at| at + 1);
    let (head, tail) = text.split_at(end_of_host);
    match split_at_byte(tail, b':') {
        Some((rest, port)) if head.is_empty() || rest.is_empty() => Some((text.get(..head.len() + rest.len())?, port)),
        None if head.is_empty() || tail.is_empty() => Some((text, "")),
        _ => None,
    }
}

/// Why a request has no canonical URL. Both are the client's mistake: 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlError {
    /// Not an absolute `http` or `https` URL.
    Scheme,
    /// The authority is not valid, or not the one that `Host` names.
    Host,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the request target is not an http or https URL",
            Self::Host => "the Host field does not name a host, or not the one in the request target",
        })
    }
}

impl std::error::Error for UrlError {}

/// A request's URL in canonical form: these very bytes select the route, enter the key and go to the origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CanonicalUrl {
    /// Part of the key.
    pub scheme: Scheme,
    /// Part of the key.
    pub authority: Authority,
    /// Begins with `/`; unreserved characters decoded, escapes upper-case, dot segments removed.
    pub path: String,
    /// Without the `?`. An empty query is not the same as none.
    pub query: Option<String>,
    /// Whether an escape in it was no escape (`%zz`): left as it is, and reason enough not to share an answer.
    pub malformed: bool,
}

impl CanonicalUrl {
    /// Reads an absolute URL as a runtime pieces it together from `Host` and the request target. `host` is that field,
    /// if there is one: when it holds a `/`, a `?` or an `@`, the URL was put together wrongly.
    ///
    /// # Errors
    ///
    /// When the URL has no usable authority.
    pub fn parse(raw: &str, host: Option<&str>) -> Result<Self, UrlError> {
        let (scheme, rest) = split_at_byte(raw, b':').ok_or(UrlError::Scheme)?;
        let rest = rest.strip_prefix("//").ok_or(UrlError::Scheme)?;
        let scheme =
            [Scheme::Http, Scheme::Https].into_iter().find(|known| scheme.eq_ignore_ascii_case(known.as_str()));
        let scheme = scheme.ok_or(UrlError::Scheme)?;
        let ends_authority = |byte| matches!(byte, b'/' | b'?' | b'#' | b'\\');
        let (authority, target) = rest.split_at(rest.bytes().position(ends_authority).unwrap_or(rest.len()));
        let authority = Authority::parse(authority, scheme).ok_or(UrlError::Host)?;
        let is_other =
            |host: &str| host != authority.as_str() && Authority::parse(host, scheme).as_ref() != Some(&authority);
        if host.is_some_and(is_other) {
            return Err(UrlError::Host);
        }
        let (url, malformed) = canonical_target(target);
        Ok(Self { scheme, authority, path: url.0, query: url.1, malformed })
    }

    /// Path and query, as the origin sees them.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// Resolves a reference that a response of this URL holds
    /// ([RFC 3986 §5.2](https://www.rfc-editor.org/rfc/rfc3986#section-5.2)); `None` if it leads to another authority
    /// or scheme, or nowhere.
    #[must_use]
    pub fn join(&self, reference: &str) -> Option<Self> {
        let reference = reference.trim_matches(|c: char| c.is_ascii_whitespace());
        if reference.contains("://") && !reference.starts_with('/') {
            let url = Self::parse(reference, None).ok()?;
            return (url.scheme == self.scheme && url.authority == self.authority).then_some(url);
        }
        if let Some(rest) = reference.strip_prefix("//") {
            let url = Self::parse(&format!("{}://{rest}", self.scheme.as_str()), None).ok()?;
            return (url.authority == self.authority).then_some(url);
        }
        if reference.split(['/', '?', '#']).next().is_some_and(|segment| segment.contains(':')) {
            return None;
        }
        let directory = self.path.rfind('/').and_then(|at| self.path.get(..=at)).unwrap_or("/");
        let target = match reference.as_bytes().first() {
            Some(b'/') => reference.to_owned(),
            Some(b'?') => format!("{}{reference}", self.path),
            Some(b'#') | None => self.target(),
            Some(_) => format!("{directory}{reference}"),
        };
        let ((path, query), malformed) = canonical_target(&target);
        Some(Self { path, query, malformed, ..self.clone() })
    }
}

impl fmt::Display for CanonicalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.as_str(), self.authority.as_str(), self.target())
    }
}

/// The path and query of a request target, canonical, and whether an escape in them was none.
fn canonical_target(target: &str) -> ((String, Option<String>), bool) {
    let (target, _) = split_at_byte(target, b'#').unwrap_or((target, ""));
    let (path, query) = split_at_byte(target, b'?').map_or((target, None), |(path, query)| (path, Some(query)));
    let mut malformed = false;
    let path = canonical_escapes(path, Part::Path, &mut malformed);
    let query = query.map(|query| canonical_escapes(query, Part::Query, &mut malformed));
    let path = if path.starts_with('/') && !has_pair(&path, b"/.") { path } else { remove_dot_segments(&path) };
    ((path, query), malformed)
}

/// What stands before the first such byte and what after it. Addresses are too short for a search that prepares itself.
fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    debug_assert!(byte.is_ascii(), "a part of a character splits no text");
    let at = text.bytes().position(|other| other == byte)?;
    text.get(..at).zip(text.get(at + 1..))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Query,
}

/// Decodes what need not be escaped, escapes what must be, and writes escapes in upper case.
fn canonical_escapes(text: &str, part: Part, malformed: &mut bool) -> String {
    let bytes = text.as_bytes();
    let stays = |&byte: &u8| byte != b'%' && !must_escape(byte, part);
    let mut at = bytes.iter().take_while(|byte| stays(byte)).count();
    let mut out = String::with_capacity(text.len());
    out.push_str(text.get(..at).unwrap_or_default());
    while let Some(&byte) = bytes.get(at) {
        match (byte, escaped_byte(bytes, at)) {
            (b'%', Some(decoded)) => {
                if is_unreserved(decoded) {
                    out.push(char::from(decoded))
                } else {
                    push_escape(&mut out, decoded)
                }
                at += 2;
            }
            (b'%', None) => {
                *malformed = true;
                out.push('%');
            }
            _ if must_escape(byte, part) => push_escape(&mut out, byte),
            _ => out.push(char::from(byte)),
        }
        at += 1;
    }
    out
}

/// The byte that `%XX` at `at` stands for.
pub(super) fn escaped_byte(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|&b| char::from(b).to_digit(16));
    let value = (digit(at + 1)? << 4) | digit(at + 2)?;
    u8::try_from(value).ok().filter(|_| bytes.get(at) == Some(&b'%'))
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What every fetch escapes anyway, so that key and request stay the same bytes; and the backslash, which it would
/// turn into a slash (<https://url.spec.whatwg.org/#path-percent-encode-set>).
const fn must_escape(byte: u8, part: Part) -> bool {
    match byte {
        0..=b' ' | 0x7f.. | b'"' | b'<' | b'>' => true,
        b'`' | b'{' | b'}' | b'^' | b'\\' => matches!(part, Part::Path),
        b'\'' => matches!(part, Part::Query),
        _ => false,
    }
}

#[expect(clippy::indexing_slicing, reason = "half a byte is less than sixteen")]
fn push_escape(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// Whether these two stand in it one after the other. Paths are too short for a search that prepares itself.
pub(super) fn has_pair(path: &str, pair: &[u8; 2]) -> bool {
    path.as_bytes().windows(pair.len()).any(|two| two == pair)
}

/// [RFC 3986 §5.2.4](https://www.rfc-editor.org/rfc/rfc3986#section-5.2.4).
pub(super) fn remove_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<_> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    let last = segments.len() - 1;
    for (at, &segment) in segments.iter().enumerate() {
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if at == last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}
