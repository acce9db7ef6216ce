//! Leases: one fills, the others wait, and nobody for ever.

use std::thread;

use super::{Cache, Site};
use crate::support::until;

/// Asks for a lease: the status, and the token or the value.
fn lease(cache: Cache, key: &str, parameters: &str) -> (u16, String) {
    let reply = cache.ask("POST", &format!("keys/{key}/lease?{parameters}"), "");
    match reply.status {
        202 => {
            let answer: serde_json::Value = serde_json::from_slice(&reply.body).expect("it is JSON");
            (202, answer["token"].as_str().expect("a token").to_owned())
        }
        status => (status, format!("{} {}", reply.text(), reply.header("larder-ttl").unwrap_or_default())),
    }
}

fn fill(cache: Cache, key: &str, token: &str, parameters: &str, value: &str) -> u16 {
    cache.ask("PUT", &format!("keys/{key}?lease={token}{parameters}"), value).status
}

#[test]
fn one_fills_and_those_who_wait_get_what_it_brings() {
    let site = Site::start();
    for cache in site.caches() {
        let (status, token) = lease(cache, "a", "ttl=30&wait=0");
        assert_eq!(status, 202, "{}: {token}", cache.alias);
        let waiting: Vec<_> = (0..10).map(|_| thread::spawn(move || lease(cache, "a", "ttl=30&wait=20"))).collect();
        assert_eq!(fill(cache, "a", &token, "&ttl=60", "made"), 204);
        for waiting in waiting {
            assert_eq!(waiting.join().expect("it waits"), (200, "made 60".to_owned()), "{}", cache.alias);
        }
        assert_eq!(fill(cache, "a", &token, "", "again"), 409, "{}: a lease is for once", cache.alias);
        assert_eq!(fill(cache, "a", "invented", "", "again"), 409);
        assert_eq!(cache.get("a").as_deref(), Some(&b"made"[..]));
    }
}

#[test]
fn a_lease_whose_filler_dies_passes_on_after_its_time() {
    let site = Site::start();
    for cache in site.caches() {
        let (_, dead) = lease(cache, "a", "ttl=1&wait=0");
        let (status, next) = lease(cache, "a", "ttl=30&wait=20");
        assert_eq!(status, 202, "{}", cache.alias);
        assert_ne!(next, dead);
        assert_eq!(fill(cache, "a", &dead, "", "too late"), 409);
        assert_eq!(fill(cache, "a", &next, "", "in time"), 204);
        assert_eq!(cache.get("a").as_deref(), Some(&b"in time"[..]));
    }
}

#[test]
fn whoever_waited_in_vain_gets_what_is_stale_or_its_turn() {
    let site = Site::start();
    for cache in site.caches() {
        let (_, token) = lease(cache, "a", "ttl=30&wait=0");
        let (status, turn) = lease(cache, "a", "ttl=30&wait=0");
        assert_eq!((status, turn.as_str()), (202, token.as_str()), "{}: the first to fill fills for all", cache.alias);
        assert_eq!(fill(cache, "a", &token, "&ttl=2", "old"), 204);
        until(|| cache.get("a").is_none().then_some(()));
        let (status, token) = lease(cache, "a", "ttl=30&wait=0");
        assert_eq!(status, 202, "{}: {token}", cache.alias);
        assert_eq!(lease(cache, "a", "wait=0"), (200, "old 0".to_owned()), "{}", cache.alias);
        assert_eq!(fill(cache, "a", &token, "", "new"), 204);
        assert_eq!(lease(cache, "a", "wait=0"), (200, "new 300".to_owned()));
    }
}

#[test]
fn what_had_ended_and_is_deleted_stands_in_for_nothing() {
    let site = Site::start();
    for cache in site.caches() {
        for path in ["keys/a", "pattern/a*", "all"] {
            let (_, token) = lease(cache, "a", "ttl=30&wait=0");
            assert_eq!(fill(cache, "a", &token, "&ttl=1", "old"), 204);
            until(|| cache.get("a").is_none().then_some(()));
            cache.page_by_page("DELETE", path);
            let (_, token) = lease(cache, "a", "ttl=30&wait=0");
            assert_eq!(lease(cache, "a", "wait=0"), (202, token), "{} {path}", cache.alias);
            cache.page_by_page("DELETE", path);
        }
    }
}

#[test]
fn what_is_deleted_or_set_meanwhile_ends_the_lease_and_what_is_stale() {
    let site = Site::start();
    for cache in site.caches() {
        for (method, path) in
            [("DELETE", "keys/a"), ("DELETE", "pattern/a"), ("DELETE", "all"), ("PUT", "keys/a?ttl=0")]
        {
            let (_, token) = lease(cache, "a", "ttl=30&wait=0");
            assert_eq!(fill(cache, "a", &token, "&ttl=60", "old"), 204);
            cache.page_by_page(method, path);
            let (status, token) = lease(cache, "a", "ttl=30&wait=0");
            assert_eq!(status, 202, "{} {method} {path}", cache.alias);
            let (status, turn) = lease(cache, "a", "ttl=30&wait=0");
            assert_eq!((status, &turn), (202, &token), "{} {method} {path}: nothing is stale", cache.alias);
            cache.page_by_page(method, path);
            assert_eq!(fill(cache, "a", &token, "", "made of what was before"), 409, "{} {method} {path}", cache.alias);
            assert_eq!(cache.get("a"), None, "{} {method} {path}", cache.alias);
        }
    }
}
