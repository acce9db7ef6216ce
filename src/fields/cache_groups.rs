//! `Cache-Groups` and `Cache-Group-Invalidation` ([RFC 9875](https://www.rfc-editor.org/rfc/rfc9875)).

use http::HeaderMap;
use http::header::HeaderName;
use sfv::{BareItem, List, ListEntry, Parser};

use super::grammar::lines;

/// What a response belongs to ([RFC 9875 §2](https://www.rfc-editor.org/rfc/rfc9875#section-2)).
pub const CACHE_GROUPS: HeaderName = HeaderName::from_static("cache-groups");

/// What the answer to an unsafe request invalidates ([RFC 9875 §3](https://www.rfc-editor.org/rfc/rfc9875#section-3)).
pub const CACHE_GROUP_INVALIDATION: HeaderName = HeaderName::from_static("cache-group-invalidation");

/// "Implementations MUST support at least 32 groups"; more are cut off.
const MAX_GROUPS: usize = 128;

/// The groups that the field `name` lists: strings, compared character by character. Parameters mean nothing. A field that is no list
/// of strings is ignored as a whole.
#[must_use]
pub fn groups(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let value = lines(headers, name).collect::<Vec<_>>().join(",");
    if value.is_empty() {
        return Vec::new();
    }
    let Ok(list) = Parser::new(&value).parse::<List>() else { return Vec::new() };
    let string = |member: &ListEntry| match member {
        ListEntry::Item(item) => match &item.bare_item {
            BareItem::String(group) => Some(group.as_str().to_owned()),
            _ => None,
        },
        ListEntry::InnerList(_) => None,
    };
    let mut groups = list.iter().map(string).collect::<Option<Vec<_>>>().unwrap_or_default();
    groups.truncate(MAX_GROUPS);
    groups
}
