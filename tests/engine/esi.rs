//! Pages that are assembled: what is fetched for whom, what goes downstream, what is stored.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::test;
use crate::support::world::{Answer, Asked, Scripted, World};

const HTML: (&str, &str) = ("content-type", "text/html");
const ESI: (&str, &str) = ("surrogate-control", "content=\"ESI/1.0\"");

/// A page with these fragments, and fragments that say who asked for them.
fn site(template: &'static str) -> impl FnMut(&Asked) -> Scripted {
    move |asked| {
        let target = asked.url.strip_prefix("http://origin.test").unwrap_or(&asked.url);
        let path = target.split('?').next().unwrap_or_default();
        let cookies = asked.header("cookie").unwrap_or("nobody");
        match path {
            // For all, whatever cookies they have.
            "/page" => {
                Scripted::new(200, &[HTML, ESI, ("cache-control", "public, max-age=60"), ("etag", "\"t\"")], template)
            }
            "/user/name" => Scripted::new(200, &[("cache-control", "max-age=30")], &format!("<i>{cookies}</i>")),
            "/language" => {
                let language = asked.header("accept-language").unwrap_or("none");
                Scripted::new(200, &[("cache-control", "max-age=30")], &format!("<i>{language}</i>"))
            }
            "/slow" => Scripted::new(200, &[("cache-control", "max-age=60")], "SLOW").after(Duration::from_secs(3)),
            "/fails" => Scripted::new(500, &[], "sorry"),
            "/breaks" => Scripted::new(200, &[("cache-control", "max-age=60")], "half").breaking_off(),
            "/short" => Scripted::new(200, &[("cache-control", "max-age=10")], "short"),
            "/none" => Scripted::new(200, &[("cache-control", "no-store")], "none"),
            "/silent" => Scripted::new(200, &[], "silent"),
            _ => Scripted::new(200, &[HTML, ("cache-control", "max-age=60")], &format!("[{target}]")),
        }
    }
}

fn routes() -> Value {
    json!({
        "HOSTS": ["site.test", "other.test"],
        "SITE": { "jitter": "0" },
        "ROUTES": [
            { "path": "/user/*", "cache": "force", "ttl": 60, "vary_cookie": ["sid"] },
            { "path": "/language", "cache": "force", "ttl": 60, "vary_header": { "Accept-Language": ["en", "de"] } },
            { "path": "/forced/*", "cache": "force", "ttl": 60 },
            { "path": "/passed/*", "cache": "pass" },
            { "path": "*", "esi": true },
        ],
    })
}

fn world(template: &'static str) -> World {
    World::new(&routes(), site(template))
}

fn asked_for(world: &World, path: &str) -> usize {
    let asked = world.ports.asked.borrow();
    asked.iter().filter(|asked| asked.url == format!("http://origin.test{path}")).count()
}

fn lifetime(answer: &Answer) -> &str {
    answer.header("cache-control").unwrap_or_default()
}

#[test]
fn one_page_for_all_holds_a_fragment_for_each() {
    let world = world("a <esi:include src=\"/user/name\"/> b");
    for (visitor, expected) in [
        ("sid=alice; _ga=1; other=2", "a <i>sid=alice</i> b"),
        ("sid=bob", "a <i>sid=bob</i> b"),
        ("sid=alice", "a <i>sid=alice</i> b"),
        ("", "a <i>nobody</i> b"),
    ] {
        let answer = world.get("/page", &[("cookie", visitor)]);
        assert_eq!(answer.body, expected, "{visitor}");
        assert_eq!(lifetime(&answer), "private, max-age=0", "{visitor}");
        assert_eq!((answer.header("etag"), answer.header("age")), (None, None), "{visitor}");
    }
    assert_eq!((asked_for(&world, "/page"), asked_for(&world, "/user/name")), (1, 3), "alice's is stored");
}

#[test]
fn what_others_may_keep_is_what_all_parts_allow() {
    for (template, expected) in [
        ("plain", "max-age=60"),
        ("<esi:include src=\"/short\"/>", "max-age=10"),
        ("<esi:include src=\"/short\"/><esi:include src=\"/long\"/>", "max-age=10"),
        ("<esi:include src=\"/none\"/>", "private, max-age=0"),
        ("<esi:include src=\"/silent\"/>", "private, max-age=0"),
        ("<esi:include src=\"/forced/silent\"/>", "max-age=60"),
        ("<esi:include src=\"/passed/x\"/>", "private, max-age=0"),
        ("<esi:include src=\"/user/name\"/>", "private, max-age=0"),
        // Nobody keeps a page that something is missing from.
        ("<esi:include src=\"/fails\"/>", "private, max-age=0"),
        ("<esi:include src=\"/fails\" alt=\"/short\"/>", "max-age=10"),
        ("<esi:include src=\"/breaks\"/>", "private, max-age=0"),
        // Nor one that depends on what is in no key.
        ("<esi:vars>$(HTTP_USER_AGENT)</esi:vars>", "private, max-age=0"),
        ("<esi:vars>$(QUERY_STRING{x})</esi:vars>", "max-age=60"),
    ] {
        let world = world(template);
        for moment in ["cold", "warm"] {
            let answer = world.get("/page", &[("user-agent", "x")]);
            assert_eq!(lifetime(&answer), expected, "{template} {moment}");
            for gone in ["etag", "last-modified", "expires", "cdn-cache-control", "age", "surrogate-control"] {
                assert_eq!(answer.header(gone), None, "{template} {moment}: {gone}");
            }
        }
    }
}

#[test]
fn the_lifetime_left_counts() {
    let world = world("<esi:include src=\"/short\"/>");
    world.get("/page", &[]);
    world.advance(4);
    assert_eq!(lifetime(&world.get("/page", &[])), "max-age=6");
}

#[test]
fn what_browsers_may_keep_can_be_said_by_the_route() {
    for (template, expected) in
        [("<esi:include src=\"/short\"/>", "max-age=5"), ("<esi:include src=\"/none\"/>", "private, max-age=5")]
    {
        let vars = json!({ "SITE": { "esi": true, "browser_ttl": 5 } });
        assert_eq!(lifetime(&World::new(&vars, site(template)).get("/page", &[])), expected, "{template}");
    }
}

#[test]
fn a_page_depends_on_the_languages_of_its_fragments() {
    let world = world("<esi:include src=\"/language\"/>");
    for (accepted, expected) in
        [("de-AT, de", "<i>de</i>"), ("en", "<i>en</i>"), ("de", "<i>de</i>"), ("fr", "<i>none</i>")]
    {
        let answer = world.get("/page", &[("accept-language", accepted)]);
        assert_eq!((answer.body.as_str(), answer.header("vary")), (expected, Some("accept-language")), "{accepted}");
    }
    assert_eq!(asked_for(&world, "/language"), 3);
}

#[test]
fn the_query_of_a_page_can_be_a_branch_argument() {
    let world = world("<esi:include src=\"/article?id=$(QUERY_STRING{id})\"/>");
    for (id, expected) in [("1", "[/article?id=1]"), ("2", "[/article?id=2]"), ("1", "[/article?id=1]")] {
        assert_eq!(world.get(&format!("/page?id={id}"), &[]).body, expected);
    }
    assert_eq!(asked_for(&world, "/article?id=1"), 1);
}

#[test]
fn a_page_is_never_not_modified_and_never_a_part() {
    let world = world("<esi:include src=\"/user/name\"/>");
    for moment in ["cold", "warm"] {
        for (name, value) in [("if-none-match", "\"t\""), ("if-none-match", "*"), ("range", "bytes=0-1")] {
            let answer = world.get("/page", &[(name, value), ("cookie", "sid=a")]);
            assert_eq!((answer.status, answer.body.as_str()), (200, "<i>sid=a</i>"), "{name} {moment}");
        }
    }
    assert!(
        world
            .ports
            .asked
            .borrow()
            .iter()
            .all(|asked| asked.header("if-none-match").is_none() && asked.header("range").is_none())
    );
}

#[test]
fn what_is_no_template_on_the_same_route_keeps_its_validators() {
    let origin = |_: &Asked| {
        Scripted::new(
            200,
            &[("content-type", "image/png"), ESI, ("etag", "\"i\""), ("cache-control", "max-age=60")],
            "<esi:x>",
        )
    };
    let world = World::new(&routes(), origin);
    for _ in 0..2 {
        assert_eq!(world.get("/image", &[("if-none-match", "\"i\"")]).status, 304);
    }
    assert_eq!(world.get("/image", &[("range", "bytes=0-3")]).body, "<esi");
}

#[test]
fn head_has_the_fields_of_a_page_and_fetches_no_fragment() {
    let world = world("<esi:include src=\"/short\"/>");
    for _ in 0..2 {
        let answer = world.request(Method::HEAD, "/page", &[]);
        assert_eq!((answer.status, answer.body.as_str(), lifetime(&answer)), (200, "", "private, max-age=0"));
        assert_eq!((answer.header("etag"), answer.header("content-length")), (None, None));
        assert_eq!(asked_for(&world, "/short"), 0);
        world.get("/page", &[]);
        world.ports.asked.borrow_mut().clear();
    }
}

#[test]
fn only_what_is_marked_is_a_template_unless_the_route_says_always() {
    let reflected = "<p><esi:include src=\"/secret\"/></p>";
    for (esi, fields, assembled) in [
        (json!(true), vec![HTML], false),
        (json!(true), vec![HTML, ESI], true),
        (json!(true), vec![("content-type", "Text/HTML; charset=utf-8"), ESI], true),
        (json!(true), vec![("content-type", "text/plain"), ESI], false),
        (json!(true), vec![HTML, ("surrogate-control", "content=\"ESI/1.0\";other")], false),
        (json!(true), vec![HTML, ("surrogate-control", "max-age=60, content=\"ESI/1.0 ESI-Inline/1.0\";larder")], true),
        (json!(true), vec![HTML, ESI, ("content-encoding", "zstd")], false),
        (json!("always"), vec![HTML], true),
        (json!("always"), vec![("content-type", "application/json")], false),
        (json!(false), vec![HTML, ESI], false),
    ] {
        let answers = fields.clone();
        let origin = move |asked: &Asked| match asked.url.as_str() {
            "http://origin.test/page" => {
                Scripted::new(200, &[&answers[..], &[("cache-control", "max-age=60")]].concat(), reflected)
            }
            _ => Scripted::new(200, &[("cache-control", "max-age=60")], "included"),
        };
        let world = World::new(&json!({ "SITE": { "esi": esi } }), origin);
        for _ in 0..2 {
            let answer = world.get("/page", &[]);
            let expected = if assembled { "<p>included</p>" } else { reflected };
            assert_eq!(answer.body, expected, "{esi} {fields:?}");
        }
    }
}

#[test]
fn the_origin_is_told_what_is_understood_here() {
    for (esi, expected) in
        [(false, "larder=\"Surrogate/1.0\""), (true, "larder=\"Surrogate/1.0 ESI/1.0 ESI-Inline/1.0\"")]
    {
        for cache in ["origin", "force", "pass"] {
            let world = World::new(&json!({ "SITE": { "esi": esi, "cache": cache } }), site("x"));
            world.get("/page", &[]);
            let told = world.last_asked().header("surrogate-capability").map(str::to_owned);
            let expected = (cache != "pass" || esi).then(|| expected.to_owned());
            assert_eq!(told, expected, "{cache}");
        }
    }
}

#[test]
fn a_page_that_passes_is_assembled_too() {
    let vars = json!({
        "SITE": { "esi": true, "bypass_cookie": ["session"] },
        "ROUTES": [{ "path": "/user/*", "cache": "force", "ttl": 60, "vary_cookie": ["sid"], "bypass_cookie": [] }],
    });
    let world = World::new(&vars, site("a<esi:include src=\"/user/name\"/>"));
    let answer = world
        .get("/page", &[("cookie", "session=1; sid=alice"), ("accept-encoding", "zstd"), ("if-none-match", "\"t\"")]);
    assert_eq!((answer.body.as_str(), lifetime(&answer)), ("a<i>sid=alice</i>", "private, max-age=0"));
    assert_eq!(answer.reason(), Some("bypass-cookie"));
}

#[test]
fn the_template_is_stored_and_the_page_never() {
    let world = world("T<esi:include src=\"/user/name\"/>");
    world.get("/page", &[("cookie", "sid=alice")]);
    let stores = world.ports.stores.borrow();
    let bodies: Vec<_> = stores
        .values()
        .map(|(record, _)| larder::cache::record::decode(record).expect("a record").body)
        .map(|body| String::from_utf8(body.to_vec()).expect("text"))
        .collect();
    assert!(bodies.iter().any(|body| body.starts_with("T<esi:include")), "{bodies:?}");
    assert!(!bodies.iter().any(|body| body.contains('T') && body.contains("alice")), "{bodies:?}");
}

#[test]
fn a_purge_of_a_fragment_shows_in_the_next_page() {
    let mut number = 0;
    let origin = move |asked: &Asked| {
        number += 1;
        match asked.url.ends_with("/page") {
            true => Scripted::new(200, &[HTML, ESI, ("cache-control", "max-age=60")], "<esi:include src=\"/f\"/>"),
            false => Scripted::new(200, &[("cache-control", "max-age=60"), ("cache-tag", "f")], &format!("{number}")),
        }
    };
    let world = World::with_admin(&json!({ "SITE": { "esi": true } }), origin);
    world.ports.ledger.is_there.set(true);
    assert_eq!((world.get("/page", &[]).body, world.get("/page", &[]).body), ("2".to_owned(), "2".to_owned()));
    world.admin(Method::POST, "/_larder/purge", r#"{ "tags": ["f"] }"#);
    assert_eq!(world.get("/page", &[]).body, "3");
}

#[test]
fn fields_of_a_fragment_stay_with_it() {
    let origin = |asked: &Asked| match asked.url.ends_with("/page") {
        true => Scripted::new(200, &[HTML, ESI, ("cache-control", "max-age=60")], "<esi:include src=\"/f\"/>"),
        false => Scripted::new(
            200,
            &[
                ("set-cookie", "a=1"),
                ("location", "/x"),
                ("content-type", "application/javascript"),
                ("x-fragment", "1"),
            ],
            "f",
        ),
    };
    let answer = World::new(&json!({ "SITE": { "esi": true } }), origin).get("/page", &[]);
    assert_eq!((answer.body.as_str(), answer.header("content-type")), ("f", Some("text/html")));
    for name in ["set-cookie", "location", "x-fragment"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
}
