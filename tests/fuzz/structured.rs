//! Structured fields: what is written canonically means the same, and a targeted field is the only one that counts.
#![cfg_attr(fuzzing, no_main)]

use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use larder::fields::targeted::{governing, is_esi};
use larder::fields::{CACHE_GROUPS, NO_VARY_SEARCH, SearchVariance, groups};
use sfv::{Dictionary, FieldType, List, Parser};

use crate::input::Input;

#[cfg(fuzzing)]
mod input;
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holds(data));

/// `data`: the queries of two URLs, then fields.
pub fn holds(data: &[u8]) {
    let mut input = Input::new(data);
    let (one, other) = (input.text(), input.text());
    let headers = input.headers();
    assert_targeted_fields_govern(&headers);
    assert_groups_are_strings(&headers);
    if let Some(variance) = SearchVariance::read(&headers) {
        assert_classes(&variance, &one, &other);
        if let Some(canonical) = canonical::<Dictionary>(&headers, &NO_VARY_SEARCH) {
            assert_eq!(SearchVariance::read(&canonical), Some(variance));
        }
    }
}

fn assert_targeted_fields_govern(headers: &HeaderMap) {
    let (source, directives) = governing(headers);
    if source.is_targeted() {
        let mut more = headers.clone();
        more.append(CACHE_CONTROL, HeaderValue::from_static("no-store, private, max-age=0"));
        assert_eq!(governing(&more), (source, directives.clone()), "what is not addressed to us counts");
    }
    for name in ["larder-cache-control", "cdn-cache-control"] {
        if let Some(canonical) = canonical::<Dictionary>(headers, &HeaderName::from_static(name)) {
            let (known, reread) = governing(&canonical);
            assert!(known != source || !known.is_targeted() || reread == directives, "{directives:?} {reread:?}");
        }
    }
    let _ = is_esi(headers);
}

fn assert_groups_are_strings(headers: &HeaderMap) {
    let named = groups(headers, &CACHE_GROUPS);
    assert!(named.len() <= 128, "{}", named.len());
    if let Some(canonical) = canonical::<List>(headers, &CACHE_GROUPS) {
        assert_eq!(groups(&canonical, &CACHE_GROUPS), named);
    }
}

/// Whether two queries mean the same is an equivalence, and each class has one form that stands for it.
fn assert_classes(variance: &SearchVariance, one: &str, other: &str) {
    let form = |query: &str| variance.significant(Some(query));
    assert_eq!(form(&form(one)), form(one));
    assert!(variance.equivalent(Some(one), Some(one)) && variance.equivalent(Some(&form(one)), Some(one)));
    let equivalent = variance.equivalent(Some(one), Some(other));
    assert_eq!(equivalent, variance.equivalent(Some(other), Some(one)));
    assert_eq!(equivalent, form(one) == form(other));
    assert!(variance.equivalent(None, Some("")), "no query is an empty one");
}

/// One of the fields, alone and as RFC 9651 writes it; `None` if it is no structured field, or says nothing.
fn canonical<T: FieldType>(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderMap> {
    let lines: Vec<_> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    let parsed: T = Parser::new(&lines.join(&b","[..])).parse().ok()?;
    let text: Option<String> = parsed.serialize().into();
    let value = HeaderValue::try_from(text?).expect("what RFC 9651 writes is ASCII");
    Some(HeaderMap::from_iter([(name.clone(), value)]))
}
