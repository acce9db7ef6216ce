//! What is not in the key does not reach the origin of a page that is shared.

use super::{FIXTURE, echo, poison};
use crate::support::{Answer, Reply};

/// The attack that sends one more field.
fn with_field(case: &str, name: &str, value: &str) {
    poison(case, "/pub/", |client, path| client.get(path, &[(name, value)]), "evil");
}

#[test]
fn ui_01_forwarded_host_names_the_visitors_host_whatever_the_client_says() {
    with_field("ui-01", "X-Forwarded-Host", "evil.test");
    let asked = FIXTURE.site.asked("/pub/ui-01-cold");
    assert!(asked.iter().all(|asked| asked.header("x-forwarded-host") == Some("site.test")));
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
    ] {
        with_field(&format!("ui-02 {name}"), name, "evil.test");
    }
}

/// More than a thousand names, made as frameworks and proxies make them.
fn names() -> Vec<String> {
    let prefixes = [
        "",
        "x-",
        "x-forwarded-",
        "x-original-",
        "x-real-",
        "x-client-",
        "x-http-",
        "x-cluster-",
        "x-envoy-",
        "x-amz-",
        "x-ms-",
        "x-arr-",
        "x-wp-",
        "x-cf-",
        "cf-",
        "client-",
        "proxy-",
        "true-",
        "akamai-",
        "fastly-",
        "x-azure-",
        "x-vercel-",
        "x-netlify-",
        "x-rewrite-",
        "x-override-",
        "x-custom-",
        "base-",
        "front-end-",
        "request-",
        "x-request-",
        "x-proxy-",
        "x-api-",
    ];
    let stems = [
        "host",
        "url",
        "uri",
        "path",
        "port",
        "proto",
        "protocol",
        "scheme",
        "server",
        "server-name",
        "ip",
        "for",
        "by",
        "prefix",
        "ssl",
        "https",
        "method",
        "method-override",
        "version",
        "token",
        "user",
        "username",
        "user-id",
        "key",
        "id",
        "type",
        "format",
        "lang",
        "locale",
        "country",
        "region",
        "debug",
        "theme",
        "template",
        "callback",
        "redirect",
        "referrer",
    ];
    let mut names: Vec<_> =
        prefixes.iter().flat_map(|prefix| stems.iter().map(move |stem| format!("{prefix}{stem}"))).collect();
    // These are about the connection; the runtime has its own idea of them.
    names.retain(|name| !["host", "x-forwarded-host", "x-forwarded-proto"].contains(&name.as_str()));
    names
}

#[test]
fn ui_03_none_of_a_thousand_fields_poisons_a_page() {
    let fixture = &*FIXTURE;
    let client = fixture.client();
    let names = names();
    assert!(names.len() > 1117, "{}", names.len());
    for (number, name) in names.iter().enumerate() {
        let path = format!("/pub/ui-03-{number}");
        fixture.site.on(&path, echo);
        let attacked = client.get(&path, &[(name, "evil-marker")]);
        let seen = client.get(&path, &[]);
        assert!(seen.status == 200 && !seen.contains("evil-marker"), "{name}: {}", seen.text());
        let passed = attacked.cache_status().contains("fwd=bypass");
        let shown = fixture.site.asked(&path).iter().any(|asked| asked.header(name) == Some("evil-marker"));
        assert!(passed || !shown, "{name} reached the origin of a page that is shared");
    }
}

#[test]
fn ui_05_a_url_in_a_field_routes_nothing() {
    for name in ["X-Original-URL", "X-Rewrite-URL"] {
        with_field(&format!("ui-05 {name}"), name, "/pub/evil");
    }
}

#[test]
fn ui_06_a_port_in_a_field_redirects_nobody() {
    let fixture = &*FIXTURE;
    fixture.site.on("/pub/ui-06", |asked| match asked.header("x-forwarded-port") {
        Some(port) => Answer::new(
            301,
            &[("Cache-Control", "max-age=60"), ("Location", &format!("https://site.test:{port}/pub/ui-06"))],
            "",
        ),
        None => Answer::ok(&[("Cache-Control", "max-age=60")], "page"),
    });
    fixture.client().get("/pub/ui-06", &[("X-Forwarded-Port", "1234")]);
    let seen = fixture.client().get("/pub/ui-06", &[]);
    assert_eq!((seen.status, seen.text().as_str()), (200, "page"));
}

#[test]
fn ui_07_fields_that_pick_a_piece_of_a_page_pass_and_store_nothing() {
    for (name, value) in [
        ("x-now-route-matches", "1"),
        ("x-nextjs-data", "1"),
        ("Rsc", "1"),
        ("Next-Router-Prefetch", "1"),
        ("x-middleware-prefetch", "1"),
        ("X-React-Router-SPA-Mode", "yes"),
        ("HX-Request", "true"),
        ("Turbo-Frame", "x"),
        ("X-PJAX", "true"),
        ("X-Inertia", "true"),
        ("X-Requested-With", "XMLHttpRequest"),
    ] {
        let fixture = &*FIXTURE;
        let path = format!("/pub/ui-07-{}", name.to_lowercase());
        let wanted = name.to_owned();
        fixture.site.on(&path, move |asked| {
            let piece = asked.header(&wanted).is_some();
            Answer::ok(&[("Cache-Control", "s-maxage=60")], if piece { "{\"piece\":1}" } else { "<html>" })
        });
        fixture.client().get(&path, &[(name, value)]);
        let seen = fixture.client().get(&path, &[]);
        assert_eq!(seen.text(), "<html>", "{name}");
        assert!(fixture.client().get(&path, &[]).is_hit(), "{name}");
        assert_eq!(
            fixture.client().get(&path, &[(name, value)]).text(),
            "{\"piece\":1}",
            "{name}: who asks for the piece gets it"
        );
    }
}

#[test]
fn ui_09_10_what_a_client_can_read_is_not_the_origins_business_unless_it_is_keyed() {
    with_field("ui-09", "Accept", "application/evil");
    with_field("ui-10", "Accept-Language", "evil");
}

#[test]
fn ui_11_an_origin_that_is_named_reaches_no_other_visitor() {
    let fixture = &*FIXTURE;
    fixture.site.on("/pub/ui-11", |asked| {
        let origin = asked.header("origin").unwrap_or("none").to_owned();
        Answer::ok(&[("Cache-Control", "max-age=60"), ("Access-Control-Allow-Origin", &origin)], "page")
    });
    fixture.client().get("/pub/ui-11", &[("Origin", "https://evil.test")]);
    assert!(!fixture.client().get("/pub/ui-11", &[]).contains("evil"));
}

fn raw(request: &str) -> Reply {
    FIXTURE.client().raw(request.as_bytes())
}

#[test]
fn ui_13_a_host_that_holds_more_than_a_host_is_refused() {
    for host in [
        "a@b",
        "site.test/x?y#z",
        "site.test@evil.test",
        "site.test?x",
        "site.test#x",
        "site.test\\x",
        "site test",
        "",
        "site.test:x",
        "site.test:80:80",
    ] {
        let before = FIXTURE.site.asked("").len();
        let reply = raw(&format!("GET /pub/ui-13 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
        assert!((400..500).contains(&reply.status), "{host:?}: {}", reply.status);
        let asked = FIXTURE.site.asked("/pub/ui-13").len() + FIXTURE.site.asked("/x").len();
        assert_eq!(asked, 0, "{host:?} reached the origin ({before} requests before)");
    }
}

#[test]
fn ui_14_two_hosts_are_refused_and_an_absolute_target_is_the_host_it_is_fetched_for() {
    let twice = raw("GET /pub/ui-14 HTTP/1.1\r\nHost: site.test\r\nHost: other.test\r\nConnection: close\r\n\r\n");
    assert!(twice.status >= 400, "{}", twice.status);
    assert!(FIXTURE.site.asked("/pub/ui-14").is_empty() && FIXTURE.other.asked("/pub/ui-14").is_empty());
    raw("GET http://other.test/pub/ui-14b HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n");
    for (host, marker) in [("other.test", "h=other.test"), ("site.test", "h=site.test")] {
        let seen = FIXTURE.client().at(host).get("/pub/ui-14b", &[]);
        assert!(seen.text().contains(marker), "{host}: {}", seen.text());
    }
}

#[test]
fn ui_15_a_host_that_is_not_served_is_refused_everywhere() {
    for target in ["/pub/ui-15", "/_larder/health", "/user/ui-15"] {
        let reply = FIXTURE.client().at("evil.test").get(target, &[]);
        assert_eq!(reply.status, 421, "{target}");
    }
    assert!(FIXTURE.site.asked("/pub/ui-15").is_empty());
    assert!(FIXTURE.client().get("/pub/ui-15", &[]).text().contains("h=site.test"));
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
