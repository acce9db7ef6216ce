//! Cookies: a value counts only if every parser would find it, and no other cookie gets near the key or the origin.
#![cfg_attr(fuzzing, no_main)]

use std::rc::Rc;

use http::header::{COOKIE, HeaderMap, HeaderValue};
use http::{HeaderName, Method};
use larder::fields::cookie::{is_strict_pair, name_of};
use larder::fields::{Cookie, Cookies};
use larder::forward::{IdentityKeys, Lookup, plan};
use larder::message::RequestHead;
use larder::policy::{Policy, Selected};
use larder::reason::Reason;
use larder::url::CanonicalUrl;
use serde_json::json;

use crate::input::{Input, field, policy};

#[cfg(fuzzing)]
mod input;
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holds(data));

/// Each line of `data` is a line of the field. The cookie that matters is `sid`.
pub fn holds(data: &[u8]) {
    let headers = field(&COOKIE, &Input::new(data).values());
    let cookies = Cookies::of(&headers);
    let names: Vec<_> = cookies.names().collect();
    for name in names.iter().take(16).copied().chain(["sid"]) {
        match cookies.find(name) {
            Cookie::Absent => assert!(!names.contains(&name)),
            Cookie::Value(value) => assert_is_plain(&headers, name, value),
            Cookie::Unclear => assert!(names.contains(&name)),
        }
    }
    for pair in cookies.pairs().filter(|pair| is_strict_pair(pair)) {
        assert!(names.contains(&name_of(pair)), "{pair}");
    }
    assert_only_the_keyed_one_counts(&headers);
}

/// Another way to read cookies finds the same value, and once only.
fn assert_is_plain(headers: &HeaderMap, name: &str, value: &str) {
    let line = std::str::from_utf8(headers[COOKIE].as_bytes()).expect("a value that counts stands in a line of text");
    let pairs = line.split(';').filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='));
    let values: Vec<_> =
        pairs.filter(|(known, _)| known.trim_end_matches([' ', '\t']) == name).map(|(_, value)| value).collect();
    assert_eq!(values, [value]);
    assert!(value.len() <= 4096 && value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b','), "{value}");
    let twice = HeaderValue::try_from(format!("{line}; {name}={value}")).expect("it is still a line");
    let twice = HeaderMap::from_iter([(COOKIE, twice)]);
    assert_eq!(Cookies::of(&twice).find(name), Cookie::Unclear, "twice is once too many");
}

fn assert_only_the_keyed_one_counts(headers: &HeaderMap) {
    let Ok(lookup) = looked_up(headers) else { return };
    let sent: Vec<_> = lookup.headers().get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    let alone = match Cookies::of(headers).find("sid") {
        Cookie::Value(value) => {
            let pair = format!("sid={value}");
            assert_eq!(sent, [pair.as_bytes()]);
            HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&pair).expect("a value"))])
        }
        Cookie::Absent => {
            assert!(sent.is_empty(), "{sent:?}");
            HeaderMap::new()
        }
        Cookie::Unclear => panic!("what is not clear passes"),
    };
    assert_eq!(looked_up(&alone).map(|alone| alone.key), Ok(lookup.key), "another cookie changes the key");
    let told: Vec<HeaderName> =
        lookup.headers().keys().filter(|name| name.as_str().contains("cookie")).cloned().collect();
    assert!(told.is_empty() || told == [COOKIE], "{told:?}");
}

thread_local! {
    static POLICY: Rc<Policy> = policy(json!({ "cache": "force", "ttl": 60, "vary_cookie": ["sid"] }));
}

fn looked_up(headers: &HeaderMap) -> Result<Lookup, Reason> {
    let url = CanonicalUrl::parse("https://site.test/page", None).expect("a URL");
    let request = Rc::new(RequestHead { method: Method::GET, url, headers: headers.clone(), upgrade: false });
    let keys = IdentityKeys::new(Some("key"), None);
    POLICY.with(|policy| plan(&request, Selected { policy, lists_method: true }, false, "", &keys))
}
