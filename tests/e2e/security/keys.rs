//! URLs, queries and keys: what differs at the origin never shares an entry.

use super::{FIXTURE, echo, poison};
use crate::support::Answer;

/// Each of these targets has its own entry, or none: the answer to one never comes for another.
fn stay_apart(targets: &[&str]) {
    let client = FIXTURE.client();
    let first: Vec<_> = targets.iter().map(|target| client.get(target, &[])).collect();
    for (target, first) in targets.iter().zip(&first) {
        let again = client.get(target, &[]);
        if again.is_hit() {
            assert_eq!(again.text(), first.text(), "{target}");
        }
    }
    let mut pages: Vec<_> = first.iter().filter(|reply| reply.status == 200).map(|reply| reply.text()).collect();
    let count = pages.len();
    pages.sort();
    pages.dedup();
    assert_eq!(pages.len(), count, "{targets:?}");
}

#[test]
fn kn_01_queries_tell_entries_apart() {
    stay_apart(&[
        "/pub/kn-01?id=1",
        "/pub/kn-01?id=2",
        "/pub/kn-01",
        "/pub/kn-01?",
        "/pub/kn-01?id=1&id=2",
        "/pub/kn-01?id=2&id=1",
    ]);
}

#[test]
fn kn_02_03_05_06_a_parameter_that_is_ignored_does_not_reach_the_origin() {
    for (case, query) in [
        ("kn-02", "utm_content=x;cb=evil"),
        ("kn-03", "utm_content='/><script>evil"),
        ("kn-05a", "%75tm_content=evil"),
        ("kn-05b", "UTM_CONTENT=evil"),
        ("kn-05c", "utm_content%5b%5d=evil"),
        ("kn-06a", "utm_x=1?cb=evil"),
        ("kn-06b", "utm_x=%26cb=evil"),
        ("kn-06c", "?cb=evil"),
        ("gclid", "gclid=evil"),
    ] {
        poison(case, "/q/", |client, path| client.get(&format!("{path}?{query}"), &[]), "evil");
    }
    let asked = FIXTURE.site.asked("/q/kn-02-cold");
    assert!(asked.iter().all(|asked| !asked.target.contains("evil")), "{asked:?}");
}

#[test]
fn kn_07_an_origin_that_cares_for_order_gets_the_order_that_is_keyed() {
    let client = FIXTURE.client();
    client.get("/sorted/a?b=2&a=1", &[]);
    let second = client.get("/sorted/a?a=1&b=2", &[]);
    assert!(second.is_hit() && second.text().contains("p=/sorted/a?a=1&b=2 "), "{}", second.text());
    stay_apart(&["/sorted/b?a[]=1&a[]=2", "/sorted/b?a[]=2&a[]=1"]);
}

#[test]
fn kn_09_the_key_is_made_of_the_bytes_the_origin_gets() {
    let client = FIXTURE.client();
    let targets = [
        "/pub/kn-09/%61",
        "/pub/kn-09/a",
        "/pub/kn-09/A",
        "/pub/kn-09/a/",
        "/pub/kn-09//a",
        "/pub/kn-09/a%2f",
        "/pub/kn-09/a%252f",
    ];
    for target in targets {
        let reply = client.get(target, &[]);
        let shown = reply.text().split(' ').next().unwrap_or_default().trim_start_matches("p=").to_owned();
        let expected = target.replace("%61", "a").replace("%2f", "%2F");
        assert_eq!(shown, expected, "{target}");
    }
    assert_eq!(
        client.get("/pub/kn-09/%61", &[]).text(),
        client.get("/pub/kn-09/a", &[]).text(),
        "two spellings of one URL"
    );
}

#[test]
fn kn_10_the_path_that_is_routed_is_the_path_that_is_fetched() {
    let fixture = &*FIXTURE;
    let client = fixture.client();
    for (target, fetched) in [
        ("/pub/../priv/kn-10", "/priv/kn-10"),
        ("/pub/%2e%2e/priv/kn-10", "/priv/kn-10"),
        ("/pub/./kn-10", "/pub/kn-10"),
    ] {
        let reply =
            client.raw(format!("GET {target} HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n").as_bytes());
        assert!(reply.text().contains(&format!("p={fetched} ")), "{target}: {}", reply.text());
        let stored = !reply.cache_status().contains("fwd=bypass");
        assert_eq!(stored, fetched.starts_with("/pub/"), "{target}: {}", reply.cache_status());
    }
    let backslash = client.raw(b"GET /pub\\..\\priv/kn-10 HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n");
    assert!(backslash.status >= 400 || backslash.cache_status().contains("fwd=bypass"), "{}", backslash.cache_status());
}

#[test]
fn kn_11_a_fragment_is_never_forwarded_and_an_escaped_one_is_data() {
    let client = FIXTURE.client();
    let reply = client.raw(b"GET /pub/kn-11#x HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n");
    assert!(reply.status == 400 || reply.text().contains("p=/pub/kn-11 "), "{}", reply.text());
    assert!(client.get("/pub/kn-11%23x", &[]).text().contains("p=/pub/kn-11%23x "));
    let query = client.raw(b"GET /pub/kn-11?b#c HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n");
    assert!(query.status == 400 || query.text().contains("p=/pub/kn-11?b "), "{}", query.text());
    assert!(FIXTURE.site.asked("/pub/kn-11").iter().all(|asked| !asked.target.contains('#')));
}

#[test]
fn kn_13_odd_characters_are_passed_on_or_refused_and_never_decoded() {
    let client = FIXTURE.client();
    for odd in ["{", "}", "|", "^", "\"", "<", ">", "\\", "%zz", "%", "%00", "%0a", "%0d%0aX:1", "`", "'"] {
        for target in [format!("/pub/kn-13/{odd}"), format!("/pub/kn-13/q?{odd}")] {
            let reply =
                client.raw(format!("GET {target} HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n").as_bytes());
            assert!(reply.status == 200 || (400..500).contains(&reply.status), "{target}: {}", reply.status);
            assert!(!reply.headers.iter().any(|(name, _)| name == "X"), "{target}");
        }
    }
    for asked in FIXTURE.site.asked("/pub/kn-13") {
        assert!(!asked.target.contains(['\0', '\n', '\r']) && asked.header("X").is_none(), "{asked:?}");
    }
}

#[test]
fn kn_14_parts_of_a_key_do_not_run_into_each_other() {
    stay_apart(&[
        "/pub/kn-14",
        "/pub/kn-14?b=c",
        "/pub/kn-14?b",
        "/pub/kn-14?b=",
        "/pub/kn-14b",
        "/pub/kn-14/b",
        "/pub/kn-14k-",
        "/pub/kn-14k45",
    ]);
    let client = FIXTURE.client();
    client.get("/user/kn-14", &[("Cookie", "sid=bob")]);
    assert!(!client.get("/user/kn-14|sid=bob", &[]).contains("who=bob"));
    assert!(client.get("/user/kn-14", &[]).text().contains("who= "));
    let other = client.at("other.test").get("/pub/kn-14", &[]);
    assert!(other.text().contains("h=other.test"));
}

#[test]
fn kn_15_a_long_path_has_a_key_like_any_other() {
    let (one, other) = (format!("/pub/{}a", "x".repeat(8000)), format!("/pub/{}b", "x".repeat(8000)));
    let client = FIXTURE.client();
    for target in [&one, &other] {
        assert_eq!(client.get(target, &[]).status, 200);
        let again = client.get(target, &[]);
        assert!(again.is_hit() && again.text().contains(target.as_str()));
    }
}

#[test]
fn kn_17_a_body_on_a_get_does_not_reach_the_origin_and_the_connection_stays_in_step() {
    poison("kn-17a", "/pub/", |client, path| client.request("GET", path, &[], "cb=evil!"), "evil");
    let chunked = |client: &crate::support::Client, path: &str| {
        client.raw(format!("GET {path} HTTP/1.1\r\nHost: site.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n8\r\ncb=evil!\r\n0\r\n\r\n").as_bytes())
    };
    poison("kn-17b", "/pub/", chunked, "evil");
    assert!(FIXTURE.site.asked("/pub/kn-17").iter().all(|asked| asked.body.is_empty()));
    FIXTURE.site.on("/pub/kn-17c", echo);
    let two = FIXTURE.client().raw(
        b"GET /pub/kn-17c HTTP/1.1\r\nHost: site.test\r\nContent-Length: 5\r\n\r\nabcdeGET /pub/kn-17d HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(two.status, 200);
}

#[test]
fn kn_18_a_method_in_a_field_or_a_query_changes_no_get() {
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        for method in ["POST", "PUT", "DELETE", "HEAD"] {
            let case = format!("kn-18 {name} {method}");
            poison(&case, "/pub/", |client, path| client.get(path, &[(name, method)]), &format!(": {method}"));
        }
    }
    stay_apart(&["/pub/kn-18?_method=DELETE", "/pub/kn-18"]);
}

#[test]
fn kn_19_a_query_that_looks_like_a_path_is_a_query() {
    stay_apart(&["/pub/kn-19/?/_payload.json", "/pub/kn-19/", "/pub/kn-19/_payload.json"]);
}

#[test]
fn an_answer_for_one_host_never_comes_for_another() {
    FIXTURE.site.on("/pub/hosts", |_| Answer::ok(&[("Cache-Control", "max-age=60")], "site"));
    FIXTURE.other.on("/pub/hosts", |_| Answer::ok(&[("Cache-Control", "max-age=60")], "other"));
    let client = FIXTURE.client();
    for _ in 0..2 {
        assert_eq!(client.get("/pub/hosts", &[]).text(), "site");
        assert_eq!(client.at("other.test").get("/pub/hosts", &[]).text(), "other");
    }
}
