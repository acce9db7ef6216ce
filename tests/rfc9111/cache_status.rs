//! `Cache-Status` (RFC 9211).

use larder::fields::{CacheStatus, Forward};
use sfv::{Item, List, ListEntry, Parser};

use crate::support::test;

#[test]
fn every_member_is_a_structured_field_with_the_parameters_of_the_rfc() {
    let key = Some("ab".repeat(32));
    for (status, expected) in [
        (CacheStatus { ttl: Some(42), ..CacheStatus::default() }, "Larder; hit; ttl=42"),
        (
            CacheStatus { ttl: Some(-3), detail: Some("stale-if-error"), ..CacheStatus::default() },
            "Larder; hit; ttl=-3; detail=stale-if-error",
        ),
        (
            CacheStatus {
                forward: Some(Forward::UriMiss),
                forward_status: Some(200),
                stored: true,
                ttl: Some(60),
                ..CacheStatus::default()
            },
            "Larder; fwd=uri-miss; fwd-status=200; ttl=60; stored",
        ),
        (
            CacheStatus {
                forward: Some(Forward::Stale),
                forward_status: Some(304),
                collapsed: true,
                ..CacheStatus::default()
            },
            "Larder; fwd=stale; fwd-status=304; collapsed",
        ),
        (
            CacheStatus { generated: true, detail: Some("host-invalid"), ..CacheStatus::default() },
            "Larder; detail=host-invalid",
        ),
        (
            CacheStatus { key: key.clone(), ..CacheStatus::default() },
            &format!("Larder; hit; key=\"{}\"", "ab".repeat(32)),
        ),
    ] {
        let text = status.to_string();
        assert_eq!(text, expected);
        let list: List = Parser::new(&text).parse().expect("a structured field");
        assert!(matches!(&list[..], [ListEntry::Item(Item { .. })]), "{text}");
    }
}

#[test]
fn every_reason_is_a_token_and_says_what_it_means() {
    let mut codes: Vec<_> = larder::reason::Reason::ALL.iter().map(|reason| reason.code()).collect();
    let count = codes.len();
    for (reason, code) in larder::reason::Reason::ALL.iter().zip(&codes) {
        assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b.is_ascii_digit()), "{code}");
        assert!(reason.meaning().trim().ends_with('.'), "{code}");
    }
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), count, "no code stands for two reasons");
}
