//! Weighted lists: `Accept`, `Accept-Language` ([RFC 9110 §12.4](https://www.rfc-editor.org/rfc/rfc9110#section-12.4)).

use http::HeaderName;
use http::header::{ACCEPT, ACCEPT_LANGUAGE};

use super::grammar::{split_list, trim_ows};

/// The members of a weighted list as they stand, each with its weight in thousandths.
#[must_use]
pub fn weights(value: &str) -> Vec<(&str, u16)> {
    split_list(value).map(weighted).collect()
}

/// The members that are acceptable, the most wanted first.
#[must_use]
pub fn by_preference(value: &str) -> Vec<(&str, u16)> {
    let mut ranges = weights(value);
    ranges.retain(|(_, weight)| *weight > 0);
    ranges.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    ranges
}

/// Splits `range;q=0.5`. A weight that cannot be read is no preference at all.
fn weighted(member: &str) -> (&str, u16) {
    let mut parts = member.split(';').map(trim_ows);
    let range = parts.next().unwrap_or_default();
    let weight = parts.find_map(|parameter| parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q=")));
    (range, weight.map_or(1000, parse_weight))
}

/// `0.5` as 500; at most three decimals ([RFC 9110 §12.4.2](https://www.rfc-editor.org/rfc/rfc9110#section-12.4.2)).
fn parse_weight(text: &str) -> u16 {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let readable = decimals.len() <= 3 && decimals.bytes().all(|b| b.is_ascii_digit());
    match whole {
        "1" if decimals.bytes().all(|b| b == b'0') => 1000,
        "0" if readable => format!("{decimals:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

/// Which of `offered` a request that sends `value` in the field `name` gets; `None` if none fits.
#[must_use]
pub fn choose<'o>(name: &HeaderName, value: &str, offered: &'o [String]) -> Option<&'o str> {
    let fits: fn(&str, &str) -> bool = match *name {
        ACCEPT_LANGUAGE => language_fits,
        ACCEPT => media_type_fits,
        _ => {
            let same = |offer: &&String| offer.eq_ignore_ascii_case(trim_ows(value));
            return offered.iter().find(same).map(String::as_str);
        }
    };
    let ranges = by_preference(value);
    ranges.iter().find_map(|(range, _)| offered.iter().find(|offer| fits(range, offer))).map(String::as_str)
}

/// The lookup of [RFC 4647 §3.4](https://www.rfc-editor.org/rfc/rfc4647#section-3.4): `en-GB` gets `en`; and `en` gets `en-GB`.
fn language_fits(range: &str, offer: &str) -> bool {
    let is_prefix = |short: &str, long: &str| {
        long.get(..short.len()).is_some_and(|head| head.eq_ignore_ascii_case(short))
            && long.as_bytes().get(short.len()).is_none_or(|&b| b == b'-')
    };
    range == "*" || is_prefix(offer, range) || is_prefix(range, offer)
}

fn media_type_fits(range: &str, offer: &str) -> bool {
    match range.strip_suffix("/*") {
        Some("*") => true,
        Some(kind) => offer.split('/').next().is_some_and(|offered| offered.eq_ignore_ascii_case(kind)),
        None => range.eq_ignore_ascii_case(offer),
    }
}
