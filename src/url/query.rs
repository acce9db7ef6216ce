//! Which parameters of a query matter.

use std::borrow::Cow;

/// Rebuilds a query from the parameters whose raw name `keeps` accepts, in their order or, if `sort`, by name;
/// parameters of one name stay in their order. What is dropped is neither keyed nor sent to the origin.
///
/// Only `&` separates: an origin that also splits at `;` sees no more than what is in the key.
#[must_use]
pub fn select_query(query: &str, sort: bool, keeps: impl Fn(&str) -> bool) -> Option<Cow<'_, str>> {
    if !sort && query.split('&').all(|parameter| keeps(name_of(parameter))) {
        return Some(Cow::Borrowed(query));
    }
    let mut kept: Vec<&str> = query.split('&').filter(|parameter| keeps(name_of(parameter))).collect();
    if sort {
        kept.sort_by_key(|parameter| name_of(parameter));
    }
    (!kept.is_empty()).then(|| kept.join("&").into())
}

fn name_of(parameter: &str) -> &str {
    parameter.split_once('=').map_or(parameter, |(name, _)| name)
}
