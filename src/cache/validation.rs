//! Asking the origin whether a stored response still holds, and what its 304 changes
//! ([RFC 9111 §4.3](https://www.rfc-editor.org/rfc/rfc9111#section-4.3)).

use http::HeaderMap;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderName, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};

use super::age::{Fetched, corrected_initial_age};
use super::entry::Head;
use super::stored_fields::{stored_fields, tags};
use super::terms::read_terms;
use crate::fields::grammar::sole_line;
use crate::fields::{EntityTag, hop_by_hop};
use crate::message::ResponseHead;
use crate::policy::Policy;

/// Fields that describe the body as it is stored, which a 304 does not change. The entity tag is among them: the 304 was given
/// for it, and a strong form of a weak one would promise more than the body holds.
const OF_THE_BODY: [HeaderName; 4] = [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG];

/// Whether the origin gave something to validate by.
#[must_use]
pub fn has_validator(headers: &HeaderMap) -> bool {
    EntityTag::of(headers).is_some() || sole_line(headers, LAST_MODIFIED).is_some()
}

/// Turns a request into one that asks whether `head` still holds. The client's own preconditions and ranges go: they are
/// answered here. `false` if there is nothing to validate by.
#[must_use]
pub fn make_conditional(request: &mut HeaderMap, head: &Head) -> bool {
    remove_conditions(request);
    for (validator, condition) in [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)] {
        if let Some(value) = head.headers.get(validator) {
            request.insert(condition, value.clone());
        }
    }
    has_validator(&head.headers)
}

/// Removes preconditions and ranges, so that the origin answers with the whole.
pub fn remove_conditions(request: &mut HeaderMap) {
    for name in [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, IF_RANGE, RANGE] {
        request.remove(name);
    }
}

/// The stored response after a 304: its fields replaced by those of the 304, and fresh again
/// ([RFC 9111 §3.2](https://www.rfc-editor.org/rfc/rfc9111#section-3.2)).
///
/// `None` if the 304 names another representation
/// ([RFC 9111 §4.3.4](https://www.rfc-editor.org/rfc/rfc9111#section-4.3.4)).
#[must_use]
pub fn freshen(head: &Head, not_modified: &ResponseHead, policy: &Policy, fetched: Fetched) -> Option<Head> {
    let (stored, named) = (EntityTag::of(&head.headers), EntityTag::of(&not_modified.headers));
    if stored.zip(named).is_some_and(|(stored, named)| !stored.weak_eq(named)) {
        return None;
    }
    let mut headers = head.headers.clone();
    // A 304 that says nothing of the time was sent just now.
    headers.remove(DATE);
    let mut update = not_modified.headers.clone();
    hop_by_hop::strip(&mut update);
    for name in update.keys().filter(|name| !OF_THE_BODY.contains(name)) {
        headers.remove(name);
        for value in update.get_all(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    let (terms, directives) = read_terms(head.status, &headers, fetched);
    Some(Head {
        initial_age: corrected_initial_age(&update, fetched),
        tags: tags(&headers, policy),
        headers: stored_fields(&headers, &directives, fetched.received),
        terms,
        fetched,
        ..head.clone()
    })
}
