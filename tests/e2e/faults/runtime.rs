//! What runs the Worker ends in the middle of something, or runs it with other settings than yesterday; and the Worker itself dies.

use std::path::Path;
use std::thread;

use serde_json::json;

use super::shelf::{Shelf, Shelved};
use super::{ADMIN, FRESH, first_waits, purge};
use crate::support::{Answer, Asked, Client, Gate, Options, Origin, Worker, until, vars};

const LONG: (&str, &str) = ("Cache-Control", "max-age=6000");

#[test]
fn f_51_what_was_being_written_when_all_ended_is_whole_or_not_there() {
    let folder = std::env::temp_dir().join(format!("larder-cut-{}", std::process::id()));
    let origin = Origin::start();
    let (held, never) =
        ("HTTP/1.1 200 OK\r\nCache-Control: max-age=6000\r\nContent-Length: 10\r\n\r\nfirst", Gate::new());
    let script = never.clone();
    origin.on("/held", move |_| Answer::Held(held.into(), script.clone(), Vec::new()));
    origin.on("*", |asked: &Asked| Answer::ok(&[LONG], asked.target.repeat(20_000)));
    let start = || {
        let options = Options { persist: Some(folder.to_string_lossy().into_owned()), ..Options::default() };
        Worker::with(&vars(&origin.url(), &json!({ "CACHES": { "default": { "tiers": ["kv"] } } })), &options)
    };
    let worker = start();
    let held = worker.client("site.test").open(b"GET /held HTTP/1.1\r\nHost: site.test\r\n\r\n");
    origin.wait_for("/held", 1);
    for number in 0..20 {
        assert_eq!(worker.client("site.test").get(&format!("/page-{number}"), &[]).status, 200);
    }
    // Some of it is written, some is not, and one is still being read.
    drop(worker);
    drop(held);
    let worker = start();
    let client = worker.client("site.test");
    let stored = |path: &str| client.get(path, &[("Cache-Control", "only-if-cached")]);
    assert_eq!(stored("/held").status, 504, "it was never whole");
    for path in (0..20).map(|number| format!("/page-{number}")) {
        let reply = stored(&path);
        assert!(reply.status == 504 || reply.text() == path.repeat(20_000), "{path}: {}", reply.body.len());
        assert_eq!(client.get(&path, &[]).text(), path.repeat(20_000));
    }
    never.open();
    drop(worker);
    std::fs::remove_dir_all(&folder).expect("it is removed");
}

#[test]
fn f_59_what_was_stored_under_a_laxer_policy_is_not_used_under_a_stricter_one() {
    let (origin, shelf) = (Origin::start(), Shelf::start());
    origin.on("/page", |asked: &Asked| Answer::ok(&[LONG], asked.marker()));
    let lax =
        Shelved::before(&origin, &shelf, &json!({ "SITE": { "cache": "force", "ttl": "1h", "collapse": "off" } }));
    let public = lax.client("site.test").get("/page", &[("Cookie", "sid=alice")]).text();
    shelf.wait_for(1);
    let stored = shelf.values();
    for (name, site) in [
        ("passed", json!({ "cache": "pass" })),
        ("one for each user", json!({ "cache": "force", "ttl": "1h", "vary_cookie": ["sid"], "collapse": "off" })),
        (
            "one for each class",
            json!({ "cache": "force", "ttl": "1h", "cookie_class": { "sid": "present" }, "collapse": "off" }),
        ),
        ("passed for users", json!({ "cache": "force", "ttl": "1h", "bypass_cookie": ["sid"], "collapse": "off" })),
    ] {
        shelf.set(stored.clone());
        let strict = Shelved::before(&origin, &shelf, &json!({ "SITE": site }));
        let reply = strict.client("site.test").get("/page", &[("Cookie", "sid=bob")]);
        assert!(reply.status == 200 && !reply.is_hit() && reply.text() != public, "{name}: {}", reply.cache_status());
    }
}

/// A Worker that a request can kill, and a page that it has stored.
struct Mortal {
    origin: Origin,
    worker: Worker,
}

impl Mortal {
    fn start() -> Self {
        let origin = Origin::start();
        let more = json!({ "HOSTS": ["site.test"], "SITE": { "jitter": "0", "collapse": "global", "timeout": 5 } });
        let options = Options { build: "target/trial", ..Options::default() };
        let worker = Worker::with(&vars(&origin.url(), &more), &options);
        let mortal = Self { origin, worker };
        until(|| mortal.client().get("/stored", &[]).is_hit().then_some(()));
        mortal
    }

    fn client(&self) -> Client {
        self.worker.client("site.test")
    }

    /// What was stored is served, what is new is fetched once, and nothing is locked.
    fn goes_on(&self, what: &str) {
        let asked = self.origin.asked("/stored").len();
        assert!(self.client().get("/stored", &[]).is_hit(), "{what}: what was stored is still of use");
        assert_eq!(self.origin.asked("/stored").len(), asked, "{what}");
        let path = format!("/after-{}", what.replace(' ', "-"));
        assert_eq!(self.client().get(&path, &[]).status, 200, "{what}");
        assert!(self.client().get(&path, &[]).is_hit(), "{what}");
    }
}

#[test]
fn f_52_a_request_the_worker_dies_of_reaches_the_origin_and_so_do_those_beside_it() {
    let mortal = Mortal::start();
    let client = mortal.client();
    for how in ["panic", "stack", "memory"] {
        let (gate, beside) = (Gate::new(), format!("/beside-{how}"));
        first_waits(&mortal.origin, &beside, &gate, |asked| Answer::ok(&[FRESH], asked.marker()));
        let waiting = thread::spawn({
            let beside = beside.clone();
            move || client.get(&beside, &[])
        });
        mortal.origin.wait_for(&beside, 1);
        let path = format!("/trial/{how}?at-first");
        let reply = client.get(&path, &[("Cookie", "sid=alice")]);
        assert_eq!((reply.status, reply.detail().as_deref()), (200, Some("worker-failed")), "{how}");
        assert!(reply.text().starts_with(&format!("p={path} who=alice")), "{how}: {}", reply.text());
        assert_eq!(mortal.origin.asked(&path).len(), 1, "{how}");
        let beside = waiting.join().expect("it is answered");
        gate.open();
        assert_eq!(
            (beside.status, beside.detail().as_deref()),
            (200, Some("worker-failed")),
            "{how}: the one beside it"
        );
        // What was passed on is stored for nobody.
        let other = client.get(&path, &[("Cookie", "sid=bob")]);
        assert!(!other.contains("alice"), "{how}: {}", other.text());
        mortal.goes_on(how);
    }
}

#[test]
fn f_52_a_page_whose_fetch_died_with_the_worker_is_not_locked() {
    let mortal = Mortal::start();
    let client = mortal.client();
    for when in ["answered", "later"] {
        let path = format!("/trial/panic?{when}");
        let reply = client.get(&path, &[]);
        assert_eq!(reply.status, 200, "{when}");
        // The lease that the dead one had ends by itself, and nobody waits for longer than that.
        let next = client.get(&format!("{path}-again"), &[]);
        assert_eq!(next.status, 200, "{when}");
        mortal.goes_on(when);
    }
    // So does one that leads for the same key.
    let gate = Gate::new();
    first_waits(&mortal.origin, "/led", &gate, |asked| Answer::ok(&[FRESH], asked.marker()));
    let waiting = thread::spawn(move || client.get("/led", &[]));
    mortal.origin.wait_for("/led", 1);
    client.get("/trial/panic?at-first", &[]);
    assert_eq!(waiting.join().expect("it is answered").status, 200);
    let next = until(|| Some(client.get("/led", &[])).filter(|reply| reply.status == 200));
    assert_eq!(next.status, 200);
    gate.open();
}

#[test]
fn f_52_what_may_have_been_done_is_not_done_twice() {
    let mortal = Mortal::start();
    let client = mortal.client();
    // The body was not touched: nobody has seen it.
    let first = client.request("POST", "/trial/panic?at-first", &[], "name=x");
    assert_eq!((first.status, first.detail().as_deref()), (200, Some("worker-failed")));
    let asked = mortal.origin.asked("/trial/panic?at-first");
    assert_eq!((asked.len(), asked[0].body.as_slice()), (1, &b"name=x"[..]));
    // It was sent on: the origin may have done what it says.
    let sent = client.request("POST", "/trial/panic?answered", &[], "name=x");
    assert_eq!((sent.status, sent.text().as_str()), (500, "This request failed here.\n"));
    assert_eq!(mortal.origin.asked("/trial/panic?answered").len(), 1);
    // Nobody can tell.
    let empty = client.request("POST", "/trial/stack?at-first", &[], "");
    assert_eq!((empty.status, mortal.origin.asked("/trial/stack").len()), (500, 0));
    mortal.goes_on("posts");
    // A second death is the end of it.
    let twice = client.get("/trial/panic?at-first&always", &[]);
    assert_eq!((twice.status, twice.header("cache-control").as_deref()), (500, Some("no-store")));
    mortal.goes_on("two deaths");
    // What is ours goes to no origin, and a host that is not served to none either.
    for (at, path, status) in
        [("site.test", "/_larder/trial/panic?at-first", 500), ("evil.test", "/trial/panic?at-first", 421)]
    {
        let reply = client.at(at).get(path, &[ADMIN]);
        assert_eq!(reply.status, status, "{at}{path}: {}", reply.text());
    }
    assert!(mortal.origin.asked("/_larder").is_empty());
    assert!(mortal.origin.asked("/").iter().all(|asked| asked.header("authorization").is_none()));
}

#[test]
fn f_52_objects_go_on_after_a_death() {
    let mortal = Mortal::start();
    let client = mortal.client();
    let value = "/_larder/cache/default/keys/kept";
    assert_eq!(client.request("PUT", value, &[ADMIN], "1").status, 204);
    client.get("/trial/panic?at-first", &[]);
    assert_eq!(client.get(value, &[ADMIN]).text(), "1");
    client.get("/trial/memory?at-first", &[]);
    assert_eq!(client.request("POST", &format!("{value}/incr"), &[ADMIN], "").text(), "2");
    let old = client.get("/stored", &[]).text();
    client.get("/trial/stack?at-first", &[]);
    let receipt = purge(&client, &json!({ "urls": ["http://site.test/stored"] }));
    assert_eq!(receipt.status, 200, "{}", receipt.text());
    client.get("/trial/panic?at-first", &[]);
    assert_ne!(client.get("/stored", &[]).text(), old, "nobody forgets what was purged");
}

#[test]
fn f_52_what_is_deployed_cannot_be_killed_by_a_path() {
    let read = |folder: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        [std::fs::read(folder.join("index.js")), std::fs::read(folder.join("index_bg.wasm"))]
            .map(|file| file.expect("it is built"))
            .concat()
    };
    let holds = |bundle: &[u8], word: &str| memchr::memmem::find(bundle, word.as_bytes()).is_some();
    let (deployed, trial) = (read("build"), read("target/trial"));
    for word in ["/trial/", "at-first", "on purpose"] {
        assert!(holds(&trial, word) && !holds(&deployed, word), "{word}");
    }
}
