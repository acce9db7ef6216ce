//! What is stored comes back as it was, for as long as it should, or not at all.

use std::thread;

use super::backends::{ALL, Backend};
use crate::support::{Answer, until};

/// Every byte there is, in an order that looks like none.
fn every_byte(length: usize) -> Vec<u8> {
    (0..length as u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[test]
fn a_page_comes_back_with_its_fields() {
    for backend in ALL {
        let site = backend.site();
        site.origin.on("/page", |_| {
            Answer::ok(&[("Cache-Control", "max-age=600"), ("X-Text", "caf\u{e9}"), ("ETag", "\"v1\"")], "text")
        });
        assert!(!site.get("/page").is_hit(), "{backend:?}");
        let reply = until(|| Some(site.get("/page")).filter(|reply| reply.is_hit()));
        assert_eq!((reply.status, reply.text().as_str()), (200, "text"), "{backend:?}");
        assert_eq!(reply.header("etag").as_deref(), Some("\"v1\""), "{backend:?}");
        assert_eq!(reply.header("x-text").as_deref(), Some("caf\u{e9}"), "{backend:?}");
        assert_eq!(site.health(backend.name())["status"], "ok", "{backend:?}");
    }
}

#[test]
fn bytes_come_back_as_they_were() {
    for backend in ALL {
        let site = backend.site();
        let body = every_byte(100_000);
        assert!((0..=u8::MAX).all(|byte| body.contains(&byte)));
        let sent = body.clone();
        site.origin.on("/bytes", move |_| Answer::ok(&[("Cache-Control", "max-age=600")], sent.clone()));
        site.origin.on("/nothing", |_| Answer::ok(&[("Cache-Control", "max-age=600")], ""));
        for (path, body) in [("/bytes", body), ("/nothing", Vec::new())] {
            site.get(path);
            let reply = until(|| Some(site.get(path)).filter(|reply| reply.is_hit()));
            assert!(reply.body == body, "{backend:?} {path}");
        }
    }
}

#[test]
fn what_has_ended_is_not_there_any_more() {
    // Workers KV keeps nothing for less than a minute, so it is not given what lives less.
    for backend in ALL {
        let site = backend.site();
        site.origin.on("/brief", |_| Answer::ok(&[("Cache-Control", "max-age=2")], "brief"));
        site.get("/brief");
        if backend.tier() != "kv" {
            until(|| site.stored("/brief").is_hit().then_some(()));
        }
        let gone = until(|| Some(site.stored("/brief")).filter(|reply| reply.cache_status().contains("fwd=uri-miss")));
        assert_eq!(gone.status, 504, "{backend:?}");
        assert_eq!(site.origin.asked("/brief").len(), 1, "{backend:?}");
    }
}

#[test]
fn what_is_too_large_is_delivered_and_leaves_the_store_in_order() {
    for backend in ALL {
        let site = backend.site();
        let (fits, too_large) = backend.sizes();
        for (path, length) in [("/fits", fits), ("/too-large", too_large)] {
            let body = every_byte(length);
            site.origin.on(path, move |_| Answer::ok(&[("Cache-Control", "max-age=600")], body.clone()));
            let reply = site.get(path);
            assert_eq!((reply.status, reply.complete, reply.body.len()), (200, true, length), "{backend:?} {path}");
        }
        let reply = until(|| Some(site.get("/fits")).filter(|reply| reply.is_hit()));
        assert!(reply.body == every_byte(fits), "{backend:?}");
        assert!(!site.get("/too-large").is_hit(), "{backend:?}");
        assert_eq!(site.health(backend.name())["breaker"], "closed", "{backend:?}");
    }
}

#[test]
fn of_writes_at_the_same_time_one_counts_whole() {
    for backend in ALL {
        let site = backend.site();
        site.origin.on("/raced", |asked| {
            Answer::ok(&[("Cache-Control", "max-age=600")], asked.number.to_string().repeat(20_000))
        });
        let written: Vec<_> = thread::scope(|scope| {
            let fetching: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| site.client().get("/raced", &[("Cache-Control", "no-cache")]).body))
                .collect();
            fetching.into_iter().map(|fetching| fetching.join().expect("it is answered")).collect()
        });
        let reply = until(|| Some(site.get("/raced")).filter(|reply| reply.is_hit()));
        let fetched_since = site.origin.asked("/raced").len() > written.len();
        assert!(fetched_since || written.contains(&reply.body), "{backend:?}");
        let text = reply.text();
        let first = &text[..text.len() / 20_000];
        assert_eq!(text, first.repeat(20_000), "{backend:?}");
    }
}

#[test]
fn what_was_never_stored_is_a_miss_without_a_failure() {
    for backend in ALL {
        let site = backend.site();
        let reply = site.stored("/never");
        assert_eq!(reply.status, 504, "{backend:?}");
        assert!(reply.cache_status().contains("fwd=uri-miss"), "{backend:?}: {}", reply.cache_status());
        assert_eq!(reply.detail().as_deref(), Some("only-if-cached"), "{backend:?}");
        assert_eq!(site.health(backend.name())["breaker"], "closed", "{backend:?}");
    }
}

#[test]
fn memcached_keeps_for_more_than_a_month_what_is_to_be_kept_so_long() {
    let site = Backend::Memcached.site();
    for (path, seconds) in [("/hours", 7_200), ("/months", 100 * 86_400)] {
        site.origin.on(path, move |_| Answer::ok(&[("Cache-Control", &format!("max-age={seconds}"))], "text"));
        site.get(path);
        let shown = until(|| {
            let reply = site.client().get(path, &[("Larder-Debug", "admin-token")]);
            Some(reply).filter(|reply| reply.is_hit())
        });
        let status = shown.cache_status();
        let key = status.split("key=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("the key is shown");
        let answer = site.ask_memcached(&format!("mg larder:1:{key} t"));
        let left: i64 = answer.trim().strip_prefix("HD t").and_then(|left| left.parse().ok()).expect("it has an end");
        assert!((seconds - 60..=seconds + 1).contains(&left), "{path}: {answer}");
    }
}
