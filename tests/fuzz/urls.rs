//! URLs: the canonical form is one, and leads nowhere else than what it was made of.
#![cfg_attr(fuzzing, no_main)]

use std::borrow::Cow;

use larder::engine::admin::is_reserved;
use larder::url::{CanonicalUrl, looser_readings, select_query};

use crate::input::Input;

#[cfg(fuzzing)]
mod input;
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holds(data));

/// `data`: a URL, the `Host` it came with, and a reference that its page holds.
pub fn holds(data: &[u8]) {
    let mut input = Input::new(data);
    let (raw, host, reference) = (input.text(), input.text(), input.text());
    let Ok(url) = CanonicalUrl::parse(&raw, None) else { return };
    assert_is_canonical(&url);
    assert_readings_are_few(&url.path);
    assert_selects_parameters(&url);
    if let Ok(named) = CanonicalUrl::parse(&raw, Some(&host)) {
        assert_eq!(named, url);
        assert!(!host.contains(['/', '?', '#', '@', '\\', ' ']), "{host}");
    }
    if let Some(joined) = url.join(&reference) {
        assert_is_canonical(&joined);
        assert_eq!((joined.scheme, &joined.authority), (url.scheme, &url.authority));
    }
    // An escape that is none stays, and what stands around it could become one: such a URL is not shared.
    if !url.malformed {
        assert_eq!(url.join(&url.to_string()), Some(url.clone()), "whoever names it whole means it");
        assert_eq!(url.join(""), Some(url.clone()), "and so does who names nothing");
    }
}

fn assert_is_canonical(url: &CanonicalUrl) {
    let target = url.target();
    assert!(url.path.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic()), "{target}");
    assert!(!url.path.contains(['#', '?', '\\']) && !target.contains('#'), "{target}");
    let dots = |segment: &str| segment == "." || segment == "..";
    assert!(!url.path.split('/').any(dots), "{target}");
    if !url.malformed {
        let again = CanonicalUrl::parse(&url.to_string(), Some(url.authority.as_str()));
        assert_eq!(again.as_ref(), Ok(url), "once more changes nothing");
        let escapes = target.split('%').skip(1).map(|rest| rest.get(..2).unwrap_or_default());
        for digits in escapes {
            assert!(
                digits.len() == 2 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')),
                "{target}"
            );
        }
    }
}

fn assert_readings_are_few(path: &str) {
    let readings = looser_readings(path);
    assert!(readings.len() <= 64, "{}", readings.len());
    assert!(readings.iter().all(|reading| reading != path && reading.len() <= 3 * path.len() + 1), "{readings:?}");
    assert!(!path.starts_with("/_larder/") || is_reserved(path), "{path}");
}

fn assert_selects_parameters(url: &CanonicalUrl) {
    let Some(query) = &url.query else { return };
    let is_kept = |parameter: &&str| parameter.split('=').next() != Some("a");
    let selected = |query: &str, sort| select_query(query, sort, |name| name != "a").map(Cow::into_owned);
    let kept: Vec<_> = query.split('&').filter(is_kept).collect();
    assert_eq!(selected(query, false), (!kept.is_empty()).then(|| kept.join("&")));
    let sorted = selected(query, true);
    assert_eq!(sorted.as_ref().and_then(|query| selected(query, true)), sorted, "once more changes nothing");
    assert_eq!(sorted.map(|query| query.len()), selected(query, false).map(|query| query.len()));
}
