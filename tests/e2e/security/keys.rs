//! URLs, queries and keys: what differs at the origin never shares an entry.

use larder::url::CanonicalUrl;

use super::{FIXTURE, State, brought_to, canonical, poison, poison_page, slug, sweep, trial};
use crate::support::{Answer, Asked, Client, Reply};

/// Pages in the same state, each target its own, with `{}` where what is unique to a trial stands: whoever asks for one gets that one.
fn stay_apart(case: &str, targets: &[&str]) {
    let own = slug(case);
    sweep(case, |state| {
        let targets: Vec<_> = targets.iter().map(|target| target.replace("{}", &format!("{own}-{state}"))).collect();
        let mut pages: Vec<_> = targets.iter().map(|target| brought_to(state, target, &[], Asked::page)).collect();
        for _ in 0..2 {
            for page in &mut pages {
                let seen = page.ask(|client, target| client.get(target, &[]));
                let expected = format!("p={} ", canonical(&page.path));
                for seen in page.first.take().iter().chain([&seen]) {
                    assert!(seen.text().starts_with(&expected), "{case}, {state}, {}: {}", page.path, seen.text());
                }
            }
        }
    });
}

impl Asked {
    /// An answer that names what was asked for.
    fn page(&self) -> Answer {
        Answer::ok(&[("Cache-Control", "max-age=60")], self.marker())
    }
}

/// A request for a target that no well-meaning client would send.
fn raw(client: &Client, target: &str) -> Reply {
    client.raw(format!("GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", client.host()).as_bytes())
}

#[test]
fn kn_01_queries_tell_entries_apart() {
    stay_apart(
        "KN-01",
        &[
            "/pub/{}?id=1",
            "/pub/{}?id=2",
            "/pub/{}",
            "/pub/{}?",
            "/pub/{}?id=1&id=2",
            "/pub/{}?id=2&id=1",
            "/pub/{}?id=1&",
            "/pub/{}?&id=1",
            "/pub/{}?id",
            "/pub/{}?id=",
            "/pub/{}?ID=1",
            "/pub/{}?id=1%20",
            "/pub/{}?id=1+",
        ],
    );
}

#[test]
fn kn_02_03_05_06_a_parameter_that_is_ignored_does_not_reach_the_origin() {
    for (case, query) in [
        ("KN-02", "utm_content=x;cb=evil"),
        ("KN-02 escaped", "utm_content=x%3bcb=evil"),
        ("KN-05 a semicolon before", ";utm_content=x;cb=evil"),
        ("KN-02 among others", "&utm_content=x;cb=evil&"),
        ("KN-03", "utm_content='/><script>evil"),
        ("KN-03 escaped", "utm_content=%22%3e%3cscript%3eevil"),
        ("KN-03 a name", "utm_%3cscript%3eevil=1"),
        ("KN-05 escaped", "%75tm_content=evil"),
        ("KN-05 escaped inside", "utm%5fcontent=evil"),
        ("KN-05 capitals", "UTM_CONTENT=evil"),
        ("KN-05 brackets", "utm_content%5b%5d=evil"),
        ("KN-05 plain brackets", "utm_content[]=evil"),
        ("KN-05 a space before", "+utm_content=evil"),
        ("KN-05 an escaped space before", "%20utm_content=evil"),
        ("KN-05 a null behind", "gclid%00=evil"),
        ("KN-05 twice", "gclid=1&gclid=evil"),
        ("KN-05 another name", "gclid=evil"),
        ("KN-05 a longer name", "gclidx=evil"),
        ("KN-06 a question mark", "utm_x=1?cb=evil"),
        ("KN-06 an escaped ampersand", "utm_x=%26cb=evil"),
        ("KN-06 an ampersand escaped twice", "utm_x=%2526cb=evil"),
        ("KN-06 two question marks", "?cb=evil"),
        ("KN-06 a fragment", "utm_x=1#&cb=evil"),
        ("KN-06 an escaped fragment", "utm_x=1%23&cb=evil"),
        ("KN-06 an escaped line end", "utm_x=1%0a&cb=evil"),
    ] {
        poison(case, "/q/", |client, path| raw(client, &format!("{path}?{query}")), "evil");
    }
    // What is left of these is the page without a query.
    for case in ["kn-02", "kn-03"] {
        let asked = FIXTURE.site.asked(&format!("/q/{case}-"));
        assert!(!asked.is_empty() && asked.iter().all(|asked| !asked.target.contains("evil")), "{asked:?}");
    }
}

#[test]
fn kn_07_an_origin_that_cares_for_order_gets_the_order_that_is_keyed() {
    let client = FIXTURE.client();
    client.get("/sorted/a?b=2&a=1", &[]);
    let second = client.get("/sorted/a?a=1&b=2", &[]);
    assert!(second.is_hit() && second.text().contains("p=/sorted/a?a=1&b=2 "), "{}", second.text());
    stay_apart(
        "KN-07",
        &[
            "/sorted/{}?a[]=1&a[]=2",
            "/sorted/{}?a[]=2&a[]=1",
            "/sorted/{}?a=1&a=2",
            "/sorted/{}?a=2&a=1",
            "/sorted/{}?a=1",
        ],
    );
}

#[test]
fn kn_09_the_key_is_made_of_the_bytes_the_origin_gets() {
    let spellings = [
        "a", "A", "a/", "a//", "/a", "a%2f", "a%252f", "a%5c", "a;b", "a;c", "a%3b", "a.", "a%20", "a+", "%e4",
        "%c3%a4",
    ];
    let targets = spellings.map(|spelling| format!("/pub/kn-09-{{}}/{spelling}"));
    stay_apart("KN-09", &targets.each_ref().map(String::as_str));
    let client = FIXTURE.client();
    for (target, fetched) in [("/pub/kn-09/%61", "/pub/kn-09/a"), ("/pub/kn-09/a%2f", "/pub/kn-09/a%2F")] {
        assert!(client.get(target, &[]).text().starts_with(&format!("p={fetched} ")), "{target}");
        assert_eq!(client.get(target, &[]).text(), client.get(fetched, &[]).text(), "two spellings of one URL");
    }
}

#[test]
fn kn_10_the_path_that_is_routed_is_the_path_that_is_fetched() {
    let client = FIXTURE.client();
    for way in [
        "/pub/../priv/",
        "/pub/%2e%2e/priv/",
        "/pub/%2E./priv/",
        "/pub/.%2e/priv/",
        "/pub/./../priv/",
        "/pub//../priv/",
        "/pub//..//priv/",
        "/pub\\..\\priv/",
        "/pub/..\\priv/",
        "/pub/..%2fpriv/",
        "/pub/%2e%2e%2fpriv/",
        "/pub/..%5cpriv/",
        "/pub/..;/priv/",
        "/pub/..;x=1/priv/",
        "/pub/%252e%252e/priv/",
        "/pub/%252e%252e%252fpriv/",
        "/pub/..%00/priv/",
        "/pub%2f..%2fpriv/",
        "/priv/../pub/",
        "/priv/..%2fpub/",
        "/PUB/../priv/",
        "/pub/./",
        "//pub/",
    ] {
        trial(&format!("KN-10 {way}"), State::Cold, || {
            let target = format!("{way}{}", slug("KN-10"));
            let name = target.rsplit(['/', '\\', 'f', 'c']).next().unwrap_or_default();
            let (first, second) = (raw(&client, &target), raw(&client, &target));
            if !second.is_hit() {
                return assert!(first.status == 200 || (400..500).contains(&first.status), "{way}: {}", first.status);
            }
            // What is kept is what the origin was asked for under the public prefix, whichever way it reads that.
            let fetched = first.text();
            let fetched = fetched.trim_start_matches("p=").split(' ').next().unwrap_or_default();
            let plain = !fetched.contains("..") && !fetched.contains(['\\', ';', '%']);
            assert!(fetched.starts_with("/pub/") && plain && fetched.ends_with(name), "{way}: {fetched}");
        });
    }
    for (target, fetched) in [("/pub/../priv/kn-10", "/priv/kn-10"), ("/pub/./kn-10", "/pub/kn-10")] {
        let reply = raw(&client, target);
        assert!(reply.text().starts_with(&format!("p={fetched} ")), "{target}: {}", reply.text());
        assert_eq!(reply.cache_status().contains("fwd=bypass"), fetched.starts_with("/priv/"), "{target}");
    }
}

#[test]
fn kn_11_a_fragment_is_never_forwarded_and_an_escaped_one_is_data() {
    for (variant, rest) in
        [("a fragment", "#evil"), ("in a query", "?#evil"), ("escaped", "%23evil"), ("after a query", "?b#evil")]
    {
        poison(&format!("KN-11 {variant}"), "/pub/", |client, path| raw(client, &format!("{path}{rest}")), "evil");
    }
    let asked = FIXTURE.site.asked("/pub/kn-11-");
    assert!(!asked.is_empty() && asked.iter().all(|asked| !asked.target.contains('#')), "{asked:?}");
    stay_apart("KN-11", &["/pub/{}", "/pub/{}%23x", "/pub/{}?%23x"]);
}

#[test]
fn kn_13_odd_characters_are_passed_on_or_refused_and_never_decoded() {
    let client = FIXTURE.client();
    for odd in [
        "{",
        "}",
        "|",
        "^",
        "\"",
        "<",
        ">",
        "\\",
        "`",
        "'",
        "[",
        "]",
        "%zz",
        "%",
        "%2",
        "%00",
        "%0a",
        "%0d%0aX:1",
        "%0d%0a%0d%0a",
        "%20HTTP/1.1",
        "%u0041",
        "%ff",
        "%7f",
        "\u{e4}",
        "\u{1}",
        "\u{7f}",
    ] {
        trial(&format!("KN-13 {}", odd.escape_default()), State::Any, || {
            let own = slug("KN-13");
            for target in [format!("/pub/{own}/{odd}"), format!("/pub/{own}/q?{odd}")] {
                let reply = raw(&client, &target);
                assert!(reply.status == 200 || (400..500).contains(&reply.status), "{target}: {}", reply.status);
                assert!(!reply.headers.iter().any(|(name, _)| name == "X"), "{target}");
            }
            for asked in FIXTURE.site.asked(&format!("/pub/{own}")) {
                assert!(asked.target.chars().all(|c| !c.is_control()) && asked.header("X").is_none(), "{asked:?}");
            }
        });
        let attack = |client: &Client, path: &str| raw(client, &format!("{path}?{odd}evil"));
        poison(&format!("KN-13 {}", odd.escape_default()), "/pub/", attack, "evil");
    }
}

#[test]
fn kn_14_parts_of_a_key_do_not_run_into_each_other() {
    stay_apart(
        "KN-14",
        &[
            "/pub/{}",
            "/pub/{}?b=c",
            "/pub/{}?b",
            "/pub/{}?b=",
            "/pub/{}b",
            "/pub/{}/b",
            "/pub/{}k-",
            "/pub/{}k45",
            "/pub/{}%3fb=c",
            "/pub/{}?b%3dc",
            "/pub/{}?b=c%00",
            "/user/{}",
            "/user/{}|sid=bob",
            "/user/{}?sid=bob",
            "/user/{};sid=bob",
            "/user/{}%0asid=bob",
        ],
    );
    let own = slug("KN-14");
    sweep("KN-14 identities", |state| {
        let path = format!("/user/{own}-{state}");
        let mut page = brought_to(state, &path, &[("Cookie", "sid=bob")], Asked::page);
        for (path, cookie) in
            [("{}", ""), ("{}|sid=bob", ""), ("{}", "sid=b"), ("{}", "sid=bobb"), ("{}", "sidb=ob"), ("{}", "si=dbob")]
        {
            let seen = page.ask(|client, _| {
                client.get(&path.replace("{}", &format!("/user/{own}-{state}")), &[("Cookie", cookie)])
            });
            assert!(!seen.contains("who=bob "), "{state}, {path} {cookie}: {}", seen.text());
        }
    });
    trial("KN-14 hosts", State::Fresh, || {
        FIXTURE.site.on("/pub/hosts", |_| Answer::ok(&[("Cache-Control", "max-age=60")], "site"));
        FIXTURE.other.on("/pub/hosts", |_| Answer::ok(&[("Cache-Control", "max-age=60")], "other"));
        let client = FIXTURE.client();
        for _ in 0..2 {
            assert_eq!(client.get("/pub/hosts", &[]).text(), "site");
            assert_eq!(client.at("other.test").get("/pub/hosts", &[]).text(), "other");
        }
    });
}

#[test]
fn kn_15_a_long_url_has_a_key_like_any_other() {
    let long = "x".repeat(8000);
    for (variant, prefix) in [("in memory", "/pub/"), ("in every tier", "/tiers/")] {
        let targets = [
            format!("{prefix}{{}}{long}a"),
            format!("{prefix}{{}}{long}b"),
            format!("{prefix}{{}}?{long}a"),
            format!("{prefix}{{}}?{long}b"),
            format!("{prefix}{{}}{}", &long[..512]),
            format!("{prefix}{{}}{}", &long[..513]),
        ];
        stay_apart(&format!("KN-15 {variant}"), &targets.each_ref().map(String::as_str));
    }
    let target = format!("/tiers/{long}");
    let client = FIXTURE.client();
    assert!(client.get(&target, &[]).status == 200 && client.get(&target, &[]).is_hit());
}

#[test]
fn kn_17_a_body_on_a_get_does_not_reach_the_origin_and_the_connection_stays_in_step() {
    for (variant, method, framing) in [
        ("a length", "GET", "Content-Length: 8\r\n\r\ncb=evil!"),
        ("chunks", "GET", "Transfer-Encoding: chunked\r\n\r\n8\r\ncb=evil!\r\n0\r\n\r\n"),
        ("a form", "GET", "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\ncb=evil!"),
        ("HEAD", "HEAD", "Content-Length: 8\r\n\r\ncb=evil!"),
    ] {
        for prefix in ["/pub/", "/plain/"] {
            let attack = |client: &Client, path: &str| {
                let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", client.host());
                client.raw(format!("{head}{framing}").as_bytes())
            };
            poison(&format!("KN-17 {variant} {prefix}"), prefix, attack, "evil");
            assert!(FIXTURE.site.asked(&format!("{prefix}kn-17-")).iter().all(|asked| asked.body.is_empty()));
        }
    }
    trial("KN-17 the next request", State::Cold, || {
        let two = FIXTURE.client().raw(
            b"GET /pub/kn-17c HTTP/1.1\r\nHost: site.test\r\nContent-Length: 5\r\n\r\nabcdeGET /pub/kn-17d HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n",
        );
        assert_eq!(two.status, 200);
        assert_eq!(FIXTURE.site.asked("/pub/kn-17d").len(), 1, "it begins where the body ends");
    });
}

#[test]
fn kn_18_a_method_in_a_field_or_a_query_changes_no_get() {
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method", "X-HTTP-Verb"] {
        for method in ["POST", "PUT", "DELETE", "HEAD", "PATCH", "PURGE"] {
            let attack = |client: &Client, path: &str| client.get(path, &[(name, method)]);
            poison_page(&format!("KN-18 {name} {method}"), "/pub/", overridden, attack, "evil");
        }
    }
    poison_page(
        "KN-18 on a plain route",
        "/plain/",
        overridden,
        |client, path| client.get(path, &[("X-HTTP-Method-Override", "HEAD")]),
        "evil",
    );
    stay_apart("KN-18", &["/pub/{}?_method=DELETE", "/pub/{}", "/pub/{}?_method=delete", "/pub/{}?_method=PUT"]);
}

/// A framework that takes the method from a field.
fn overridden(asked: &Asked) -> Answer {
    let fields = [("Cache-Control", "max-age=60")];
    let named =
        asked.headers.iter().find(|(name, _)| name.to_ascii_lowercase().contains("method") || name.contains("Verb"));
    match named.map(|(_, method)| method.as_str()) {
        None => Answer::ok(&fields, "the page"),
        Some("HEAD") => Answer::ok(&fields, ""),
        Some(_) => Answer::new(404, &fields, "evil"),
    }
}

#[test]
fn kn_19_a_query_that_looks_like_a_path_is_a_query() {
    stay_apart(
        "KN-19",
        &["/pub/{}/?/_payload.json", "/pub/{}/", "/pub/{}/_payload.json", "/pub/{}?/_payload.json", "/pub/{}/?"],
    );
}

#[test]
fn the_targets_of_these_tests_are_as_different_as_they_look() {
    let target =
        |text: &str| CanonicalUrl::parse(&format!("http://site.test{text}"), None).expect("it is one").target();
    assert_ne!(target("/a"), target("/a?"));
    assert_ne!(target("/a%2f"), target("/a/"));
    assert_eq!(target("/%61"), target("/a"));
}
