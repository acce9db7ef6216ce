//! Workers KV rejects, forgets, remembers too well, or returns something else than was put there.

use serde_json::{Value, json};

use super::shelf::{Shelf, Shelved};
use super::{FRESH, STALE, at_once, purge};
use crate::support::{Answer, Asked, Origin};

const LONG: (&str, &str) = ("Cache-Control", "max-age=6000");

/// What it is called, and what KV says.
type Refusal = (&'static str, fn() -> Answer);

/// What it is called, and what becomes of a value.
type Damage = (&'static str, fn(&mut Vec<u8>));

fn refusals() -> [Refusal; 4] {
    [
        ("limited", || Answer::new(429, &[], "too many requests")),
        ("large", || Answer::new(413, &[], "too large")),
        ("broken", || Answer::new(500, &[], "KV is down")),
        ("gone", || Answer::Reset),
    ]
}

#[test]
fn f_19_a_read_that_is_rejected_is_a_miss() {
    let site = Shelved::start(&json!({ "SITE": { "jitter": "0", "collapse": "isolate" } }));
    for (name, refusal) in refusals() {
        site.shelf.when(move |asked, _| (asked.method == "GET").then(refusal));
        let path = format!("/{name}");
        let reply = site.get(&path);
        assert_eq!((reply.status, reply.complete), (200, true), "{name}");
        let crowd = at_once(site.worker.client("site.test"), &path, 5, || {});
        assert!(crowd.iter().all(|reply| reply.status == 200), "{name}");
    }
    assert!(site.worker.log().contains("larder: kv failed to read: 429 too many requests"), "{}", site.worker.log());
}

#[test]
fn f_21_a_write_that_is_rejected_is_seen_by_nobody_and_not_repeated() {
    let site = Shelved::start(&json!({}));
    for (name, refusal) in refusals() {
        site.shelf.when(move |asked, _| (asked.method == "PUT").then(refusal));
        let path = format!("/{name}");
        site.origin.on(&path, |asked: &Asked| Answer::ok(&[LONG], asked.marker()));
        assert_eq!(site.get(&path).status, 200, "{name}");
        site.shelf.asked.wait_for("/kv/", 1);
        assert_eq!(site.get(&path).status, 200, "{name}");
    }
    let puts = |asked: Vec<Asked>| asked.into_iter().filter(|asked| asked.method == "PUT").count();
    assert!(puts(site.shelf.asked.asked("/kv/")) <= 8, "one write for each answer");
    assert!(site.worker.log().contains("larder: kv failed to write: 429"), "{}", site.worker.log());
}

#[test]
fn f_22_what_kv_does_not_show_yet_is_fetched_once_by_each_and_not_waited_for() {
    let more = json!({ "CACHES": { "default": { "tiers": ["memory", "kv"] } } });
    let site = Shelved::start(&more);
    let other = Shelved::before(&site.origin, &site.shelf, &more);
    // It takes the write, and goes on saying that there is nothing.
    site.shelf.when(|asked, _| (asked.method == "GET").then(|| Answer::new(404, &[], "")));
    site.origin.on("/page", |asked: &Asked| Answer::ok(&[LONG], asked.marker()));
    for worker in [&site.worker, &other] {
        for _ in 0..20 {
            assert_eq!(worker.client("site.test").get("/page", &[]).status, 200);
        }
    }
    assert_eq!(site.origin.asked("/page").len(), 2, "one for each isolate");
    let reads = site.shelf.asked.asked("/kv/").into_iter().filter(|asked| asked.method == "GET").count();
    assert!(reads <= 8, "nobody looks again and again: {reads}");
}

#[test]
fn f_23_an_older_copy_takes_the_place_of_nothing_newer() {
    let tiers = json!({ "CACHES": { "default": { "tiers": ["memory", "kv"] } }, "SITE": { "jitter": "0", "stale_if_error": 600 } });
    let site = Shelved::start(&tiers);
    // After a purge: what comes back from before it is nobody's.
    site.origin.on("/purged", |asked: &Asked| Answer::ok(&[LONG], asked.marker()));
    let old = site.get("/purged").text();
    site.shelf.wait_for(1);
    let before = site.shelf.values();
    assert_eq!(purge(&site.worker.client("site.test"), &json!({ "urls": ["http://site.test/purged"] })).status, 200);
    site.shelf.set(before);
    let reply = site.get("/purged");
    assert!(reply.text() != old && !reply.is_hit(), "{}", reply.cache_status());

    // Of two that are stale, the younger stands in for an origin that fails.
    site.shelf.set(Default::default());
    let answers = ["first", "second"];
    let (log, paths) = (site.origin.clone(), "/stale");
    site.origin.on("/stale", move |_| match answers.get(log.asked(paths).len() - 1) {
        Some(body) => Answer::ok(&[FRESH, STALE], *body),
        None => Answer::Reset,
    });
    assert_eq!(site.get("/stale").text(), "first");
    site.shelf.wait_for(1);
    let before = site.shelf.values();
    assert_eq!(site.get("/stale").text(), "second");
    site.shelf.when(move |asked, _| {
        let old = before.get(asked.target.trim_start_matches("/kv/"))?.clone();
        (asked.method == "GET").then(|| Answer::ok(&[], old))
    });
    for _ in 0..3 {
        assert_eq!(site.get("/stale").text(), "second");
    }
}

#[test]
fn f_24_a_damaged_value_is_none() {
    let damages: [Damage; 8] = [
        ("truncated", |value| value.truncate(value.len() / 2)),
        ("without its end", |value| value.truncate(value.len() - 1)),
        ("with a bit turned in the body", |value| *value.last_mut().expect("a body") ^= 1),
        ("with a bit turned in the head", |value| value[20] ^= 0x40),
        ("empty", Vec::clear),
        ("JSON", |value| *value = br#"{"status": 200, "body": "evil"}"#.to_vec()),
        ("zeros", |value| *value = vec![0; 25 << 20]),
        ("nothing but its name", |value| *value = b"LRDR".to_vec()),
    ];
    let site = Shelved::start(&json!({}));
    site.origin.on("/page", |asked: &Asked| Answer::ok(&[LONG], asked.marker()));
    for (what, damage) in damages {
        site.shelf.set(Default::default());
        let page = site.get("/page");
        assert_eq!(page.status, 200, "{what}");
        site.shelf.wait_for(1);
        site.shelf.damage(damage);
        let reply = site.get("/page");
        assert_eq!(
            (reply.status, reply.complete, reply.is_hit()),
            (200, true, false),
            "{what}: {}",
            reply.cache_status()
        );
        assert_ne!(reply.text(), page.text(), "{what}");
        // So many zeros may not come in time.
        let detail = reply.detail().unwrap_or_default();
        assert!(detail == "record-unreadable" || (what == "zeros" && detail == "store-failed"), "{what}: {detail}");
    }
    assert!(site.worker.log().contains("kv holds no usable record"), "{}", site.worker.log());
}

#[test]
fn f_26_f_61_a_record_of_another_version_is_a_miss() {
    let site = Shelved::start(&json!({}));
    site.origin.on("/page", |asked: &Asked| Answer::ok(&[LONG], asked.marker()));
    for version in [0, 2, 200, 255] {
        site.shelf.set(Default::default());
        site.get("/page");
        site.shelf.wait_for(1);
        site.shelf.damage(|value| {
            assert_eq!(value[..5], *b"LRDR\x01", "the first byte after the name is the version");
            value[4] = version;
        });
        let reply = site.get("/page");
        assert_eq!((reply.status, reply.detail().as_deref()), (200, Some("record-unreadable")), "{version}");
    }
}

#[test]
fn f_27_kv_is_only_asked_to_keep_for_as_long_as_it_can() {
    let site = Shelved::start(&json!({ "SITE": { "jitter": "0", "stale_if_error": "1h" } }));
    let lifetimes =
        ["max-age=1", "max-age=60", "max-age=2147483648", "max-age=99999999999999999999", "s-maxage=61, max-age=0"];
    for (number, lifetime) in lifetimes.into_iter().enumerate() {
        let path = format!("/page-{number}");
        site.origin.on(&path, move |asked: &Asked| Answer::ok(&[("Cache-Control", lifetime)], asked.marker()));
        assert_eq!(site.get(&path).status, 200);
        site.shelf.wait_for(number + 1);
    }
    for asked in site.shelf.asked.asked("/kv/").into_iter().filter(|asked| asked.method == "PUT") {
        let options: Value = serde_json::from_str(asked.header("options").expect("they are sent")).expect("it is JSON");
        let seconds = options["expirationTtl"].as_u64().expect("a whole number");
        assert!((60..=i32::MAX as u64).contains(&seconds), "{options}");
    }
}

#[test]
fn f_28_what_kv_keeps_too_long_is_stale_and_what_it_loses_is_fetched() {
    let site = Shelved::start(&json!({ "SITE": { "jitter": "0", "stale_if_error": 600 } }));
    let page = |asked: &Asked| Answer::ok(&[FRESH, STALE], asked.marker());
    site.origin.on("/late", page);
    let first = site.get("/late").text();
    site.shelf.wait_for(1);
    let late = site.get("/late");
    assert!(late.text() != first && late.cache_status().contains("fwd=stale"), "{}", late.cache_status());
    site.origin.on("/late", |_| Answer::Reset);
    assert_eq!(site.get("/late").detail().as_deref(), Some("stale-if-error"));
    site.origin.on("/early", |asked: &Asked| Answer::ok(&[LONG], asked.marker()));
    site.get("/early");
    site.shelf.wait_for(2);
    site.shelf.set(Default::default());
    assert_eq!((site.get("/early").status, site.origin.asked("/early").len()), (200, 2));
}

#[test]
fn f_29_what_breaks_off_is_never_begun_to_be_written() {
    let site = Shelved::start(&json!({}));
    let head = "HTTP/1.1 200 OK\r\nCache-Control: max-age=6000\r\n";
    site.origin
        .on("/half", move |_| Answer::raw(format!("{head}Content-Length: 2000000\r\n\r\n{}", "x".repeat(1_000_000))));
    assert!(!site.get("/half").complete);
    // What comes whole after it is written, so what is not there was not written at all.
    site.origin.on("/whole", |_| Answer::ok(&[LONG], "x".repeat(2_000_000)));
    assert!(site.get("/whole").complete);
    site.shelf.wait_for(1);
    let puts: Vec<_> = site.shelf.asked.asked("/kv/").into_iter().filter(|asked| asked.method == "PUT").collect();
    assert_eq!(puts.len(), 1);
    assert!(puts[0].header("content-length").is_some() && puts[0].body.len() > 2_000_000, "it is written at once");
}

#[test]
fn f_31_a_purge_does_not_depend_on_what_is_deleted() {
    let (origin, shelf) = (Origin::start(), Shelf::start());
    let worker = Shelved::before(&origin, &shelf, &json!({}));
    let site = Shelved { origin, shelf, worker };
    site.origin.on("/page", |asked: &Asked| Answer::ok(&[LONG], asked.marker()));
    let old = site.get("/page").text();
    site.shelf.wait_for(1);
    site.shelf.when(|asked, _| (asked.method == "DELETE").then(|| Answer::new(500, &[], "KV is down")));
    let receipt = purge(&site.worker.client("site.test"), &json!({ "urls": ["http://site.test/page"] }));
    assert_eq!(receipt.status, 200, "{}", receipt.text());
    assert_eq!(site.shelf.values().len(), 1, "it is still there");
    assert_ne!(site.get("/page").text(), old);
}
