//! Whether a response is a template.

use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};

use crate::fields::content_coding::decoded_coding;
use crate::fields::grammar::{sole_line, trim_ows};
use crate::fields::targeted::is_esi;
use crate::policy::{Esi, Policy};

/// Whether the body of a response is assembled before it goes to a client: HTML in a coding that can be taken off, on a route that
/// says so, and marked by the origin where the route wants that. A part of a page is none.
#[must_use]
pub fn is_template(policy: &Policy, status: StatusCode, headers: &HeaderMap) -> bool {
    let is_asked_for = match policy.esi {
        Esi::Off => return false,
        Esi::Marked => is_esi(headers),
        Esi::Always => true,
    };
    let has_body = !status.is_informational() && !matches!(status.as_u16(), 204 | 205 | 206 | 304);
    let is_readable = !headers.contains_key(CONTENT_ENCODING) || decoded_coding(headers).is_some();
    is_asked_for && has_body && is_readable && is_html(headers)
}

fn is_html(headers: &HeaderMap) -> bool {
    let value = sole_line(headers, CONTENT_TYPE).unwrap_or_default();
    let media_type = trim_ows(value.split(';').next().unwrap_or_default());
    ["text/html", "application/xhtml+xml"].iter().any(|html| media_type.eq_ignore_ascii_case(html))
}
