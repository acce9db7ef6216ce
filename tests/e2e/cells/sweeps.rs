//! Patterns, and everything: page by page, nothing but what fits.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Cache, Site, escaped};

/// What a sweep finds, over all its pages: keys, or how many there were; and how large the largest page was.
fn sweep(cache: Cache, method: &str, path: &str) -> (BTreeSet<String>, u64, u64) {
    let (mut keys, mut deleted, mut largest) = (BTreeSet::new(), 0, 0);
    let mut cursor = String::new();
    for _ in 0..1000 {
        let (status, page) = cache.json(method, &format!("{path}{cursor}"), &Value::Null);
        assert_eq!(status, 200, "{} {method} {path}{cursor}: {page}", cache.alias);
        let found = page["keys"].as_array().cloned().unwrap_or_default();
        largest = largest.max(found.len() as u64).max(page["deleted"].as_u64().unwrap_or_default());
        keys.extend(found.iter().filter_map(|key| key.as_str()).map(str::to_owned));
        deleted += page["deleted"].as_u64().unwrap_or_default();
        let Some(next) = page["cursor"].as_str() else { return (keys, deleted, largest) };
        cursor = format!("{}cursor={}", if path.contains('?') { '&' } else { '?' }, escaped(next));
    }
    panic!("{} {method} {path} does not end", cache.alias);
}

fn set_many(cache: Cache, keys: &[String]) {
    for keys in keys.chunks(1000) {
        let values: serde_json::Map<_, _> = keys.iter().map(|key| (key.clone(), json!(1))).collect();
        assert_eq!(cache.json("POST", "many", &json!({ "set": values })).0, 200);
    }
}

#[test]
fn a_pattern_finds_and_removes_what_fits_and_nothing_else() {
    let site = Site::start();
    for cache in site.caches() {
        let keys =
            ["article:1", "article:2:x", "article:", "articles", "a?c", "abc", "a[b]c", "a\\c", "b*", "bar", "ä"];
        set_many(cache, &keys.map(str::to_owned));
        assert_eq!(cache.ask("PUT", "keys/article:9?version=9", "x").status, 204);
        for (pattern, fitting) in [
            ("article:*", &["article:1", "article:2:x", "article:"][..]),
            ("*:*", &["article:1", "article:2:x", "article:"]),
            ("*icle*x", &["article:2:x"]),
            ("a%3Fc", &["a?c"]),
            ("a[b]c", &["a[b]c"]),
            ("a%5Cc", &["a\\c"]),
            ("a*c", &["a?c", "abc", "a[b]c", "a\\c"]),
            ("%C3%A4", &["ä"]),
            ("absent*", &[]),
        ] {
            let found = sweep(cache, "GET", &format!("pattern/{pattern}")).0;
            let fitting: BTreeSet<_> = fitting.iter().map(|key| (*key).to_owned()).collect();
            assert_eq!(found, fitting, "{} {pattern}", cache.alias);
        }
        assert_eq!(sweep(cache, "DELETE", "pattern/article:*").1, 3, "{}", cache.alias);
        let left = sweep(cache, "GET", "pattern/*").0;
        assert_eq!(left.len(), keys.len() - 3, "{} {left:?}", cache.alias);
        assert!(cache.ask("GET", "keys/article:9?version=9", "").status == 200, "{}: another version", cache.alias);
        assert_eq!(sweep(cache, "DELETE", "all?version=9").1, 1);
        for cursor in ["nonsense%21", "", "16:", "-1:", "2", "0-0"] {
            let (status, _) = cache.json("GET", &format!("pattern/*?cursor={cursor}"), &Value::Null);
            assert_eq!(status, 400, "{} {cursor}", cache.alias);
        }
    }
}

#[test]
fn all_is_all_of_this_prefix_and_no_pages() {
    let site = Site::start();
    let (webdis, upstash) = (site.cache("webdis"), site.cache("upstash"));
    for other in ["w:1:a", "w[1]:larder:1:page", "w[1]x:1:a", "other"] {
        site.redis.cli(&["SET", other, "kept"]);
    }
    for cache in site.caches() {
        cache.set("a", "x");
        assert_eq!(cache.ask("PUT", "keys/a?version=3", "x").status, 204);
    }
    assert_eq!(sweep(webdis, "DELETE", "all").1, 2);
    assert!(upstash.get("a").is_some(), "another alias, another prefix");
    assert_eq!(sweep(upstash, "DELETE", "all").1, 2);
    assert_eq!(site.redis.cli(&["DBSIZE"]), "4", "{}", site.redis.cli(&["KEYS", "*"]));
    assert_eq!(sweep(site.cache("objects"), "DELETE", "all").1, 2);
}

#[test]
fn a_hundred_thousand_keys_go_in_pages_of_a_thousand() {
    const COUNT: usize = 100_000;
    let site = Site::start();
    let keys: Vec<_> = (0..COUNT).map(|number| format!("article:{number}")).collect();
    for cache in [site.cache("objects"), site.cache("webdis")] {
        set_many(cache, &keys);
        cache.set("other", "kept");
        let (found, _, largest) = sweep(cache, "GET", "pattern/article:*");
        assert!(found.len() == COUNT && largest <= 1000, "{}: {} in pages of {largest}", cache.alias, found.len());
        let (_, deleted, largest) = sweep(cache, "DELETE", "pattern/article:*");
        assert_eq!(deleted, COUNT as u64, "{}", cache.alias);
        assert!((500..=1000).contains(&largest), "{}: {largest}", cache.alias);
        assert_eq!(sweep(cache, "GET", "pattern/*").0, BTreeSet::from(["other".to_owned()]), "{}", cache.alias);
    }
}
