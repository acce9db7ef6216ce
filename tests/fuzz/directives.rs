//! `Cache-Control`: another line never loosens what one line says, and what is written reads back.
#![cfg_attr(fuzzing, no_main)]

use std::rc::Rc;

use http::HeaderValue;
use http::header::CACHE_CONTROL;
use larder::cache::serve::set_downstream_lifetime;
use larder::fields::cache_control_text::with_max_age;
use larder::fields::{Lifetime, RequestDirectives, ResponseDirectives, Seconds};
use larder::policy::Policy;
use serde_json::json;

use crate::input::{Input, field, policy};

#[cfg(fuzzing)]
mod input;
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holds(data));

thread_local! {
    static POLICY: Rc<Policy> = policy(json!({ "browser_ttl": 53 }));
}

/// Each line of `data` is a line of the field.
pub fn holds(data: &[u8]) {
    let values = Input::new(data).values();
    let headers = field(&CACHE_CONTROL, &values);
    let (response, request) = (ResponseDirectives::read(&headers, CACHE_CONTROL), RequestDirectives::read(&headers));
    for left_out in 0..values.len().min(16) {
        let fewer = values.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, value)| value);
        let fewer = field(&CACHE_CONTROL, fewer);
        assert_restricts(&response, &ResponseDirectives::read(&fewer, CACHE_CONTROL));
        assert_demands(&request, &RequestDirectives::read(&fewer));
    }
    let shouted: Vec<_> = values.iter().map(shouted).collect();
    let shouted = field(&CACHE_CONTROL, &shouted);
    assert_eq!(ResponseDirectives::read(&shouted, CACHE_CONTROL), response, "case means nothing");
    assert_eq!(RequestDirectives::read(&shouted), request, "case means nothing");

    let written = with_max_age(&headers, Seconds::new(60));
    let mut sent = headers.clone();
    POLICY.with(|policy| set_downstream_lifetime(&mut sent, Seconds::new(7), policy));
    assert_eq!(sent.get_all(CACHE_CONTROL).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>(), [written.as_bytes()]);
    let read = ResponseDirectives::read(&sent, CACHE_CONTROL);
    let lifetime = Some(Lifetime::Stated(Seconds::new(60)));
    assert_eq!(read, ResponseDirectives { max_age: lifetime, s_maxage: None, ..response });
    assert_eq!(with_max_age(&sent, Seconds::new(60)), written, "once more changes nothing");
}

fn shouted(value: &HeaderValue) -> HeaderValue {
    HeaderValue::from_bytes(&value.as_bytes().to_ascii_uppercase()).expect("it was one")
}

/// What `more` lines say is no looser than what `fewer` of them say.
fn assert_restricts(more: &ResponseDirectives, fewer: &ResponseDirectives) {
    let flags = |read: &ResponseDirectives| {
        [read.private, read.no_store, read.no_cache, read.must_revalidate, read.proxy_revalidate, read.no_transform]
    };
    let lifetimes = |read: &ResponseDirectives| {
        [read.max_age, read.s_maxage, read.stale_while_revalidate, read.stale_if_error].map(|stated| match stated {
            Some(lifetime) => lifetime.seconds().get(),
            None => u32::MAX,
        })
    };
    assert!(flags(fewer).into_iter().zip(flags(more)).all(|(fewer, more)| fewer <= more), "{more:?} {fewer:?}");
    assert!(lifetimes(fewer).into_iter().zip(lifetimes(more)).all(|(fewer, more)| fewer >= more), "{more:?} {fewer:?}");
    assert!(fewer.no_cache_fields.iter().all(|name| more.no_cache_fields.contains(name)), "{more:?} {fewer:?}");
}

fn assert_demands(more: &RequestDirectives, fewer: &RequestDirectives) {
    let flags = |read: &RequestDirectives| [read.no_cache, read.no_store, read.only_if_cached];
    let most = |limit: Option<Seconds>| limit.map_or(u32::MAX, Seconds::get);
    assert!(flags(fewer).into_iter().zip(flags(more)).all(|(fewer, more)| fewer <= more), "{more:?} {fewer:?}");
    assert!(most(more.max_age) <= most(fewer.max_age), "{more:?} {fewer:?}");
    assert!(more.min_fresh >= fewer.min_fresh, "{more:?} {fewer:?}");
    // To be given at all it has to be asked for.
    assert!(fewer.max_stale.is_none() || more.max_stale <= fewer.max_stale, "{more:?} {fewer:?}");
}
