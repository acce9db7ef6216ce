//! Writes `Cache-Control` for clients.

use http::HeaderMap;
use http::header::CACHE_CONTROL;

use super::grammar::{Argument, Directive, members};
use super::seconds::Seconds;

/// The field as it stands, with another lifetime: `max-age` replaced, `s-maxage` gone, the rest kept. Of what is malformed only that it
/// is: on one line its quote could meet another one's and swallow what stands between.
#[must_use]
pub fn with_max_age(headers: &HeaderMap, lifetime: Seconds) -> String {
    let kept = members(headers, CACHE_CONTROL).filter_map(|member| {
        let directive = Directive::parse(member)?;
        match directive.argument {
            _ if directive.is("max-age") || directive.is("s-maxage") => None,
            Argument::Malformed => Some(format!("{}=", directive.name)),
            Argument::Absent | Argument::Value(_) => Some(member.to_owned()),
        }
    });
    kept.chain([format!("max-age={}", lifetime.get())]).collect::<Vec<_>>().join(", ")
}
