//! Dates: what is read can be written and read again, and nothing that is made of them runs over.
#![cfg_attr(fuzzing, no_main)]

use http::header::{AGE, DATE, EXPIRES, IF_MODIFIED_SINCE, IF_RANGE, LAST_MODIFIED, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use larder::cache::age::{corrected_initial_age, current_age};
use larder::cache::{Fetched, read_terms};
use larder::fields::preconditions::{Validators, if_range_holds, is_not_modified};
use larder::fields::{Seconds, Timestamp, retry_after};

use crate::input::Input;

#[cfg(fuzzing)]
mod input;
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holds(data));

/// The last moment that has an HTTP-date.
const LAST: u64 = 253_402_300_799_000;

/// Fifty years and some days, in milliseconds.
const FIFTY_YEARS: u64 = 50 * 31_557_600_000;

/// `data`: when a request went out and its answer came, in milliseconds; a date; then fields.
pub fn holds(data: &[u8]) {
    let mut input = Input::new(data);
    let (one, other) = (Timestamp::from_millis(input.number()), Timestamp::from_millis(input.number()));
    let text = input.text();
    assert_is_read_as_written(&text, other);
    assert_ages_are_bounded(input.headers(), Fetched { requested: one, received: other });
}

fn assert_is_read_as_written(text: &str, now: Timestamp) {
    let written = now.to_http_date();
    let reread = Timestamp::parse(&written, now).expect("what is written is read");
    assert_eq!(reread.as_millis(), now.as_millis().min(LAST) / 1000 * 1000);
    assert!(written.ends_with(" GMT"), "{written}");
    let Some(date) = Timestamp::parse(text, now) else { return };
    assert!(date.as_millis() <= LAST && date.as_millis().is_multiple_of(1000), "{date:?}");
    assert_eq!(Timestamp::parse(&date.to_http_date(), now), Some(date));
    assert!(!text.contains('-') || date.as_millis() <= now.as_millis().saturating_add(FIFTY_YEARS), "{date:?}");
    assert_eq!(Timestamp::parse(&text.to_ascii_uppercase(), now).is_some(), text.to_ascii_uppercase() == text);
}

fn assert_ages_are_bounded(headers: HeaderMap, fetched: Fetched) {
    let initial = corrected_initial_age(&headers, fetched);
    let age = current_age(initial, fetched.received, fetched.requested.max(fetched.received).plus(Seconds::MAX));
    assert!(initial <= age && age <= Seconds::MAX);
    let (terms, _) = read_terms(StatusCode::OK, &headers, fetched);
    let lifetimes = [terms.stated, terms.heuristic, terms.stale_while_revalidate, terms.stale_if_error];
    assert!(lifetimes.into_iter().flatten().all(|lifetime| lifetime <= Seconds::MAX), "{terms:?}");
    assert!(headers.get_all(EXPIRES).iter().next().is_none() || terms.stated.is_some(), "what cannot be read is stale");
    assert!(retry_after(&headers, fetched.received).is_none_or(|wait| wait <= Seconds::MAX));

    let validators = Validators::of(&headers, fetched.received);
    if let Some(name) = validators.for_if_range() {
        let named = HeaderMap::from_iter([(IF_RANGE, headers[name].clone())]);
        assert!(if_range_holds(&named, validators) && validators.same_bytes(validators), "what names itself is itself");
    }
    if let Some(modified) = headers.get(LAST_MODIFIED).filter(|_| validators.last_modified().is_some()) {
        let known = HeaderMap::from_iter([(IF_MODIFIED_SINCE, modified.clone())]);
        assert!(is_not_modified(&known, validators), "who has it by its date has it");
    }
    // Numbers that are too large stand for very long, never for little.
    let digits = HeaderValue::from_static("99999999999999999999999");
    for name in [AGE, RETRY_AFTER] {
        let long = HeaderMap::from_iter([(name, digits.clone()), (DATE, digits.clone())]);
        let read = retry_after(&long, fetched.received).unwrap_or(corrected_initial_age(&long, fetched));
        assert_eq!(read, Seconds::MAX);
    }
}
