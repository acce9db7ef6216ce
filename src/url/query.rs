//! Which parameters of a query matter.

/// Rebuilds a query from the parameters whose raw name `keeps` accepts, in their order or, if `sort`, by name;
/// parameters of one name stay in their order. What is dropped is neither keyed nor sent to the origin.
///
/// Only `&` separates: an origin that also splits at `;` sees no more than what is in the key.
#[must_use]
pub fn select_query(query: &str, sort: bool, keeps: impl Fn(&str) -> bool) -> Option<String> {
    let name_of = |parameter: &str| parameter.split('=').next().unwrap_or_default().to_owned();
    let mut kept: Vec<&str> = query.split('&').filter(|parameter| keeps(&name_of(parameter))).collect();
    if sort {
        kept.sort_by_key(|parameter| name_of(parameter));
    }
    (!kept.is_empty()).then(|| kept.join("&"))
}
