//! MR: parts of a page, however they are asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{FIXTURE, State, brought_to, sweep, trial};
use crate::support::{Answer, Asked};

const FRESH: (&str, &str) = ("Cache-Control", "max-age=60");
const TEN: &str = "0123456789";

/// A body of so many bytes, of which the origin sends what it is asked for.
fn large(length: usize, sent: Arc<AtomicUsize>) -> impl Fn(&Asked) -> Answer + Send + Sync + 'static {
    move |asked| {
        let range = asked.header("range").is_some();
        let body = vec![b'x'; if range { 1 } else { length }];
        sent.fetch_add(body.len(), Ordering::SeqCst);
        let content_range = format!("bytes 0-0/{length}");
        match range {
            true => Answer::new(206, &[FRESH, ("ETag", "\"v\""), ("Content-Range", &content_range)], body),
            false => Answer::ok(&[FRESH, ("ETag", "\"v\"")], body),
        }
    }
}

#[test]
fn mr_11_one_byte_of_a_large_page_costs_the_origin_one_page_or_what_the_client_gets() {
    for (case, path, length) in [
        ("kept", "/pub/mr-11-kept", 4 << 20),
        ("forwarded", "/plain/mr-11-forwarded", 4 << 20),
        ("too large", "/pub/mr-11-too-large", 6 << 20),
        ("too large, forwarded", "/plain/mr-11-too-large", 6 << 20),
    ] {
        trial(&format!("MR-11 {case}"), State::Cold, || {
            let sent = Arc::new(AtomicUsize::new(0));
            FIXTURE.site.on(path, large(length, sent.clone()));
            let client = FIXTURE.client();
            let received: usize = (0..8).map(|_| client.get(path, &[("Range", "bytes=0-0")]).body.len()).sum();
            let sent = sent.load(Ordering::SeqCst);
            assert!(sent <= length.max(received), "the origin sent {sent}, the clients got {received}");
        });
    }
}

const ODD: &[&str] = &[
    "bytes=-9223372036854775808",
    "bytes=18446744073709551615-",
    "bytes=0-18446744073709551616",
    "bytes=0-18446744073709551615",
    "bytes=9-99999999999999999999999999",
    "bytes=-18446744073709551616",
    "bytes=-0",
    "bytes=5-2",
    "bytes=--1",
    "bytes=-",
    "bytes=",
    "bytes",
    "bytes=0",
    "bytes=a-b",
    "bytes=+0-+1",
    "bytes=0x0-0x1",
    "bytes= 0 - 1 ",
    "bytes=0-1;2-3",
    "bites=0-1",
    "BYTES=0-1",
    "bytes=0-1,-1,5-5",
    "bytes=0-,0-,0-,0-,0-,0-",
    "bytes=9-9,0-0,9-9,0-0",
    "bytes=10-,11-",
];

#[test]
fn mr_13_no_range_brings_anything_but_the_page() {
    let many = format!("bytes={}", "0-0,".repeat(2000));
    let ranges: Vec<_> = ODD.iter().copied().chain([many.as_str()]).collect();
    for prefix in ["/pub/", "/plain/", "/tiers/"] {
        for state in [State::Cold, State::Fresh, State::StaleWhileRevalidate] {
            trial(&format!("MR-13 {prefix}"), state, || {
                let origin = |_: &Asked| Answer::ok(&[FRESH, ("ETag", "\"v\"")], TEN);
                let page = brought_to(state, &format!("{prefix}mr-13-{state}"), &[], origin);
                for range in &ranges {
                    let reply = page.client.get(&page.path, &[("Range", range)]);
                    assert!([200, 206, 416].contains(&reply.status), "{range}: {}", reply.status);
                    assert!(reply.complete && reply.body.len() < 1000, "{range}: {} bytes", reply.body.len());
                    let several = reply.header("content-type").is_some_and(|kind| kind.contains("multipart"));
                    assert!(several || TEN.contains(&reply.text()), "{range}: {}", reply.text());
                    assert!(!reply.contains("LRDR"), "{range}: that is of the record, not of the page");
                }
                assert_eq!(page.look().text(), TEN);
            });
        }
    }
}

#[test]
fn mr_13_two_range_lines_are_none() {
    trial("MR-13 twice", State::Fresh, || {
        FIXTURE.site.on("/pub/mr-13-twice", |_| Answer::ok(&[FRESH], TEN));
        let client = FIXTURE.client();
        client.get("/pub/mr-13-twice", &[]);
        let reply = client.get("/pub/mr-13-twice", &[("Range", "bytes=0-1"), ("Range", "bytes=5-6")]);
        assert!(
            reply.status == 200 && reply.text() == TEN || reply.header("content-type").is_some(),
            "{}",
            reply.text()
        );
    });
}

/// A page that is all `a` at first, and all `b` from the second version on.
fn versions(is_new: Arc<AtomicBool>) -> impl Fn(&Asked) -> Answer + Send + Sync + 'static {
    move |asked| {
        let (letter, tag) = if is_new.load(Ordering::SeqCst) { ("b", "\"b\"") } else { ("a", "\"a\"") };
        let range = asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
        let holds = asked.header("if-range").is_none_or(|wanted| wanted == tag);
        let Some((first, last)) = range.filter(|_| holds) else {
            return Answer::ok(&[FRESH, ("ETag", tag)], letter.repeat(10));
        };
        let (first, last): (usize, usize) = (first.parse().unwrap_or(0), last.parse().unwrap_or(9));
        let content_range = format!("bytes {first}-{last}/10");
        let fields = [FRESH, ("ETag", tag), ("Content-Range", &content_range)];
        Answer::new(206, &fields, letter.repeat(last + 1 - first))
    }
}

#[test]
fn mr_14_a_page_is_never_made_of_two_versions() {
    for prefix in ["/pub/", "/plain/"] {
        sweep(&format!("MR-14 {prefix}"), |state| {
            let is_new = Arc::new(AtomicBool::new(false));
            let mut page = brought_to(state, &format!("{prefix}mr-14-{state}"), &[], versions(is_new.clone()));
            let reply = page.ask(|client, path| client.get(path, &[("Range", "bytes=0-4")]));
            assert!([200, 206, 503].contains(&reply.status));
            is_new.store(true, Ordering::SeqCst);
            for fields in [
                &[("Range", "bytes=5-9"), ("If-Range", "\"a\"")][..],
                &[("Cache-Control", "no-cache")],
                &[("Range", "bytes=5-9"), ("If-Range", "\"a\"")],
                &[("Range", "bytes=0-4"), ("If-Range", "\"a\"")],
                &[],
                &[("Range", "bytes=0-1"), ("If-Range", "\"b\"")],
            ] {
                let reply = page.client.get(&page.path, fields);
                let text = reply.text();
                let is_one = ["a", "b"].iter().any(|letter| text.replace(letter, "").is_empty());
                assert!(is_one || reply.status == 503, "{state} {fields:?}: {text}");
                let tag = reply.header("etag").unwrap_or_default();
                assert!(reply.status == 503 || tag.contains(&text[..1]), "{state} {fields:?}: {tag} {text}");
                if fields.contains(&("If-Range", "\"a\"")) && tag == "\"b\"" {
                    assert_eq!((reply.status, text.len()), (200, 10), "{state} {fields:?}");
                }
            }
        });
    }
}
