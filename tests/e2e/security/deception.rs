//! Web cache deception: a private page under a name that looks public.

use super::{FIXTURE, deceive};
use crate::support::{Answer, Asked};

/// An application that answers everything under a prefix with the page of whoever asks.
fn deceives(case: &str, targets: &[&str]) {
    for target in targets {
        deceive(case, target);
    }
}

#[test]
fn wd_01_no_extension_makes_a_page_public() {
    deceives(
        "wd-01",
        &["/account/x.js", "/account/x.jpg", "/account/x.ico", "/account/x.woff2", "/account/x.svg", "/account/x.pdf"],
    );
    let reply = FIXTURE.client().get("/account/x.js", &[]);
    assert!(reply.cache_status().contains("detail=route-pass"), "{}", reply.cache_status());
}

#[test]
fn wd_02_with_a_rule_by_extension_a_page_is_still_no_stylesheet() {
    deceives("wd-02", &["/account/x.css"]);
    let reply = FIXTURE.client().get("/account/x.css", &[]);
    assert_eq!(reply.detail().as_deref(), Some("type-mismatch"));
}

#[test]
fn wd_03_a_delimiter_before_the_extension_passes() {
    deceives(
        "wd-03",
        &[
            "/account;x.css",
            "/account%3bx.css",
            "/account%00x.css",
            "/account%0ax.css",
            "/account%23x.css",
            "/account%3fx.css",
            "/account%26x.css",
            "/account!x.css",
            "/account,x.css",
            "/account~x.css",
        ],
    );
    for target in ["/account;x.css", "/account%3bx.css", "/account%00x.css", "/account!x.css"] {
        let reply = FIXTURE.client().get(target, &[]);
        assert!(reply.cache_status().contains("fwd=bypass"), "{target}: {}", reply.cache_status());
    }
}

#[test]
fn wd_05_06_a_path_is_public_by_where_it_leads_and_not_by_what_it_mentions() {
    let client = FIXTURE.client();
    for target in [
        "/account%2f..%2fstatic/x",
        "/account/..%2fstatic/x.css",
        "/static/../account",
        "/static/%2e%2e/account",
        "/static\\..\\account",
        "/favicon.ico/../account",
        "/account/robots.txt",
        "/account/..%2frobots.txt",
    ] {
        for cookie in ["Cookie: sid=alice\r\n", "", "Cookie: sid=bob\r\n"] {
            let reply = client.raw(
                format!("GET {target} HTTP/1.1\r\nHost: site.test\r\n{cookie}Connection: close\r\n\r\n").as_bytes(),
            );
            let bypassed = reply.cache_status().contains("fwd=bypass") || reply.status >= 400;
            assert!(bypassed, "{target}: {}", reply.cache_status());
            assert!(cookie.contains("alice") || !reply.contains("alice"), "{target}");
        }
    }
}

#[test]
fn wd_07_a_file_name_is_a_file_name_only_where_the_file_is() {
    deceives("wd-07", &["/account/robots.txt", "/account/favicon.ico"]);
}

#[test]
fn wd_09_an_answer_to_authorization_is_not_kept_for_others() {
    FIXTURE.site.on("/static/me.js", |asked: &Asked| {
        Answer::ok(&[("Content-Type", "text/javascript")], asked.header("authorization").unwrap_or("nobody").to_owned())
    });
    let client = FIXTURE.client();
    assert_eq!(client.get("/static/me.js", &[("Authorization", "Bearer alice")]).text(), "Bearer alice");
    assert_eq!(client.get("/static/me.js", &[]).text(), "nobody");
}

#[test]
fn wd_10_a_page_in_place_of_a_script_is_not_kept() {
    FIXTURE.site.on("/static/deleted.js", |asked: &Asked| {
        Answer::ok(&[("Content-Type", "text/html")], format!("token={}", asked.number))
    });
    let client = FIXTURE.client();
    let (first, second) = (client.get("/static/deleted.js", &[]), client.get("/static/deleted.js", &[]));
    assert_ne!(first.text(), second.text());
    assert_eq!(second.detail().as_deref(), Some("type-mismatch"));
}

#[test]
fn wd_11_what_we_answer_tells_cloudflare_not_to_keep_it() {
    for target in ["/account/x", "/pub/wd-11", "/pub/wd-11"] {
        let reply = FIXTURE.client().get(target, &[]);
        assert_eq!(reply.header("cloudflare-cdn-cache-control").as_deref(), Some("no-store"), "{target}");
    }
}
