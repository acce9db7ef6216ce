//! Errors that an attacker provokes, or waits for, and that nobody else gets to see.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{FIXTURE, Script, State, brought_to, ill_once, poison_page, slug, sweep, trial};
use crate::support::{Answer, Asked, Client, Reply};

const MINUTE: (&str, &str) = ("Cache-Control", "max-age=60");
const YEAR: (&str, &str) = ("Cache-Control", "max-age=31536000");

/// Where errors are for whoever made them, and the page stays; on plain routes an error that states a lifetime may be the first there is.
const EVERYWHERE: [(&str, &[State]); 3] = [
    ("/pub/", &State::SWEEP),
    ("/tiers/", &State::SWEEP),
    ("/plain/", &[State::Fresh, State::StaleWhileRevalidate, State::StaleIfError]),
];

/// The page, or `error` for a request that shows the origin one of these fields.
fn refuses(asked: &Asked, names: &[&str], error: impl Fn() -> Answer) -> Answer {
    if names.iter().any(|name| asked.header(name).is_some()) { error() } else { Answer::ok(&[MINUTE], "the page") }
}

fn with_lines(lines: impl AsRef<[u8]>) -> impl Fn(&Client, &str) -> Reply {
    move |client, path| {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", client.host());
        client.raw(&[head.as_bytes(), lines.as_ref(), b"\r\n"].concat())
    }
}

/// An origin that does not take large requests.
fn takes_little(asked: &Asked) -> Answer {
    let size: usize = asked.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size < 4096 { Answer::ok(&[MINUTE], "the page") } else { Answer::new(400, &[MINUTE], "evil: too large") }
}

#[test]
fn cp_01_05_a_field_that_is_too_large_for_the_origin_never_gets_there() {
    for kilobytes in [10, 20, 100] {
        for name in ["X-Oversized", "Referer", "Accept-Language", "User-Agent", "X-Forwarded-For", "Cookie"] {
            let line = format!("{name}: a={}\r\n", "x".repeat(kilobytes * 1024));
            let attack = with_lines(line);
            poison_page(&format!("CP-01 {name} {kilobytes} KB"), "/pub/", takes_little, attack, "evil");
        }
    }
    let many: String = (0..200).map(|number| format!("X-{number}: {}\r\n", "x".repeat(50))).collect();
    poison_page("CP-01 two hundred fields", "/pub/", takes_little, with_lines(many), "evil");
}

#[test]
fn cp_02_a_control_character_in_a_field_harms_nobody_else() {
    let strict = |asked: &Asked| {
        refuses(asked, &["x-m", "accept", "x-forwarded-host-x"], || Answer::new(400, &[MINUTE], "evil"))
    };
    for byte in [1, 7, 8, 0x0b, 0x0c, 0x1b, 0x1f, 0x7f, 0x80, 0xff, 0] {
        for name in ["X-M", "Accept", "Accept-Language"] {
            let line = [name.as_bytes(), b": a", &[byte], b"b\r\n"].concat();
            poison_page(&format!("CP-02 {name} {byte:#04x}"), "/pub/", strict, with_lines(line), "evil");
        }
    }
}

#[test]
fn cp_03_a_method_that_the_origin_refuses_is_refused_to_nobody_else() {
    const NAMES: [&str; 4] = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-HTTP-Verb"];
    let refusals: [(u16, Script); 3] = [
        (405, |asked| refuses(asked, &NAMES, || Answer::new(405, &[MINUTE, ("Allow", "GET")], "evil"))),
        (404, |asked| refuses(asked, &NAMES, || Answer::new(404, &[MINUTE], "evil"))),
        (501, |asked| refuses(asked, &NAMES, || Answer::new(501, &[YEAR], "evil"))),
    ];
    for (status, script) in refusals {
        for name in NAMES {
            for prefix in ["/pub/", "/neg/"] {
                let attack = |client: &Client, path: &str| client.get(path, &[(name, "POST")]);
                poison_page(&format!("CP-03 {name} {status} {prefix}"), prefix, script, attack, "evil");
            }
        }
    }
    for method in ["POST", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "GETX", "get", "BREW"] {
        let by_method = |asked: &Asked| match asked.method.as_str() {
            "GET" | "HEAD" => Answer::ok(&[MINUTE], "the page"),
            _ => Answer::new(405, &[MINUTE], "evil"),
        };
        let attack = |client: &Client, path: &str| client.request(method, path, &[], "");
        poison_page(&format!("CP-03 {method} itself"), "/pub/", by_method, attack, "evil");
    }
}

#[test]
fn cp_05_a_good_page_outlives_an_error_that_comes_in_its_place() {
    for (prefix, states) in EVERYWHERE {
        ill_once(&format!("CP-05 400 {prefix}"), prefix, states, |_| Answer::new(400, &[YEAR], "evil"));
        ill_once(&format!("CP-05 431 {prefix}"), prefix, states, |_| Answer::new(431, &[MINUTE], "evil"));
        ill_once(&format!("CP-05 500 {prefix}"), prefix, states, |_| Answer::new(500, &[YEAR], "evil"));
        ill_once(&format!("CP-05 a reset {prefix}"), prefix, states, |_| Answer::Reset);
        ill_once(&format!("CP-05 half a page {prefix}"), prefix, states, |_| {
            Answer::raw("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 100\r\n\r\nevil")
        });
    }
}

#[test]
fn cp_06_nothing_takes_the_place_of_a_page() {
    for (prefix, states) in EVERYWHERE {
        ill_once(&format!("CP-06 204 {prefix}"), prefix, states, |_| Answer::new(204, &[MINUTE], ""));
    }
    for status in [205, 206, 226, 299, 300, 301, 302, 303, 307, 308] {
        let fields = [MINUTE, ("Location", "/pub/evil"), ("Content-Range", "bytes 0-3/9"), ("Content-Length", "0")];
        ill_once(&format!("CP-06 {status}"), "/pub/", &State::SWEEP, move |_| Answer::new(status, &fields, ""));
    }
}

#[test]
fn cp_07_a_condition_of_the_clients_is_not_the_origins_business() {
    const NAMES: [&str; 6] =
        ["if-match", "if-unmodified-since", "if-none-match", "if-modified-since", "if-range", "range"];
    let refusals: [(u16, Script); 4] = [
        (412, |asked| refuses(asked, &NAMES, || Answer::new(412, &[MINUTE], "evil"))),
        (500, |asked| refuses(asked, &NAMES, || Answer::new(500, &[YEAR], "evil"))),
        (400, |asked| refuses(asked, &NAMES, || Answer::new(400, &[YEAR], "evil"))),
        (304, |asked| refuses(asked, &NAMES, || Answer::new(304, &[MINUTE, ("ETag", "\"evil\"")], ""))),
    ];
    for (status, script) in refusals {
        for (name, value) in [
            ("If-Match", "\"bad\""),
            ("If-Match", "*"),
            ("If-Unmodified-Since", "x"),
            ("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("If-None-Match", "*"),
            ("If-None-Match", "\"evil\""),
            ("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("If-Range", "x"),
            ("Range", "bytes=0-0"),
            ("Range", "bytes=999-"),
        ] {
            for prefix in ["/pub/", "/plain/"] {
                let attack = |client: &Client, path: &str| client.get(path, &[(name, value)]);
                poison_page(&format!("CP-07 {name} {value} {status} {prefix}"), prefix, script, attack, "evil");
            }
        }
    }
}

#[test]
fn cp_09_what_a_client_can_unpack_is_nobody_elses_business() {
    let strict = |asked: &Asked| match asked.header("accept-encoding") {
        Some("gzip") => Answer::ok(&[MINUTE], "the page"),
        other => Answer::new(406, &[MINUTE], format!("evil: {other:?}")),
    };
    let long = format!("gzip, {}", "x".repeat(5000));
    for value in
        ["invalid;q=xx", "identity;q=0", "*;q=0", "*", "", "gzip;q=0", "br", "zstd, evil", "GZIP", "gzip, gzip", &long]
    {
        for prefix in ["/pub/", "/plain/"] {
            let attack = |client: &Client, path: &str| client.get(path, &[("Accept-Encoding", value)]);
            poison_page(&format!("CP-09 {:.20} {prefix}", value), prefix, strict, attack, "evil");
        }
    }
}

#[test]
fn cp_10_fields_about_the_connection_end_here() {
    const NAMES: [&str; 14] = [
        "expect",
        "max-forwards",
        "upgrade",
        "te",
        "trailer",
        "content-type",
        "content-encoding",
        "content-language",
        "keep-alive",
        "proxy-connection",
        "http2-settings",
        "x-hop",
        "content-length",
        "transfer-encoding",
    ];
    let strict = |asked: &Asked| refuses(asked, &NAMES, || Answer::new(417, &[MINUTE], "evil"));
    for lines in [
        "Expect: 100-continue",
        "Expect: foo",
        "Max-Forwards: 0",
        "Upgrade: h2c",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        "TE: trailers",
        "TE: gzip",
        "Trailer: x",
        "Content-Type: invalid",
        "Content-Encoding: br",
        "Content-Language: xx",
        "Content-Length: 0",
        "Keep-Alive: timeout=1",
        "Proxy-Connection: close",
        "Connection: X-Hop\r\nX-Hop: 1",
        "Connection: Cache-Control\r\nCache-Control: no-store",
    ] {
        let attack = with_lines(format!("{lines}\r\n"));
        poison_page(&format!("CP-10 {}", lines.replace("\r\n", ", ")), "/pub/", strict, attack, "evil");
    }
}

#[test]
fn cp_11_credentials_that_the_origin_refuses_are_refused_to_nobody_else() {
    const NAMES: [&str; 5] =
        ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "proxy-authorization"];
    let strict = |asked: &Asked| refuses(asked, &NAMES, || Answer::new(403, &[MINUTE], "evil"));
    for (name, value) in [
        ("Authorization", "AWS x"),
        ("Authorization", "Basic evil"),
        ("Authorization", ""),
        ("X-Amz-Date", "bad"),
        ("X-Amz-Security-Token", "bad"),
        ("X-Amz-Content-Sha256", "bad"),
        ("Proxy-Authorization", "Basic evil"),
    ] {
        let attack = |client: &Client, path: &str| client.get(path, &[(name, value)]);
        poison_page(&format!("CP-11 {name} {value}"), "/pub/", strict, attack, "evil");
    }
    // A query with credentials is another page.
    let signed = |asked: &Asked| {
        if asked.target.contains("X-Amz-") {
            Answer::new(403, &[MINUTE], "evil")
        } else {
            Answer::ok(&[MINUTE], "the page")
        }
    };
    let attack = |client: &Client, path: &str| client.get(&format!("{path}?X-Amz-Signature=bad"), &[]);
    poison_page("CP-11 in the query", "/pub/", signed, attack, "evil");
}

/// Where an answer leads.
type Location = fn(&Asked) -> String;

#[test]
fn cp_13_a_redirect_to_itself_is_not_kept() {
    let locations: [(&str, Location); 7] = [
        ("a path", |asked| asked.target.clone()),
        ("the visitor's URL", |asked| {
            format!("http://{}{}", asked.header("x-forwarded-host").unwrap_or_default(), asked.target)
        }),
        ("the origin's URL", |asked| format!("http://{}{}", asked.header("host").unwrap_or_default(), asked.target)),
        ("without a scheme", |asked| {
            format!("//{}{}", asked.header("x-forwarded-host").unwrap_or_default(), asked.target)
        }),
        ("a fragment", |asked| format!("{}#again", asked.target)),
        ("another spelling", |asked| asked.target.replace("moved", "%6doved")),
        ("dot segments", |asked| asked.target.replace("/moved/", "/moved/x/../")),
    ];
    for (variant, location) in locations {
        for status in [301, 302, 308] {
            let case = format!("CP-13 {status} to {variant}");
            ill_once(&case, "/moved/", &State::SWEEP, move |asked| {
                Answer::new(status, &[MINUTE, ("Location", &location(asked))], "")
            });
        }
    }
    trial("CP-13 elsewhere", State::Fresh, || {
        FIXTURE.site.on("/moved/on", |_| Answer::new(301, &[MINUTE, ("Location", "/moved/here")], ""));
        let client = FIXTURE.client();
        client.get("/moved/on", &[]);
        assert!(client.get("/moved/on", &[]).is_hit(), "what leads elsewhere is kept");
    });
}

#[test]
fn cp_14_what_a_firewall_says_to_one_it_says_to_one() {
    let firewall = |asked: &Asked| {
        let bad = asked.headers.iter().any(|(_, value)| value.contains("sqlmap") || value.contains("<script>"));
        if bad { Answer::new(403, &[MINUTE], "evil: blocked") } else { Answer::ok(&[MINUTE], "the page") }
    };
    for name in ["User-Agent", "Referer", "Cookie", "X-Api-Version", "Accept", "Accept-Language", "From"] {
        for value in ["sqlmap/1.8", "a=<script>"] {
            let attack = |client: &Client, path: &str| client.get(path, &[(name, value)]);
            poison_page(&format!("CP-14 {name} {value}"), "/pub/", firewall, attack, "evil");
        }
    }
    for status in [401, 403, 406, 418, 429, 451] {
        ill_once(&format!("CP-14 {status}"), "/pub/", &State::SWEEP, move |_| Answer::new(status, &[YEAR], "evil"));
    }
}

#[test]
fn cp_15_a_burst_of_errors_leaves_nothing_behind() {
    let own = slug("CP-15");
    sweep("CP-15", |state| {
        let path = format!("/pub/{own}-{state}");
        let stored = !matches!(state, State::Cold | State::Filling);
        let count = AtomicUsize::new(usize::from(!stored));
        let mut page = brought_to(state, &path, &[], move |_| match count.fetch_add(1, Ordering::SeqCst) {
            0 | 6.. => Answer::ok(&[MINUTE], "the page"),
            1..4 => Answer::new(503, &[YEAR, ("Retry-After", "0")], "down"),
            _ => Answer::ok(&[("Cache-Control", "no-store"), ("Retry-After", "60")], "maintenance"),
        });
        let reload = |client: &Client, path: &str| client.get(path, &[("Cache-Control", "no-cache")]);
        let mut seen: Vec<_> = (0..8).map(|_| page.ask(reload)).collect();
        seen.extend((0..3).map(|_| page.look()));
        let last = seen.last().expect("there are some");
        let says_so = state == State::StaleIfError && last.status == 503;
        assert!(says_so || last.text() == "the page", "{state}: {last:?}");
        assert!(seen.iter().all(|seen| !seen.is_hit() || seen.text() == "the page"), "{state}: {seen:?}");
    });
}
