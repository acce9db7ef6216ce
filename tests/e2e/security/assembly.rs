//! ES: what a page that is assembled must never include, show or cost.

use super::{State, sweep, trial};
use crate::esi::{ESI, FRESH, HTML, WORLD, client, template, who};
use crate::support::{Answer, Asked, Gate, Origin};

#[test]
fn es_01_what_a_visitor_sends_is_no_markup() {
    for path in ["/off/reflected", "/forced/reflected", "/passed/reflected", "/reflected"] {
        WORLD.site.on(path, |asked| {
            Answer::ok(&[HTML, FRESH], format!("<p>{}</p>", asked.target.replace("%3C", "<").replace("%3E", ">")))
        });
        for state in [State::Cold, State::Fresh] {
            trial(&format!("ES-01 {path}"), state, || {
                // The client's own word is not the origin's.
                let fields = [ESI, ("Surrogate-Capability", "x=\"ESI/1.0\"")];
                let reply = client().get(&format!("{path}?q=%3Cesi:include%20src=/secret/%3E"), &fields);
                assert!(reply.text().contains("<esi:include"), "{}", reply.text());
            });
        }
    }
    template("/variables", "<esi:vars><p>$(QUERY_STRING{q}) $(HTTP_REFERER)</p></esi:vars>");
    trial("ES-01 variables", State::Any, || {
        let referer = ("Referer", "http://x/<esi:include src='/secret'/>\"");
        let reply = client().get("/variables?q=%3Cscript%3E", &[referer]);
        assert_eq!(reply.text(), "<p>&lt;script&gt; http://x/&lt;esi:include src=&#39;/secret&#39;/&gt;&quot;</p>");
    });
    assert_eq!(WORLD.site.asked("/secret").len(), 0);
}

#[test]
fn es_02_es_03_nothing_leaves_for_where_it_must_not() {
    let outside = Origin::start();
    let port = outside.address.port();
    let sources = [
        format!("http://127.0.0.1:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("///127.0.0.1:{port}/"),
        format!("/\\127.0.0.1:{port}/"),
        format!("\\\\127.0.0.1:{port}/"),
        format!("http:/\\127.0.0.1:{port}/"),
        format!("http:127.0.0.1:{port}/"),
        format!("/\t/127.0.0.1:{port}/"),
        format!("ht\ntp://127.0.0.1:{port}/"),
        format!(" http://127.0.0.1:{port}/"),
        format!("HTTP://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://0:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://site.test@127.0.0.1:{port}/"),
        format!("http://site.test%2f@127.0.0.1:{port}/"),
        format!("http://site.test:{port}/"),
        format!("http://site.test.127.0.0.1.nip.io:{port}/"),
        "http://169.254.169.254/latest".into(),
        "http://[::1]/".into(),
        "http://0x7f000001/".into(),
        "gopher://site.test/".into(),
        "file:///etc/passwd".into(),
        "data:text/html,x".into(),
        "javascript:x".into(),
        "//evil.test/x".into(),
        "\\\\evil".into(),
        "http://$(QUERY_STRING{host})/".into(),
        "http://$(HTTP_HEADER{x-t})/".into(),
        "http://$(HTTP_COOKIE)/".into(),
        "http://$(HTTP_HOST)/x".into(),
        "//$(QUERY_STRING{host})/".into(),
        "$(QUERY_STRING{host})".into(),
        "$(QUERY_STRING)".into(),
    ];
    outside.on("/", |_| Answer::ok(&[], "OUTSIDE"));
    for (number, source) in sources.iter().enumerate() {
        let case = if source.contains("$(") { "ES-03" } else { "ES-02" };
        for state in [State::Cold, State::Fresh] {
            trial(&format!("{case} {number}"), state, || {
                let path = format!("/leaving/{number}");
                template(&path, format!("a<esi:include src=\"{source}\"/>b"));
                let host = format!("127.0.0.1:{port}");
                let fields = [("X-T", host.as_str()), ("Cookie", host.as_str())];
                let reply = client().get(&format!("{path}?host={host}"), &fields);
                assert_eq!((reply.status, reply.complete), (200, true), "{source}");
                assert!(reply.text().starts_with('a') && reply.text().ends_with('b'), "{source}: {}", reply.text());
                assert!(!reply.contains("OUTSIDE"), "{source}");
            });
        }
    }
    assert!(outside.asked("").is_empty(), "{:?}", outside.asked(""));
}

#[test]
fn es_02_what_is_ours_is_no_fragment() {
    for (number, source) in [
        "/_larder/health",
        "/_LARDER/health",
        "//site.test/_larder/health",
        "/x/../_larder/health",
        "/%5flarder/health",
    ]
    .iter()
    .enumerate()
    {
        trial(&format!("ES-02 own {number}"), State::Any, || {
            let path = format!("/own/{number}");
            template(&path, format!("a<esi:include src=\"{source}\"/>b"));
            let reply = client().get(&path, &[("Authorization", "Bearer admin-token")]);
            assert_eq!((reply.status, reply.text().as_str()), (200, "ab"), "{source}");
        });
    }
}

#[test]
fn es_05_a_page_that_wants_too_much_is_served_without_it() {
    template("/loop/a", "a<esi:include src=\"/loop/b\"/>");
    template("/loop/b", "b<esi:include src=\"/loop/a\"/>");
    template("/loop/self", "s<esi:include src=\"/loop/self?x=1\"/><esi:include src=\"/loop/self\"/>");
    trial("ES-05 loop", State::Any, || {
        assert_eq!(client().get("/loop/a", &[]).text(), "ab");
        let reply = client().get("/loop/self", &[]);
        assert!(reply.status == 200 && reply.text().len() < 100, "{}", reply.text());
    });
    let many: String = (0..10_000).map(|number| format!("<esi:include src=\"/many/{number}\"/>")).collect();
    template("/toomany", many);
    WORLD.site.on("/many/0", |_| Answer::ok(&[FRESH], "zero"));
    trial("ES-05 many", State::Any, || {
        let reply = client().get("/toomany", &[]);
        assert_eq!((reply.status, WORLD.site.asked("/many/").len()), (200, 20));
    });
    for level in 0..100 {
        template(&format!("/deep/{level}"), format!("{level}<esi:include src=\"/deep/{}\"/>", level + 1));
    }
    trial("ES-05 deep", State::Any, || assert_eq!(client().get("/deep/0", &[]).text(), "0123"));
    // Three fragments in each of three: what is counted is counted over all of them.
    let three = |to: &str| (0..3).map(|number| format!("<esi:include src=\"{to}?{number}\"/>")).collect::<String>();
    for (path, to) in [("/wide/0", "/wide/1"), ("/wide/1", "/wide/2"), ("/wide/2", "/wide/3")] {
        template(path, three(to));
    }
    trial("ES-05 wide", State::Any, || {
        assert_eq!(client().get("/wide/0", &[]).status, 200);
        let asked: usize = (1..4).map(|level| WORLD.site.asked(&format!("/wide/{level}")).len()).sum();
        assert!(asked <= 20, "{asked}");
    });
    template("/long", format!("a<esi:include src=\"/{}\"/>b", "x".repeat(40 << 10)));
    trial("ES-05 long", State::Any, || assert_eq!(client().get("/long", &[]).text(), "ab"));
    WORLD.site.on("/heavy/f", |_| Answer::ok(&[FRESH], vec![b'x'; 3 << 20]));
    template("/heavy", (0..5).map(|number| format!("<esi:include src=\"/heavy/f?{number}\"/>")).collect::<String>());
    trial("ES-05 heavy", State::Any, || {
        let reply = client().get("/heavy", &[]);
        assert!(reply.status == 200 && reply.complete && reply.body.len() <= 8 << 20, "{}", reply.body.len());
    });
}

#[test]
fn es_06_es_07_what_is_one_visitors_stays_theirs_and_so_do_fields() {
    template("/private", "<esi:include src=\"/private/f\"/>");
    WORLD.site.on("/private/f", |asked| {
        Answer::ok(
            &[
                ("Cache-Control", "private"),
                ("Set-Cookie", "a=1"),
                ("Location", "/x"),
                ("Content-Type", "application/javascript"),
                ("Content-Security-Policy", "evil"),
                ("Access-Control-Allow-Origin", "https://evil.test"),
                ("X-Fragment", "1"),
                ("Surrogate-Key", "evil"),
            ],
            format!("n={}", asked.number),
        )
    });
    for state in [State::Cold, State::Fresh] {
        let [first, second] = [client().get("/private", &[]), client().get("/private", &[])];
        trial("ES-06", state, || {
            assert_ne!(first.text(), second.text());
            for reply in [&first, &second] {
                assert_eq!(reply.header("cache-control").as_deref(), Some("private, max-age=0"));
            }
            assert!(second.is_hit(), "the template is kept, the page is not");
        });
        trial("ES-07", state, || {
            for name in
                ["set-cookie", "location", "content-security-policy", "access-control-allow-origin", "x-fragment"]
            {
                assert_eq!(second.header(name), None, "{name}");
            }
            assert_eq!(second.header("content-type").as_deref(), Some(HTML.1));
        });
    }
    template("/named", "<esi:include src=\"/user/es-06\"/>");
    WORLD.site.on("/user/es-06", who);
    sweep("ES-06 user", |state| {
        // The page and the fragment are whatever the others made of them; each visitor sees their own all the same.
        for _ in 0..3 {
            for visitor in ["alice", "bob"].map(|name| format!("sid={name}-{state}")) {
                assert_eq!(client().get("/named", &[("Cookie", &visitor)]).text(), format!("<b>{visitor}</b>"));
            }
        }
        assert_eq!(client().get("/named", &[]).text(), "<b>nobody</b>");
    });
}

#[test]
fn es_09_what_a_fragment_quotes_is_no_markup_unless_it_says_so() {
    template("/quoting", "<esi:include src=\"/quoting/f\"/>");
    WORLD.site.on("/quoting/f", |_| Answer::ok(&[HTML, FRESH], "<esi:include src=\"/secret\"/>"));
    template("/opting", "<esi:include src=\"/opting/f\"/>");
    template("/opting/f", "<esi:include src=\"/opting/g\"/>");
    WORLD.site.on("/opting/g", |_| Answer::ok(&[FRESH], "<esi:include src=\"/secret\"/>"));
    for state in [State::Cold, State::Fresh] {
        for path in ["/quoting", "/opting"] {
            trial(&format!("ES-09 {path}"), state, || {
                assert_eq!(client().get(path, &[]).text(), "<esi:include src=\"/secret\"/>");
            });
        }
    }
    assert!(WORLD.site.asked("/secret").is_empty());
}

#[test]
fn es_10_a_fragment_that_fails_is_left_out() {
    WORLD.site.on("/failing/500", |_| Answer::new(500, &[], "sorry"));
    WORLD.site.on("/failing/404", |_| Answer::new(404, &[], "sorry"));
    WORLD.site.on("/failing/302", |_| Answer::new(302, &[("Location", "/secret")], "sorry"));
    WORLD.site.on("/failing/cut", |_| {
        Answer::raw("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 20\r\n\r\nhalf")
    });
    WORLD.site.on("/failing/garbage", |_| Answer::raw("this is not HTTP"));
    WORLD.site.on("/failing/reset", |_| Answer::Reset);
    WORLD.site.on("/failing/gzip", |_| Answer::ok(&[("Content-Encoding", "gzip")], &b"\x1f\x8b\x08\0\0"[..]));
    WORLD.site.on("/failing/br", |_| Answer::ok(&[("Content-Encoding", "br")], "no brotli"));
    // Both stall for good: one before it has said anything, one in the middle.
    let never = Gate::new();
    let script = never.clone();
    WORLD.site.on("/slow/late", move |_| Answer::Gated(script.clone(), Box::new(Answer::ok(&[FRESH], "late"))));
    WORLD.site.on("/slow/stalls", move |_| {
        let start = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 20\r\n\r\nhalf".to_vec();
        Answer::Held(start, never.clone(), Vec::new())
    });
    WORLD.site.on("/fine", |_| Answer::ok(&[FRESH], "fine"));
    for failing in [
        "/failing/500",
        "/failing/404",
        "/failing/302",
        "/failing/cut",
        "/failing/garbage",
        "/failing/reset",
        "/failing/gzip",
        "/failing/br",
        "/slow/late",
        "/slow/stalls",
    ] {
        let path = format!("/fails{failing}");
        template(
            &path,
            format!(
                "a<esi:include src=\"{failing}\"/>b<esi:include src=\"{failing}\" alt=\"/fine\"/>c<esi:include src=\"{failing}\" \
                 onerror=\"continue\"/><esi:try><esi:attempt><esi:include src=\"{failing}\"/></esi:attempt><esi:except>d\
                 </esi:except></esi:try>"
            ),
        );
        for state in [State::Cold, State::Fresh] {
            trial(&format!("ES-10 {failing}"), state, || {
                let reply = client().get(&path, &[]);
                assert_eq!((reply.status, reply.text().as_str(), reply.complete), (200, "abfinecd", true), "{failing}");
                assert_eq!(reply.header("cache-control").as_deref(), Some("private, max-age=0"), "{failing}");
            });
        }
    }
    assert!(WORLD.site.asked("/secret").is_empty());
}

#[test]
fn es_11_a_page_is_the_same_wherever_its_template_is_cut() {
    WORLD.site.on("/cut/f", |_| Answer::ok(&[FRESH], "F"));
    for (case, text) in [
        ("include", "a<esi:include src=\"/cut/f\"/>b"),
        ("markup", "a<!--esi <b>x</b><esi:include src='/cut/f'/> -->b<!-- esi -->"),
        ("remove", "a<esi:remove><esi:include src=\"/secret\"/></esi:remove>b"),
        ("vars", "a<esi:vars>$(QUERY_STRING{q}) $(HTTP_X) $( $(</esi:vars>b"),
        ("inline", "a<esi:inline name=\"/in\">I</esi:inline><esi:include src=\"/in\"/>b"),
        ("unterminated", "a<esi:include src=\"/cut/f\""),
        ("unclosed", "a<esi:remove>b<esi:try>c"),
        ("cdata", "a<![CDATA[<esi:include src=\"/cut/f\"/>]]>b"),
        ("entities", "a&lt;esi:include src=&quot;/secret&quot;/&gt;<esi:include src=\"/cut/f?a&amp;b\"/>b"),
        ("wrong", "a</esi:try></esi:vars><esi:nothing/><esi:include/><esi:>b"),
        ("utf-8", "\u{e9}<esi:include src=\"/cut/f?\u{e9}\"/>\u{1f600}"),
    ] {
        let whole = format!("/cut/{case}");
        template(&whole, text);
        let expected = client().get(&whole, &[]).text();
        assert!(!expected.contains("/secret\"/>"), "{case}: {expected}");
        let cuts: Vec<usize> = (1..text.len()).step_by(1 + text.len() / 12).collect();
        for at in cuts {
            trial(&format!("ES-11 {case} {at}"), State::Any, || {
                let path = format!("/cut/{case}/{at}");
                let bytes = text.as_bytes();
                let chunk = |part: &[u8]| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
                let head = format!(
                    "HTTP/1.1 200 OK\r\n{}: {}\r\n{}: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
                    HTML.0, HTML.1, ESI.0, ESI.1
                );
                let pieces = vec![
                    [head.as_bytes(), &chunk(&bytes[..at])].concat(),
                    [&chunk(&bytes[at..])[..], b"0\r\n\r\n"].concat(),
                ];
                // The pause only makes it likely that the runtime sees two pieces; the page is the same either way.
                WORLD.site.on(&path, move |_| Answer::Pieces(pieces.clone(), std::time::Duration::from_millis(2)));
                let reply = client().get(&path, &[]);
                assert_eq!((reply.text(), reply.complete), (expected.clone(), true), "{case} cut at {at}");
            });
        }
    }
    template("/cut/attribute", format!("a<esi:include src=\"/{}\" x=\"{}\"/>b", "y", "x".repeat(1 << 20)));
    trial("ES-11 attribute", State::Any, || assert_eq!(client().get("/cut/attribute", &[]).text(), "ab"));
    assert!(WORLD.site.asked("/secret").is_empty());
}

#[test]
fn es_13_another_host_gets_neither_cookies_nor_credentials() {
    template("/to-another", "<esi:include src=\"//other.test/elsewhere/f\"/>");
    WORLD.other.on("/elsewhere/f", |asked: &Asked| {
        let fields: Vec<_> = asked.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        Answer::ok(&[FRESH], fields.join("\n"))
    });
    let fields = [
        ("Cookie", "sid=alice"),
        ("Authorization", "Basic alice"),
        ("Proxy-Authorization", "Basic alice"),
        ("X-Api-Key", "alice"),
        ("Larder-Debug", "alice"),
    ];
    for state in [State::Cold, State::Fresh] {
        trial("ES-13", state, || {
            let seen = client().get("/to-another", &fields);
            assert!(seen.status == 200 && !seen.text().contains("alice"), "{}", seen.text());
        });
    }
    assert_eq!(WORLD.other.asked("/elsewhere/f").len(), 1);
}
