//! Web cache deception: a private page under a name that looks public.

use super::{FIXTURE, State, brought_to, deceive, file, never_shared_file, slug, sweep, trial};
use crate::support::{Answer, Asked};

/// An application that answers everything under a prefix with the page of whoever asks.
fn deceives(case: &str, targets: &[&str]) {
    for target in targets {
        deceive(&format!("{case} {}", target.escape_default()), target);
    }
}

#[test]
fn wd_01_no_extension_makes_a_page_public() {
    deceives(
        "WD-01",
        &[
            "/account/x.js",
            "/account/x.jpg",
            "/account/x.ico",
            "/account/x.woff2",
            "/account/x.svg",
            "/account/x.pdf",
            "/account/x.png",
            "/account/x.txt",
            "/account/x.xml",
            "/account/x.json",
            "/account/x.mp4",
            "/account/x.avif",
            "/account/x.JS",
            "/account/x.js/",
            "/account/x.js?v=1",
            "/account?x.js",
        ],
    );
    let reply = FIXTURE.client().get("/account/x.js", &[]);
    assert!(reply.cache_status().contains("detail=route-pass"), "{}", reply.cache_status());
}

#[test]
fn wd_02_with_a_rule_by_extension_a_page_is_still_no_stylesheet() {
    deceives(
        "WD-02",
        &["/account/x.css", "/account/.css", "/account/x.html.css", "/account/x.css.css", "/account/x.css?v=1"],
    );
    let reply = FIXTURE.client().get("/account/x.css", &[]);
    assert_eq!(reply.detail().as_deref(), Some("type-mismatch"));
    // What is no type, or any, is not the type that the name says.
    const TYPES: [&[(&str, &str)]; 6] = [
        &[],
        &[("Content-Type", "application/octet-stream")],
        &[("Content-Type", "text/html;charset=text/css")],
        &[("Content-Type", "text/html, text/css")],
        &[("Content-Type", "*/*")],
        &[("Content-Type", "text/html"), ("Content-Type", "text/css")],
    ];
    for fields in TYPES {
        let types: Vec<_> = fields.iter().map(|(_, value)| *value).collect();
        let script = move |asked: &Asked| Answer::ok(fields, asked.whose());
        never_shared_file(&format!("WD-02 as {types:?}"), "/account/", ".css", &[ALICE, &[], BOB], script);
    }
}

const ALICE: &[(&str, &str)] = &[("Cookie", "sid=alice")];
const BOB: &[(&str, &str)] = &[("Cookie", "sid=bob")];

impl Asked {
    /// A page that is made anew for each request.
    fn whose(&self) -> String {
        format!("mine={} who={}", self.number, self.cookie("sid"))
    }
}

#[test]
fn wd_03_a_delimiter_before_the_extension_passes() {
    let delimiters = [
        ";",
        "%3b",
        "%00",
        "%0a",
        "%0d",
        "%09",
        "%20",
        "%23",
        "%3f",
        "%26",
        "!",
        ",",
        "~",
        "$",
        ":",
        "@",
        "=",
        "+",
        "*",
        "'",
        "(",
        "|",
        "%7c",
        "\\",
        "%5c",
        "%2e",
        "%2f",
        "%253b",
        "%2500",
        "%2523",
        "%253f",
        "%e2%80%8b",
        "%c0%80",
        "..",
    ];
    for delimiter in delimiters {
        deceives("WD-03", &[&format!("/account{delimiter}x.css"), &format!("/account/settings{delimiter}.css")]);
    }
    for target in ["/account;x.css", "/account%3bx.css", "/account%00x.css", "/account!x.css"] {
        let reply = FIXTURE.client().get(target, &[]);
        assert!(reply.cache_status().contains("fwd=bypass"), "{target}: {}", reply.cache_status());
    }
}

#[test]
fn wd_05_06_a_path_is_public_by_where_it_leads_and_not_by_what_it_mentions() {
    deceives(
        "WD-05",
        &[
            "/account%2f..%2fstatic/x",
            "/account/..%2fstatic/x.css",
            "/account/%2e%2e%2fstatic/x.js",
            "/account%2f%2e%2e%2fstatic%2fx.js",
            "/account/..%252fstatic/x.js",
            "/account/..%5cstatic/x.js",
            "/account/static/x.js",
            "/account//static/x.js",
            "/account?/static/x.js",
            "/account%3f/static/x.js",
        ],
    );
    deceives(
        "WD-06",
        &[
            "/static/../account",
            "/static/%2e%2e/account",
            "/static/.%2e/account",
            "/static\\..\\account",
            "/static/..\\account",
            "/static/..%2faccount",
            "/static/..%5caccount",
            "/static/%252e%252e/account",
            "/static/%252e%252e%252faccount",
            "/static/..;/account",
            "/static/..;x.js/account",
            "/static//../account",
            "/static/x/../../account",
            "/static/./../account",
            "/static%2f..%2faccount",
        ],
    );
}

#[test]
fn wd_05_06_what_an_escape_may_lead_out_of_passes() {
    let client = FIXTURE.client();
    for target in [
        "/static/..%2faccount/me.js",
        "/static/%2e%2e/account",
        "/static/..;/account/me.js",
        "/static/..%5caccount/me.js",
    ] {
        let reply = client.get(target, &[]);
        assert!(
            reply.cache_status().contains("fwd=bypass") || reply.status >= 400,
            "{target}: {}",
            reply.cache_status()
        );
    }
}

#[test]
fn wd_07_a_file_name_is_a_file_name_only_where_the_file_is() {
    deceives(
        "WD-07",
        &[
            "/account/robots.txt",
            "/account/favicon.ico",
            "/account/..%2frobots.txt",
            "/account%2f..%2frobots.txt",
            "/account/%2e%2e%2ffavicon.ico",
            "/favicon.ico/../account",
            "/favicon.ico/..;/account",
            "/robots.txt/account",
            "/robots.txt;/account",
            "/robots.txt%2f..%2faccount",
            "/account?/robots.txt",
            "/account%3f/robots.txt",
        ],
    );
    trial("WD-07 the file itself", State::Fresh, || {
        FIXTURE.site.on("/robots.txt", file);
        let client = FIXTURE.client();
        client.get("/robots.txt", &[]);
        assert!(client.get("/robots.txt", &[]).is_hit());
    });
}

#[test]
fn wd_09_an_answer_to_authorization_is_not_kept_for_others() {
    for credentials in ["Bearer alice", "Basic alice", "alice", "Digest username=\"alice\"", "AWS alice:x"] {
        let own = slug("WD-09");
        sweep(&format!("WD-09 {credentials}"), |state| {
            let mut page = brought_to(state, &format!("/static/{own}-{state}.js"), &[], |asked| {
                let whose = asked.header("authorization").unwrap_or("nobody").to_owned();
                Answer::ok(&[("Content-Type", "text/javascript")], whose)
            });
            page.ask(|client, path| client.get(path, &[("Authorization", credentials)]));
            for seen in page.first.take().into_iter().chain([page.look(), page.look()]) {
                assert!(seen.text() == "nobody", "{state}: {}", seen.text());
            }
        });
    }
}

#[test]
fn wd_10_a_page_in_place_of_a_script_is_not_kept() {
    let index = |asked: &Asked| {
        Answer::ok(&[("Content-Type", "text/html")], format!("<input name=token value=mine={}>", asked.number))
    };
    for extension in [".js", ".css", ".png", ".json", ".woff2"] {
        never_shared_file(&format!("WD-10 {extension}"), "/static/", extension, &[&[]], index);
    }
    FIXTURE.site.on("/static/deleted.js", index);
    assert_eq!(FIXTURE.client().get("/static/deleted.js", &[]).detail().as_deref(), Some("type-mismatch"));
}

#[test]
fn wd_11_nothing_is_kept_beneath_the_worker_or_before_it() {
    for (variant, target) in
        [("what passes", "/account/x.css"), ("what is kept", "/pub/wd-11"), ("a plain route", "/plain/wd-11")]
    {
        trial(&format!("WD-11 {variant}"), State::Any, || {
            for _ in 0..2 {
                let reply = FIXTURE.client().get(target, &[]);
                assert_eq!(reply.header("cloudflare-cdn-cache-control").as_deref(), Some("no-store"), "{target}");
            }
            // By these two fields the runtime marks a fetch that says `cache: "no-store"`.
            let asked = FIXTURE.site.asked(target);
            let past = |asked: &Asked| {
                asked.header("cache-control") == Some("no-cache") && asked.header("pragma") == Some("no-cache")
            };
            assert!(!asked.is_empty() && asked.iter().all(past), "{asked:?}");
        });
    }
}
