//! Ranges: what is sent is what was asked for, no byte twice, none that is not there.
#![cfg_attr(fuzzing, no_main)]

use http::header::{CONTENT_RANGE, HeaderMap, HeaderValue, RANGE};
use larder::cache::partial::Extent;
use larder::fields::ContentRange;
use larder::fields::range::{requested, satisfiable};

use crate::input::Input;

#[cfg(fuzzing)]
mod input;
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holds(data));

/// `data`: the length of a body, a `Range`, a `Content-Range`.
pub fn holds(data: &[u8]) {
    let mut input = Input::new(data);
    let length = input.number();
    let (range, content_range) = (HeaderValue::from_bytes(input.line()), HeaderValue::from_bytes(input.line()));
    if let Ok(range) = range {
        assert_selects_once(&HeaderMap::from_iter([(RANGE, range)]), length);
    }
    if let Ok(content_range) = content_range {
        assert_reads_back(&HeaderMap::from_iter([(CONTENT_RANGE, content_range)]));
    }
}

fn assert_selects_once(headers: &HeaderMap, length: u64) {
    let Some(ranges) = requested(headers) else { return };
    assert!((1..=16).contains(&ranges.len()), "{}", ranges.len());
    let selected = satisfiable(&ranges, length);
    for (at, range) in selected.iter().enumerate() {
        assert!(range.start < range.end && range.end <= length, "{range:?} of {length}");
        let apart = |other: &std::ops::Range<u64>| other.end < range.start || range.end < other.start;
        assert!(selected[..at].iter().all(apart), "{selected:?}");
    }
    // Each end of a range that was asked for is sent, and what is sent begins and ends where one of them does.
    let asked: Vec<_> = ranges.iter().filter_map(|range| range.within(length)).collect();
    for range in &asked {
        assert!(selected.iter().any(|sent| sent.start <= range.start && range.end <= sent.end), "{selected:?}");
    }
    for sent in &selected {
        assert!(asked.iter().any(|range| range.start == sent.start), "{selected:?}");
        assert!(asked.iter().any(|range| range.end == sent.end), "{selected:?}");
    }
    let mut repeated = headers.clone();
    repeated.append(RANGE, headers[RANGE].clone());
    assert_eq!(requested(&repeated), None, "a repeated field is none");
}

fn assert_reads_back(headers: &HeaderMap) {
    let Some(read) = headers[CONTENT_RANGE].to_str().ok().and_then(ContentRange::parse) else { return };
    assert!(read.range.start < read.range.end, "{read:?} holds nothing");
    assert!(read.complete.is_none_or(|length| read.range.end <= length), "{read:?}");
    assert_eq!(ContentRange::parse(&read.to_string()).as_ref(), Some(&read));
    if let Some(extent) = Extent::of_part(headers) {
        assert!(extent.length() > 0 && extent.length() <= extent.complete, "{extent:?}");
    }
}
