//! What is not in the key does not reach the origin of a page that is shared.

use std::thread;

use super::words::names;
use super::{FIXTURE, State, echo, poison, poison_page, slug, trial};
use crate::support::{Answer, Asked, Client, Reply};

/// The attack that sends one more field.
fn with_field(case: &str, prefix: &str, name: &str, value: &str) {
    poison(case, prefix, |client, path| client.get(path, &[(name, value)]), "evil");
}

/// The same as it stands on the wire.
fn with_lines(case: &str, prefix: &str, lines: &str) {
    poison(case, prefix, |client, path| raw(client, path, lines), "evil");
}

fn raw(client: &Client, path: &str, lines: &str) -> Reply {
    client.raw(format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{lines}\r\n", client.host()).as_bytes())
}

#[test]
fn ui_01_forwarded_host_names_the_visitors_host_whatever_the_client_says() {
    for prefix in ["/pub/", "/tiers/", "/plain/", "/q/", "/user/", "/api/"] {
        with_field(&format!("UI-01 {prefix}"), prefix, "X-Forwarded-Host", "evil.test");
    }
    for (variant, lines) in [
        ("twice", "X-Forwarded-Host: evil.test\r\nX-Forwarded-Host: evil.example\r\n"),
        ("in a list", "X-Forwarded-Host: site.test, evil.test\r\n"),
        ("with underscores", "X_Forwarded_Host: evil.test\r\n"),
        ("before a colon with a space", "X-Forwarded-Host : evil.test\r\n"),
        ("folded", "X-Forwarded-Host: site.test\r\n evil.test\r\n"),
        ("ours, as one of the connection's", "Connection: X-Forwarded-Host, X-Forwarded-Proto, Accept-Encoding\r\n"),
    ] {
        with_lines(&format!("UI-01 {variant}"), "/pub/", lines);
        with_lines(&format!("UI-01 {variant} /plain/"), "/plain/", lines);
    }
    let asked = FIXTURE.site.asked("/pub/ui-01-");
    assert!(!asked.is_empty() && asked.iter().all(|asked| asked.header("x-forwarded-host") == Some("site.test")));
}

#[test]
fn ui_02_no_field_by_which_a_proxy_speaks_gets_through() {
    for name in [
        "X-Forwarded-Scheme",
        "X-Forwarded-Proto",
        "X-Forwarded-Port",
        "X-Forwarded-Server",
        "X-Forwarded-Prefix",
        "X-Forwarded-Path",
        "Forwarded",
        "X-Host",
        "X-HTTP-Host-Override",
        "X-Original-Host",
        "X-Forwarded-By",
        "X-Real-IP",
        "True-Client-IP",
        "X-Client-IP",
        "Via",
        "Referer",
        "Origin",
        "User-Agent",
        "X-WAP-Profile",
        "X-Amz-Website-Redirect-Location",
        "X-Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Uri",
        "X-Forwarded-Ssl",
        "X-Forwarded-Proto-Version",
        "X-Backend-Host",
        "X-Proxy-Host",
        "X-Url-Scheme",
        "Front-End-Https",
        "Base-Url",
        "Destination",
        "Proxy",
        "Request-Uri",
        "CF-Connecting-IP",
        "CF-Visitor",
        "CF-Worker",
        "X-Azure-FDID",
        "X-Vercel-Id",
        "X-Envoy-Original-Path",
        "X-ProxyUser-Ip",
        "Larder-Class",
        "Larder-Cache-Control",
        "Surrogate-Capability",
        "CDN-Loop",
        "traceparent",
        "X-Request-Id",
        "From",
        "Accept-Charset",
        "Save-Data",
        "Sec-CH-UA",
        "Sec-Fetch-Dest",
        "DPR",
        "Viewport-Width",
        "Date",
        "Warning",
    ] {
        with_field(&format!("UI-02 {name}"), "/pub/", name, "evil.test");
    }
}

/// One field on a page that is not there yet: the victim does not see it, and the origin does only if the request passes. Whether it did.
fn passes_alone(name: &str) -> bool {
    let fixture = &*FIXTURE;
    let (path, client) = (format!("/pub/{}", slug("UI-03")), fixture.client());
    fixture.site.on(&path, echo);
    let mut passed = false;
    trial(&format!("UI-03 {name}"), State::Cold, || {
        let attacked = client.get(&path, &[(name, "evil-marker")]);
        let seen = client.get(&path, &[]);
        assert!(seen.status == 200 && !seen.contains("evil-marker"), "{name}: {}", seen.text());
        passed = attacked.cache_status().contains("fwd=bypass");
        assert!(passed || !attacked.contains("evil-marker"), "{name} reached the origin of a page that is shared");
    });
    passed
}

#[test]
fn ui_03_none_of_a_thousand_fields_poisons_a_page() {
    let names = names();
    assert!(names.len() > 1117, "{}", names.len());
    // What passes would take the others with it.
    let (passing, others): (Vec<_>, Vec<_>) = thread::scope(|scope| {
        let parts: Vec<_> = names
            .chunks(names.len().div_ceil(8))
            .map(|part| scope.spawn(|| part.iter().map(|name| (name.clone(), passes_alone(name))).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().expect("none of them poisons")).partition(|(_, passes)| *passes)
    });
    assert!(passing.len() < 20, "{passing:?}");
    for (name, _) in &passing {
        with_field(&format!("UI-03 {name}"), "/pub/", name, "evil");
    }
    for (number, part) in others.chunks(40).enumerate() {
        let lines: String = part.iter().map(|(name, _)| format!("{name}: evil-marker\r\n")).collect();
        with_lines(&format!("UI-03 forty at once, {number}"), "/pub/", &lines);
    }
}

#[test]
fn ui_05_a_url_in_a_field_routes_nothing() {
    const NAMES: [&str; 8] = [
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Forwarded-Uri",
        "X-Original-URI",
        "X-Override-URL",
        "X-Envoy-Original-Path",
        "X-Forwarded-Path",
        "X-Request-Uri",
    ];
    let routed = |asked: &Asked| {
        let named = NAMES.iter().find_map(|name| asked.header(name));
        Answer::ok(&[("Cache-Control", "max-age=60")], format!("the page at {}", named.unwrap_or("its URL")))
    };
    for name in NAMES {
        let attack = |client: &Client, path: &str| client.get(path, &[(name, "/pub/evil")]);
        poison_page(&format!("UI-05 {name}"), "/pub/", routed, attack, "evil");
    }
}

#[test]
fn ui_06_a_port_or_a_scheme_in_a_field_redirects_nobody() {
    let redirecting = |asked: &Asked| {
        let port = asked.header("x-forwarded-port").filter(|port| *port != "443");
        let scheme =
            ["x-forwarded-scheme", "x-url-scheme", "x-forwarded-protocol"].iter().find_map(|name| asked.header(name));
        let secure = asked.header("x-forwarded-ssl").or(asked.header("front-end-https"));
        match port.or(scheme).or(secure) {
            Some(evil) => {
                let location = format!("https://site.test:{evil}{}", asked.target);
                Answer::new(301, &[("Cache-Control", "max-age=60"), ("Location", &location)], "")
            }
            None => Answer::ok(&[("Cache-Control", "max-age=60")], "page"),
        }
    };
    for (name, value) in [
        ("X-Forwarded-Port", "1234"),
        ("X-Forwarded-Scheme", "nothttps"),
        ("X-Url-Scheme", "http"),
        ("X-Forwarded-Protocol", "http"),
        ("X-Forwarded-Ssl", "off"),
        ("Front-End-Https", "off"),
    ] {
        let attack = |client: &Client, path: &str| client.get(path, &[(name, value)]);
        poison_page(&format!("UI-06 {name}"), "/pub/", redirecting, attack, "site.test:");
    }
}

/// Fields that frameworks choose a piece of a page by.
const PIECES: [(&str, &str); 16] = [
    ("x-now-route-matches", "1"),
    ("x-nextjs-data", "1"),
    ("Rsc", "1"),
    ("Next-Router-Prefetch", "1"),
    ("Next-Router-State-Tree", "x"),
    ("Next-Action", "x"),
    ("x-middleware-prefetch", "1"),
    ("x-middleware-subrequest", "middleware"),
    ("X-React-Router-SPA-Mode", "yes"),
    ("HX-Request", "true"),
    ("Turbo-Frame", "x"),
    ("X-PJAX", "true"),
    ("X-Inertia", "true"),
    ("X-Livewire", "true"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("Purpose", "prefetch"),
];

#[test]
fn ui_07_fields_that_pick_a_piece_of_a_page_pass_and_store_nothing() {
    let piecemeal = |asked: &Asked| {
        let piece = PIECES.iter().any(|(name, _)| asked.header(name).is_some());
        Answer::ok(&[("Cache-Control", "s-maxage=60")], if piece { "{\"piece\":1}" } else { "<html>" })
    };
    for (name, value) in PIECES {
        let attack = |client: &Client, path: &str| client.get(path, &[(name, value)]);
        poison_page(&format!("UI-07 {name}"), "/pub/", piecemeal, attack, "piece");
    }
    FIXTURE.site.on("/pub/ui-07-piece", piecemeal);
    for (name, value) in &PIECES[..PIECES.len() - 1] {
        let piece = FIXTURE.client().get("/pub/ui-07-piece", &[(name, value)]);
        assert_eq!(piece.text(), "{\"piece\":1}", "{name}: who asks for the piece gets it");
    }
}

#[test]
fn ui_09_10_what_a_client_can_read_is_not_the_origins_business_unless_it_is_keyed() {
    for prefix in ["/pub/", "/api/"] {
        with_field(&format!("UI-09 {prefix}"), prefix, "Accept", "application/evil");
        with_field(&format!("UI-10 {prefix}"), prefix, "Accept-Language", "evil");
        with_lines(&format!("UI-09 {prefix} twice"), prefix, "Accept: */*\r\nAccept: application/evil\r\n");
        with_lines(&format!("UI-10 {prefix} twice"), prefix, "Accept-Language: en\r\nAccept-Language: evil\r\n");
        with_field(&format!("UI-10 {prefix} beside one that is offered"), prefix, "Accept-Language", "evil, de;q=0.5");
    }
}

#[test]
fn ui_11_an_origin_that_is_named_reaches_no_other_visitor() {
    let permitting = |asked: &Asked| {
        let origin = asked.header("origin").unwrap_or("none").to_owned();
        Answer::ok(&[("Cache-Control", "max-age=60"), ("Access-Control-Allow-Origin", &origin)], "page")
    };
    for (variant, origin) in
        [("another site", "https://evil.test"), ("null", "null"), ("longer", "https://site.test.evil.test")]
    {
        let attack = |client: &Client, path: &str| client.get(path, &[("Origin", origin)]);
        poison_page(&format!("UI-11 {variant}"), "/pub/", permitting, attack, origin);
    }
}

#[test]
fn ui_13_a_host_that_holds_more_than_a_host_is_refused() {
    for host in [
        "a@b",
        "site.test/x?y#z",
        "site.test@evil.test",
        "evil.test@site.test",
        "site.test?x",
        "site.test#x",
        "site.test\\x",
        "site.test/",
        "site test",
        "",
        "site.test:x",
        "site.test:80:80",
        "site.test,evil.test",
        "[site.test]",
        "site.test%00",
        "http://site.test",
    ] {
        trial(&format!("UI-13 {host}"), State::Any, || {
            let path = format!("/pub/{}", slug("UI-13"));
            let lines = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            let reply = FIXTURE.client().raw(lines.as_bytes());
            assert!((400..500).contains(&reply.status), "{host:?}: {}", reply.status);
            let asked = FIXTURE.site.asked(&path).len() + FIXTURE.site.asked("/x").len();
            assert_eq!(asked, 0, "{host:?} reached the origin");
        });
    }
}

#[test]
fn ui_14_two_hosts_are_refused_and_an_absolute_target_is_the_host_it_is_fetched_for() {
    for (number, hosts) in
        [["site.test", "other.test"], ["other.test", "site.test"], ["site.test", "site.test"]].iter().enumerate()
    {
        trial(&format!("UI-14 {}", hosts.join(" and ")), State::Any, || {
            let path = format!("/pub/ui-14-twice-{number}");
            let lines = format!("Host: {}\r\nHost: {}", hosts[0], hosts[1]);
            let twice =
                FIXTURE.client().raw(format!("GET {path} HTTP/1.1\r\n{lines}\r\nConnection: close\r\n\r\n").as_bytes());
            assert!(twice.status >= 400, "{}", twice.status);
            assert!(FIXTURE.site.asked(&path).is_empty() && FIXTURE.other.asked(&path).is_empty());
        });
    }
    for target in
        ["http://other.test", "HTTP://OTHER.TEST", "http://other.test:80", "https://other.test", "http://x@other.test"]
    {
        trial(&format!("UI-14 {target}"), State::Cold, || {
            let path = format!("/pub/{}", slug("UI-14"));
            let request = format!("GET {target}{path} HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n");
            FIXTURE.client().raw(request.as_bytes());
            for (host, marker) in [("other.test", "h=other.test"), ("site.test", "h=site.test")] {
                let seen = FIXTURE.client().at(host).get(&path, &[]);
                assert!(seen.text().contains(marker), "{host}: {}", seen.text());
            }
        });
    }
}

#[test]
fn ui_15_a_host_that_is_not_served_is_refused_everywhere() {
    for host in [
        "evil.test",
        "site.test.evil.test",
        "xsite.test",
        "site.test:8443",
        "site.test.",
        "127.0.0.1",
        "[::1]",
        "localhost",
    ] {
        trial(&format!("UI-15 {host}"), State::Any, || {
            let path = format!("/pub/{}", slug("UI-15"));
            for target in [path.as_str(), "/_larder/health", "/_larder/stats", "/user/ui-15"] {
                let reply = FIXTURE.client().at(host).get(target, &[]);
                assert_eq!(reply.status, 421, "{host} {target}");
            }
            assert!(FIXTURE.site.asked(&path).is_empty());
            assert!(FIXTURE.client().get(&path, &[]).text().contains("h=site.test"));
        });
    }
}

#[test]
fn the_echo_shows_what_an_attack_would_need() {
    // The tests above could not fail if the origin's answer hid what it was sent.
    let fixture = &*FIXTURE;
    fixture.site.on("/plain/echo", echo);
    let seen = fixture.client().get("/plain/echo", &[("X-Anything", "evil-marker")]);
    assert!(seen.contains("evil-marker"));
    assert_eq!(seen.status, 200);
}
