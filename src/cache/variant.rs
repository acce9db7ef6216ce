//! Which stored response of a URL answers a request: comparing the fields that `Vary` names
//! ([RFC 9111 §4.1](https://www.rfc-editor.org/rfc/rfc9111#section-4.1)).

use http::header::{ACCEPT, ACCEPT_CHARSET, ACCEPT_LANGUAGE, CONTENT_LANGUAGE, HeaderMap, HeaderName};

use super::entry::{Head, Selecting};
use crate::digest::Framed;
use crate::fields::grammar::{lines, sole_line, split_at_commas, trim_ows};
use crate::fields::negotiation::{by_preference, weights};
use crate::key::CacheKey;

/// What the origin saw of the fields `names`, normalised "in a way that is known to have identical semantics".
#[must_use]
pub fn selecting(names: &[HeaderName], sent: &HeaderMap) -> Vec<Selecting> {
    names.iter().map(|name| Selecting { name: name.clone(), value: normalised(name, sent) }).collect()
}

/// Lines joined, white space around commas removed; weighted lists without regard to order and case.
fn normalised(name: &HeaderName, sent: &HeaderMap) -> Option<String> {
    let value = sent.contains_key(name).then(|| lines(sent, name).collect::<Vec<_>>().join(","))?;
    // An empty member stays: only of a list is it known to mean nothing.
    let members = split_at_commas(&value);
    if ![ACCEPT, ACCEPT_CHARSET, ACCEPT_LANGUAGE].contains(name) {
        return Some(members.collect::<Vec<_>>().join(","));
    }
    let mut members: Vec<_> = members.map(|member| weighted(member).unwrap_or_else(|| member.to_owned())).collect();
    members.sort_unstable();
    Some(members.join(","))
}

/// A range and its weight, however they are written. `None` if there is more to it than that, or no weight that can be read: what an
/// origin makes of it is not known. No member reads as another's normal form, which has no semicolon.
fn weighted(member: &str) -> Option<String> {
    let (range, weight) = weights(member).pop()?;
    let is_plain = match member.split_once(';').map(|(_, parameter)| trim_ows(parameter)) {
        None => true,
        Some(parameter) => {
            let is_weight = parameter.as_bytes().get(..2).is_some_and(|name| name.eq_ignore_ascii_case(b"q="));
            is_weight && weight > 0 && !parameter.contains(';')
        }
    };
    is_plain.then(|| format!("{} {weight}", range.to_ascii_lowercase()))
}

/// Whether `head` answers a request that would reach the origin with the fields that `sent` gives: it is asked for them only if it
/// matters, which for most pages it does not.
#[must_use]
pub fn answers<'s>(head: &Head, sent: impl Fn() -> &'s HeaderMap) -> bool {
    head.selecting.iter().all(|stored| {
        stored.value == normalised(&stored.name, sent())
            || (stored.name == ACCEPT_LANGUAGE && is_first_choice(head, sent()))
    })
}

/// Whether the stored language is the one the request wants most.
fn is_first_choice(head: &Head, sent: &HeaderMap) -> bool {
    let (Some(stored), Some(wanted)) = (sole_line(&head.headers, CONTENT_LANGUAGE), sole_line(sent, ACCEPT_LANGUAGE))
    else {
        return false;
    };
    match by_preference(wanted).as_slice() {
        [(first, weight), rest @ ..] => {
            first.eq_ignore_ascii_case(stored) && rest.iter().all(|(_, other)| other < weight)
        }
        [] => false,
    }
}

/// Where the answer for these fields is kept when the URL's own slot holds another variant.
#[must_use]
pub fn variant_key(primary: CacheKey, generation: u64, selecting: &[Selecting]) -> CacheKey {
    let framed = Framed::new("variant 1").part(primary.0).part(generation.to_be_bytes());
    let framed =
        selecting.iter().fold(framed, |framed, field| framed.part(field.name.as_str()).optional(field.value.as_ref()));
    CacheKey(framed.finish())
}

/// Whether both were selected by the same fields, so that they are variants of each other.
#[must_use]
pub fn same_fields(one: &[Selecting], other: &[Selecting]) -> bool {
    one.iter().map(|field| &field.name).eq(other.iter().map(|field| &field.name))
}
