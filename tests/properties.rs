//! What holds for every input, whatever it is.

#[path = "support/mod.rs"]
mod support;

use std::collections::HashSet;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use larder::cache::age::{corrected_initial_age, current_age};
use larder::cache::reuse::{Question, Reuse, decide};
use larder::cache::serve::serve;
use larder::cache::storability::{Admission, Asked, storability};
use larder::cache::{BodyFacts, Entry, Fetched, Head, NEVER_DOWNSTREAM, Selecting, Stamp, Terms, record};
use larder::digest::sha256;
use larder::fields::{RequestDirectives, Seconds, Timestamp};
use larder::forward::{IdentityKeys, Lookup, plan};
use larder::key::KeyParts;
use larder::message::{RequestHead, ResponseHead, Wanted};
use larder::name::Name;
use larder::policy::{Config, Policy, Selected};
use larder::reason::Reason;
use larder::url::{CanonicalUrl, Scheme};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, RngAlgorithm, TestRng, TestRunner};
use std::rc::Rc;

use support::{NOW, test};

/// Runs a property over its cases, the same ones on both targets and at each run.
fn check<S: Strategy>(cases: u32, strategy: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    runner.run(&strategy, property).unwrap_or_else(|failure| panic!("{failure}"));
}

fn policy() -> Rc<Policy> {
    let vars = serde_json::json!({ "ORIGIN": "https://origin.test", "SITE": { "jitter": "0", "stale_if_error": 60, "heuristic": true } });
    Config::read(vars.as_object().expect("a table")).expect("no mistakes").table.site.clone()
}

fn lookup(policy: &Rc<Policy>, fields: HeaderMap) -> Lookup {
    let url = CanonicalUrl::parse("https://site.test/page", None).expect("a URL");
    let request = Rc::new(RequestHead { method: Method::GET, url, headers: fields, upgrade: false });
    plan(&request, Selected { policy, lists_method: true }, false, "", &IdentityKeys::default())
        .expect("it is looked up")
}

fn fields(lines: &[(&'static str, String)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_str(value).expect("a field value"));
    }
    headers
}

/// How a directive may be written, and how its name looks.
fn directive() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "max-age",
        "s-maxage",
        "no-store",
        "no-cache",
        "private",
        "public",
        "must-revalidate",
        "proxy-revalidate",
        "must-understand",
        "no-transform",
        "immutable",
        "stale-while-revalidate",
        "stale-if-error",
        "unheard-of",
    ]);
    let arguments = prop::sample::select(vec![
        "",
        "",
        "=0",
        "=60",
        "=\"60\"",
        "=99999999999",
        "=soon",
        "=-1",
        "=\"a, b\"",
        "=",
        "=6 0",
        "=1.5",
    ]);
    (names, arguments).prop_map(|(name, argument)| format!("{name}{argument}"))
}

fn directives() -> impl Strategy<Value = Vec<String>> {
    vec(directive(), 0..6)
}

/// The whole decision about a response with these lines of `Cache-Control`: whether it is stored, and what is done with it later.
fn decision(lines: &[String], asked: HeaderMap, after: u64) -> Result<Reuse, Reason> {
    let policy = policy();
    let lookup = lookup(&policy, asked);
    let mut all: Vec<(&'static str, String)> = lines.iter().map(|line| ("cache-control", line.clone())).collect();
    all.extend([
        ("etag", "\"v\"".to_owned()),
        ("date", NOW.to_http_date()),
        ("last-modified", "Sat, 05 Nov 1994 08:49:37 GMT".to_owned()),
    ]);
    let response = ResponseHead { status: StatusCode::OK, headers: fields(&all) };
    let fetched = Fetched { requested: NOW, received: NOW };
    let admission = storability(&response, Asked { lookup: &lookup, no_store: false, policy: &policy, fetched })?;
    let head = stored(&policy, &lookup, admission);
    let now = Timestamp::from_millis(NOW.as_millis() + after * 1000);
    Ok(decide(
        &head,
        &policy,
        &Question {
            wanted: Wanted { method: &Method::GET, headers: &HeaderMap::new() },
            directives: RequestDirectives::default(),
            authorized: lookup.sends_authorization(),
            purged: None,
            now,
        },
    ))
}

fn stored(policy: &Rc<Policy>, lookup: &Lookup, admission: Admission) -> Head {
    let Admission { terms, initial_age, headers, selecting, names } = admission;
    Head {
        key: lookup.key,
        status: StatusCode::OK,
        headers,
        fetched: Fetched { requested: NOW, received: NOW },
        initial_age,
        terms,
        draw: 0.0,
        selecting,
        generation: 0,
        stamp: Stamp::default(),
        fingerprint: policy.fingerprint,
        names,
        body: BodyFacts::default(),
    }
}

/// How freely a decision lets a response be used: the higher, the more.
fn freedom(decision: &Result<Reuse, Reason>) -> u8 {
    match decision {
        Err(_) | Ok(Reuse::Refuse(_)) => 0,
        Ok(Reuse::Validate { if_error: false, .. } | Reuse::Complete { .. }) => 1,
        Ok(Reuse::Validate { if_error: true, .. }) => 2,
        Ok(Reuse::Stale { .. }) => 3,
        Ok(Reuse::Fresh { .. }) => 4,
    }
}

#[test]
fn changing_the_case_of_a_directive_changes_no_decision() {
    check(2000, (directives(), any::<u64>(), 0..200u64), |(directives, flips, after)| {
        let line = directives.join(", ");
        let flip = |(at, c): (usize, char)| if flips >> (at % 64) & 1 == 1 { c.to_ascii_uppercase() } else { c };
        // Not the values: a quoted list of field names has none that matters, and digits have no case.
        let flipped: String = line.chars().enumerate().map(flip).collect();
        prop_assert_eq!(decision(&[line], HeaderMap::new(), after), decision(&[flipped], HeaderMap::new(), after));
        Ok(())
    });
}

#[test]
fn splitting_or_joining_lines_changes_no_decision() {
    check(2000, (directives(), 0..200u64), |(directives, after)| {
        let joined = vec![directives.join(", ")];
        prop_assert_eq!(decision(&directives, HeaderMap::new(), after), decision(&joined, HeaderMap::new(), after));
        Ok(())
    });
}

#[test]
fn adding_no_store_never_makes_a_response_storable_or_reusable() {
    check(2000, (directives(), 0..6usize, 0..200u64), |(mut directives, at, after)| {
        let before = decision(&directives, HeaderMap::new(), after);
        directives.insert(at.min(directives.len()), "no-store".to_owned());
        prop_assert!(freedom(&decision(&directives, HeaderMap::new(), after)) <= freedom(&before));
        Ok(())
    });
}

#[test]
fn an_unreadable_directive_never_makes_it_more_cacheable() {
    let unreadable = prop::sample::select(vec![
        "max-age=soon",
        "max-age",
        "s-maxage=x",
        "s-maxage=",
        "private=\"",
        "no-store=\"",
        "no-cache=;",
        "public=\"x\"",
        "must-understand=1",
        "stale-if-error=much",
        "stale-while-revalidate=-5",
        "@",
        "=60",
        "\"max-age=60\"",
        "max-age=60;",
        "\"",
        "must-revalidate=\"",
    ]);
    check(3000, (directives(), unreadable, 0..6usize, 0..200u64), |(mut directives, unreadable, at, after)| {
        let before = decision(&directives, HeaderMap::new(), after);
        directives.insert(at.min(directives.len()), unreadable.to_owned());
        let found = decision(&directives, HeaderMap::new(), after);
        prop_assert!(freedom(&found) <= freedom(&before), "{directives:?}: {before:?} became {found:?}");
        Ok(())
    });
}

#[test]
fn age_never_falls_as_time_passes_nor_below_the_received_age() {
    let ages = prop_oneof![any::<u32>().prop_map(|age| age.to_string()), Just("99999999999".to_owned())];
    check(2000, (ages, any::<u32>(), any::<u32>(), any::<u32>()), |(age, delay, one, two)| {
        let requested = Timestamp::from_millis(NOW.as_millis());
        let received = Timestamp::from_millis(NOW.as_millis() + u64::from(delay));
        let initial = corrected_initial_age(&fields(&[("age", age.clone())]), Fetched { requested, received });
        prop_assert!(initial >= Seconds::parse(&age).unwrap_or_default());
        let later = |millis: u32| Timestamp::from_millis(received.as_millis() + u64::from(millis));
        let (sooner, then) = (later(one.min(two)), later(one.max(two)));
        prop_assert!(current_age(initial, received, sooner) >= initial);
        prop_assert!(current_age(initial, received, then) >= current_age(initial, received, sooner));
        Ok(())
    });
}

#[test]
fn every_field_of_a_stored_response_is_served_or_on_the_exclusion_list() {
    let name = prop_oneof![
        "[a-z][a-z0-9-]{0,20}",
        prop::sample::select(vec!["link", "vary", "warning", "cache-tag", "te", "x-a"]).prop_map(str::to_owned)
    ];
    let value = "[ -~]{0,30}";
    check(2000, vec((name, value), 0..12), |lines| {
        let policy = policy();
        let lookup = lookup(&policy, HeaderMap::new());
        let mut headers = fields(&[("cache-control", "max-age=60".to_owned())]);
        for (name, value) in &lines {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a field name");
            headers.append(name, HeaderValue::from_str(value.trim()).expect("a field value"));
        }
        let response = ResponseHead { status: StatusCode::OK, headers: headers.clone() };
        let fetched = Fetched { requested: NOW, received: NOW };
        let asked = Asked { lookup: &lookup, no_store: false, policy: &policy, fetched };
        let Ok(admission) = storability(&response, asked) else { return Ok(()) };
        let head = stored(&policy, &lookup, admission);
        let served =
            serve(Wanted { method: &Method::GET, headers: &HeaderMap::new() }, &head, Seconds::ZERO, &policy).headers;
        let listed: HashSet<_> = headers
            .get_all("connection")
            .iter()
            .flat_map(|line| line.to_str().unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase()))
            .collect();
        for name in headers.keys() {
            let lines = |headers: &HeaderMap| headers.get_all(name).iter().cloned().collect::<Vec<_>>();
            let excluded = is_excluded(name.as_str()) || listed.contains(name.as_str());
            prop_assert!(excluded || lines(&served) == lines(&headers), "{name}");
        }
        Ok(())
    });
}

/// What is not served as it came: fields about one connection, between origin and cache, or computed at each use.
fn is_excluded(name: &str) -> bool {
    const HOP_BY_HOP: [&str; 10] = [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    HOP_BY_HOP.contains(&name)
        || NEVER_DOWNSTREAM.contains(&name)
        || name.starts_with("larder-")
        || ["age", "content-length"].contains(&name)
}

#[test]
fn distinct_key_parts_never_share_a_key() {
    // Parts out of few letters run into each other as often as parts can.
    let mut seen = HashSet::new();
    let mut parts_seen = HashSet::new();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let letters = ["", "a", "b", "ab", "/", "a/b", "?", "=", "|", "sid=bob", "k-", "k45", "&", "\0"];
    for _ in 0..1_000_000 {
        let mut text = || letters[draw(14) as usize].to_owned() + letters[draw(14) as usize];
        let (prefix, path, query, cookie, field) = (text(), format!("/{}", text()), text(), text(), text());
        let host = ["site.test", "a.test", "b.test"][draw(3) as usize];
        let shape = draw(16);
        let scheme = if shape & 1 == 0 { Scheme::Http } else { Scheme::Https };
        let query = (shape & 2 == 0).then_some(query);
        let mut url = CanonicalUrl::parse(&format!("{}://{host}/", scheme.as_str()), None).expect("a URL");
        url.path = path;
        url.query = query;
        let identities = if shape & 4 == 0 {
            Vec::new()
        } else {
            vec![("sid".to_owned(), (!cookie.is_empty()).then(|| sha256(cookie.as_bytes())))]
        };
        let fields =
            if shape & 8 == 0 { Vec::new() } else { vec![("accept", (!field.is_empty()).then_some(field.as_str()))] };
        let described = format!("{prefix:?} {url:?} {identities:?} {fields:?}");
        let key = KeyParts { prefix: &prefix, url: &url, identities, classes: Vec::new(), fields }.key();
        assert_eq!(seen.insert(key), parts_seen.insert(sha256(described.as_bytes())), "{described}");
    }
    assert!(seen.len() > 300_000, "{}", seen.len());
}

fn any_head() -> impl Strategy<Value = Head> {
    let seconds = || any::<u32>().prop_map(|number| Seconds::new(u64::from(number)));
    let terms = (
        [
            proptest::option::of(seconds()),
            proptest::option::of(seconds()),
            proptest::option::of(seconds()),
            proptest::option::of(seconds()),
        ],
        any::<[bool; 5]>(),
    )
        .prop_map(
            |(
                [stated, heuristic, stale_while_revalidate, stale_if_error],
                [must_revalidate, no_cache, shared, authorized, immutable],
            )| Terms {
                stated,
                heuristic,
                stale_while_revalidate,
                stale_if_error,
                must_revalidate,
                no_cache,
                shared,
                authorized,
                immutable,
            },
        );
    let line = ("[a-z][a-z0-9-]{0,12}", vec(prop_oneof![0x20..0x7fu8, 0x80..=0xffu8], 0..40));
    let selecting = ("[a-z][a-z-]{0,8}", proptest::option::of(".{0,12}"));
    // A part has to hold what it says: tests/records.rs.
    let status = (200..600u16).prop_filter("no part", |status| *status != 206);
    let times = (any::<[u8; 32]>(), status, any::<u64>(), any::<u64>(), seconds(), any::<u32>(), any::<[u64; 4]>());
    (times, terms, vec(line, 0..12), vec(selecting, 0..4), vec(any::<u64>(), 0..8)).prop_map(
        |((key, status, requested, received, initial_age, draw, numbers), terms, lines, selecting, names)| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(
                    HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                    HeaderValue::from_bytes(&value).expect("a value"),
                );
            }
            let name = |name: String| HeaderName::from_bytes(name.as_bytes()).expect("a name");
            Head {
                key: larder::key::CacheKey(key),
                status: StatusCode::from_u16(status).expect("a status"),
                headers,
                fetched: Fetched {
                    requested: Timestamp::from_millis(requested),
                    received: Timestamp::from_millis(received),
                },
                initial_age,
                terms,
                draw: f32::from((draw % 1000) as u16) / 1000.0,
                selecting: selecting.into_iter().map(|(field, value)| Selecting { name: name(field), value }).collect(),
                generation: numbers[0],
                stamp: Stamp { own: numbers[0], incarnation: numbers[1], sequence: numbers[2] },
                fingerprint: numbers[3],
                names: names.into_iter().map(Name).collect(),
                body: BodyFacts { length: 0, checksum: numbers[1], digest: (numbers[2] % 2 == 0).then_some(key) },
            }
        },
    )
}

#[test]
fn a_record_reads_back_as_it_was_written_and_nothing_makes_its_reader_panic() {
    check(
        1500,
        (any_head(), vec(any::<u8>(), 0..300), any::<prop::sample::Index>(), any::<u8>()),
        |(mut head, body, at, mask)| {
            head.body = BodyFacts { length: body.len() as u64, ..head.body };
            let entry = Entry { head, body: Bytes::from(body) };
            let bytes = record::encode(&entry).expect("it can be written down");
            let read = record::decode(&bytes).expect("it reads back");
            prop_assert_eq!(&read.head, &entry.head);
            prop_assert_eq!(&read.body, &entry.body);
            // Cut, flipped, or something else altogether: an error or the same, never a panic.
            let cut = bytes.slice(..at.index(bytes.len()));
            prop_assert!(record::decode(&cut).is_err());
            let mut flipped = bytes.to_vec();
            flipped[at.index(bytes.len())] ^= mask;
            if let Ok(read) = record::decode(&Bytes::from(flipped)) {
                prop_assert_eq!(
                    read.head,
                    entry.head,
                    "only a body may be changed unnoticed here: its checksum is checked by whoever reads it"
                );
            }
            Ok(())
        },
    );
    check(5000, vec(any::<u8>(), 0..400), |bytes| {
        prop_assert!(record::decode(&Bytes::from(bytes)).is_err());
        Ok(())
    });
}

#[test]
fn cookies_that_are_not_keyed_change_no_key() {
    let vars = serde_json::json!({ "ORIGIN": "https://origin.test", "SITE": { "cache": "force", "ttl": 60, "vary_cookie": ["sid"] } });
    let policy = Config::read(vars.as_object().expect("a table")).expect("no mistakes").table.site.clone();
    let keys = IdentityKeys::new(Some("key"), None);
    let key = |cookies: String| {
        let url = CanonicalUrl::parse("https://site.test/page", None).expect("a URL");
        let headers = if cookies.is_empty() { HeaderMap::new() } else { fields(&[("cookie", cookies)]) };
        let request = Rc::new(RequestHead { method: Method::GET, url, headers, upgrade: false });
        plan(&request, Selected { policy: &policy, lists_method: true }, false, "", &keys).map(|lookup| lookup.key)
    };
    let other =
        ("[a-rt-z_][a-z0-9_]{0,8}", "[!#-+--:<-Z^-~]{0,20}").prop_map(|(name, value)| format!("{name}={value}"));
    let sid = proptest::option::of("[!#-+--:<-Z^-~]{0,20}");
    check(2000, (sid, vec(other, 0..6), any::<prop::sample::Index>()), |(sid, mut others, at)| {
        let keyed = sid.map(|value| format!("sid={value}"));
        let alone = key(keyed.clone().unwrap_or_default());
        if let Some(keyed) = keyed {
            others.insert(at.index(others.len() + 1), keyed);
        }
        prop_assert_eq!(key(others.join("; ")), alone);
        Ok(())
    });
}

#[test]
fn emitted_dates_read_back_and_end_in_gmt() {
    check(5000, 0..253_402_300_799_999u64, |millis| {
        let date = Timestamp::from_millis(millis).to_http_date();
        prop_assert!(date.ends_with(" GMT"), "{date}");
        prop_assert_eq!(Timestamp::parse(&date, NOW).map(Timestamp::as_millis), Some(millis / 1000 * 1000));
        Ok(())
    });
}

#[test]
fn the_route_is_the_first_that_matches_however_the_table_looks_for_it() {
    let glob = "/?[ab/*]{1,5}|\\*";
    check(2000, (vec(glob, 0..12), vec("/[ab/]{0,6}", 8)), |(globs, paths)| {
        let routes: Vec<_> = globs.iter().map(|glob| serde_json::json!({ "path": glob })).collect();
        let vars = serde_json::json!({ "ORIGIN": "https://origin.test", "ROUTES": routes });
        let Ok(config) = Config::read(vars.as_object().expect("a table")) else { return Ok(()) };
        for path in paths {
            let url = CanonicalUrl::parse(&format!("https://site.test{path}"), None).expect("a URL");
            let first = config.table.routes.iter().find(|route| route.path.matches(&url.path));
            let expected = first.map_or(&config.table.site, |route| &route.policy);
            prop_assert!(Rc::ptr_eq(config.table.select(&url, &Method::GET).policy, expected), "{globs:?} {path}");
        }
        Ok(())
    });
}
