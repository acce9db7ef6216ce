//! When the answer to a POST also answers a later GET
//! ([RFC 9110 §9.3.3](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.3)).

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LOCATION, COOKIE, HeaderMap};
use http::{Method, StatusCode};

use super::storability::Asked;
use super::terms::read_terms;
use crate::fields::NO_VARY_SEARCH;
use crate::fields::grammar::sole_line;
use crate::forward::{Class, Treatment, class_of, treatment};
use crate::message::{RequestHead, ResponseHead};

/// Whether the response says that it is what the target of the POST now is (a matching `Content-Location`) and for how long
/// (explicit freshness), and nothing that the origin saw of the request, `sent`, is hidden from a GET under the same key. One that
/// answers for other queries too may have been overtaken by what happened to those.
#[must_use]
pub fn answers_get(request: &RequestHead, sent: &HeaderMap, response: &ResponseHead, asked: Asked) -> bool {
    let location = sole_line(&response.headers, CONTENT_LOCATION).and_then(|location| request.url.join(location));
    let (terms, _) = read_terms(response.status, &response.headers, asked.fetched);
    request.method == Method::POST
        && response.status == StatusCode::OK
        && location.as_ref() == Some(&request.url)
        && terms.stated.is_some()
        && ![COOKIE, AUTHORIZATION].iter().any(|name| request.headers.contains_key(name))
        && ![CONTENT_ENCODING, NO_VARY_SEARCH].iter().any(|name| response.headers.contains_key(name))
        && is_covered(sent, asked)
}

/// Whether a GET would show the origin each of these fields as it is. Those of the body are the question, not the key, and those of
/// the platform are not the client's to choose, under whatever name it repeats the client's address.
fn is_covered(sent: &HeaderMap, asked: Asked) -> bool {
    let constant = |name| treatment(name, asked.policy) == Treatment::Constant;
    let of_another_kind = |name| matches!(class_of(name), Class::Content | Class::Platform);
    let address = |name| sent.get_all(name).iter().eq(sent.get("cf-connecting-ip"));
    let shown = |name| sent.get_all(name).iter().eq(asked.lookup.headers().get_all(name));
    sent.keys().all(|name| constant(name) || of_another_kind(name) || shown(name) || address(name))
}
