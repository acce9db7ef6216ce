//! Asking the origin whether a stored response still holds, and what its 304 changes
//! ([RFC 9111 §4.3](https://www.rfc-editor.org/rfc/rfc9111#section-4.3)).

use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderName, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, StatusCode};

use super::age::corrected_initial_age;
use super::entry::Head;
use super::partial::Extent;
use super::storability::{Asked, storability};
use super::stored_fields::{purge_names, stored_fields};
use super::terms::read_terms;
use super::variant::same_fields;
use crate::fields::grammar::sole_line;
use crate::fields::{EntityTag, hop_by_hop};
use crate::message::ResponseHead;
use crate::reason::Reason;

/// Fields that describe the body as it is stored, which a 304 does not change. The entity tag is among them: the 304 was given
/// for it, and a strong form of a weak one would promise more than the body holds.
const OF_THE_BODY: [HeaderName; 4] = [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG];

/// Whether the origin gave something to validate by.
#[must_use]
pub fn has_validator(headers: &HeaderMap) -> bool {
    EntityTag::of(headers).is_some() || sole_line(headers, LAST_MODIFIED).is_some()
}

/// Turns a request into one that asks whether `head` still holds. The client's own preconditions and ranges go: they are
/// answered here. Only for a part its range stays, since the whole is not here. `false` if there is nothing to validate by.
#[must_use]
pub fn make_conditional(request: &mut HeaderMap, head: &Head) -> bool {
    let of_part = |name: &HeaderName| request.get(name).filter(|_| head.status == StatusCode::PARTIAL_CONTENT).cloned();
    let kept = [RANGE, IF_RANGE].map(|name| (of_part(&name), name));
    remove_conditions(request);
    for (value, name) in kept {
        value.map(|value| request.insert(name, value));
    }
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

/// A stored response with other fields: how it goes to the client that brought them about, and whether it may be stored so.
#[derive(Debug, Clone)]
pub struct Revision {
    /// All of it but the body.
    pub head: Head,
    /// Why it may not be, if it may not: an update can be for one client as well as a response can.
    pub stored: Result<(), Reason>,
}

/// The stored response after a 304: its fields replaced by those of the 304, and fresh again
/// ([RFC 9111 §4.3.4](https://www.rfc-editor.org/rfc/rfc9111#section-4.3.4)). `None` if the 304 names another representation.
#[must_use]
pub fn freshen(head: &Head, not_modified: &ResponseHead, asked: Asked) -> Option<Revision> {
    let (stored, named) = (EntityTag::of(&head.headers), EntityTag::of(&not_modified.headers));
    if stored.zip(named).is_some_and(|(stored, named)| !stored.weak_eq(named)) {
        return None;
    }
    let headers = merged(&head.headers, &not_modified.headers);
    Some(revise(head, ResponseHead { status: head.status, headers }, asked))
}

/// What a 200 to a HEAD says of the stored response to a GET
/// ([RFC 9111 §4.3.5](https://www.rfc-editor.org/rfc/rfc9111#section-4.3.5)).
#[derive(Debug, Clone)]
pub enum HeadUpdate {
    /// It still holds, with these fields.
    Holds(Box<Revision>),
    /// It does not.
    Differs,
    /// Without a validator that matches nothing is proved: a monitor that asks every minute must not keep an old page alive.
    Unproved,
}

/// Compares the answer to a HEAD with the stored response to a GET.
#[must_use]
pub fn update_by_head(stored: &Head, response: &ResponseHead, asked: Asked) -> HeadUpdate {
    if response.status != StatusCode::OK {
        return HeadUpdate::Unproved;
    }
    let length = sole_line(&response.headers, CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
    let pairs = [ETAG, LAST_MODIFIED].map(|name| (response.headers.get(&name), stored.headers.get(&name)));
    let received: Vec<_> = pairs.iter().filter(|(received, _)| received.is_some()).collect();
    let other_length = length.is_some_and(|length| length != Extent::of(stored).complete);
    if other_length || received.iter().any(|(received, stored)| received != stored) {
        return HeadUpdate::Differs;
    }
    if received.is_empty() {
        return HeadUpdate::Unproved;
    }
    let headers = merged(&stored.headers, &response.headers);
    HeadUpdate::Holds(Box::new(revise(stored, ResponseHead { status: stored.status, headers }, asked)))
}

/// Each field of the new response in place of the old ones of that name, but for those that describe the body as it is stored
/// ([RFC 9111 §3.2](https://www.rfc-editor.org/rfc/rfc9111#section-3.2)).
#[must_use]
pub fn merged(stored: &HeaderMap, update: &HeaderMap) -> HeaderMap {
    let mut headers = stored.clone();
    // What says nothing of the time was sent just now.
    headers.remove(DATE);
    let mut update = update.clone();
    hop_by_hop::strip(&mut update);
    for name in update.keys().filter(|name| !OF_THE_BODY.contains(name)) {
        headers.remove(name);
        for value in update.get_all(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    headers
}

/// The stored response as `response`, for which the same rules hold as for a new one.
#[must_use]
pub fn revise(stored: &Head, response: ResponseHead, asked: Asked) -> Revision {
    let Asked { lookup, policy, fetched, .. } = asked;
    let admission = storability(&response, asked);
    let (terms, directives) = read_terms(response.status, &response.headers, fetched);
    let selecting = match &admission {
        Ok(admission) if !same_fields(&admission.selecting, &stored.selecting) => admission.selecting.clone(),
        _ => stored.selecting.clone(),
    };
    let head = Head {
        status: response.status,
        initial_age: corrected_initial_age(&response.headers, fetched),
        names: purge_names(&response.headers, lookup, policy),
        headers: stored_fields(&response.headers, &directives, fetched.received),
        terms,
        fetched,
        selecting,
        ..stored.clone()
    };
    Revision { head, stored: admission.map(|_| ()) }
}
