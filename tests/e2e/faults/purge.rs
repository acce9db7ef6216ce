//! Purges that meet what is under way, and purges that meet something that is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde_json::{Value, json};

use super::shelf::Shelf;
use super::{ADMIN, first_waits, json_of, purge};
use crate::support::{Answer, Asked, Gate, Options, Origin, Passage, Redis, Relay, Webdis, Worker, until, vars};

const LONG: (&str, &str) = ("Cache-Control", "max-age=6000");

struct Site {
    origin: Origin,
    worker: Worker,
}

impl Site {
    fn start(site: &Value) -> Self {
        let origin = Origin::start();
        let worker = Worker::start(&vars(&origin.url(), &json!({ "SITE": site })));
        Self { origin, worker }
    }

    fn purge(&self, path: &str) {
        let receipt = purge(&self.worker.client("site.test"), &json!({ "urls": [format!("http://site.test{path}")] }));
        assert_eq!(receipt.status, 200, "{}", receipt.text());
    }
}

#[test]
fn f_63_what_was_asked_for_before_a_purge_is_for_its_own_client_alone() {
    let routes = json!([
        { "path": "/off/*", "collapse": "off", "strict_purge": true },
        { "path": "/isolate/*", "collapse": "isolate" },
        { "path": "/global/*", "collapse": "global" },
    ]);
    let origin = Origin::start();
    let worker = Worker::start(&vars(&origin.url(), &json!({ "SITE": { "jitter": "0" }, "ROUTES": routes })));
    let site = Site { origin, worker };
    let client = site.worker.client("site.test");
    for path in ["/off/page", "/isolate/page", "/global/page"] {
        let gate = Gate::new();
        first_waits(&site.origin, path, &gate, |asked| Answer::ok(&[LONG], asked.marker()));
        let asking = std::thread::spawn(move || client.get(path, &[]));
        site.origin.wait_for(path, 1);
        site.purge(path);
        gate.open();
        let old = asking.join().expect("it is answered");
        assert_eq!(old.status, 200, "{path}");
        let next = client.get(path, &[]);
        assert!(next.text() != old.text() && !next.is_hit(), "{path}: {}", next.cache_status());
        assert_eq!(client.get(path, &[]).text(), next.text(), "{path}: nor does it come back");
    }
}

#[test]
fn f_64_a_validation_that_a_purge_overtook_validates_nothing() {
    let site = Site::start(&json!({ "jitter": "0" }));
    let gate = Gate::new();
    let (script, log) = (gate.clone(), site.origin.clone());
    site.origin.on("/page", move |asked: &Asked| {
        let tag = ("ETag", "\"v1\"");
        match (log.asked("/page").len(), asked.header("if-none-match").is_some()) {
            (1, _) => Answer::ok(&[LONG, ("Age", "6000"), tag], "old"),
            (2, true) => Answer::Gated(script.clone(), Box::new(Answer::new(304, &[LONG, tag], ""))),
            (_, true) => Answer::new(304, &[LONG, tag], ""),
            (_, false) => Answer::ok(&[LONG, ("ETag", "\"v2\"")], "new"),
        }
    });
    let client = site.worker.client("site.test");
    assert_eq!(client.get("/page", &[]).text(), "old");
    let asking = std::thread::spawn(move || client.get("/page", &[]));
    site.origin.wait_for("/page", 2);
    site.purge("/page");
    gate.open();
    let reply = asking.join().expect("it is answered");
    assert_eq!(reply.text(), "new", "what was purged is fetched whole: {}", reply.cache_status());
    assert_eq!(client.get("/page", &[]).text(), "new");
}

#[test]
fn a_refresh_that_a_purge_overtook_stores_nothing() {
    let site = Site::start(&json!({ "jitter": "0" }));
    let client = site.worker.client("site.test");
    // Stale when it comes, and again each time that it is refreshed.
    let stale = [("Cache-Control", "max-age=60, stale-while-revalidate=600"), ("Age", "60")];
    site.origin.on("/page", move |_| Answer::ok(&stale, "stale"));
    until(|| (client.get("/page", &[]).detail().as_deref() == Some("stale-while-revalidate")).then_some(()));
    let (gate, asked) = (Gate::new(), Arc::new(AtomicUsize::new(0)));
    let (script, count) = (gate.clone(), asked.clone());
    site.origin.on("/page", move |_| match count.fetch_add(1, Relaxed) {
        0 => Answer::Gated(script.clone(), Box::new(Answer::ok(&[LONG], "of the refresh"))),
        _ => Answer::ok(&[LONG], "new"),
    });
    until(|| {
        assert_eq!(client.get("/page", &[]).text(), "stale");
        (asked.load(Relaxed) == 1).then_some(())
    });
    site.purge("/page");
    let asking = std::thread::spawn(move || client.get("/page", &[]));
    gate.open();
    assert_eq!(asking.join().expect("it is answered").text(), "new", "whoever waited for it does not get it");
    for _ in 0..50 {
        assert_eq!(client.get("/page", &[]).text(), "new", "nor does it come back");
    }
}

#[test]
fn an_assembly_that_a_purge_overtook_leaves_nothing_behind() {
    for purged in ["/page", "/part"] {
        let site = Site::start(&json!({ "jitter": "0", "esi": true }));
        let html = [LONG, ("Content-Type", "text/html"), ("Surrogate-Control", "content=\"ESI/1.0\"")];
        site.origin.on("/page", move |asked: &Asked| {
            Answer::ok(&html, format!("{} <esi:include src=\"/part\"/>", asked.marker()))
        });
        let gate = Gate::new();
        first_waits(&site.origin, "/part", &gate, |asked| Answer::ok(&[LONG], asked.marker()));
        let client = site.worker.client("site.test");
        let asking = std::thread::spawn(move || client.get("/page", &[]));
        site.origin.wait_for("/part", 1);
        site.purge(purged);
        gate.open();
        let old = asking.join().expect("it is answered").text();
        let next = client.get("/page", &[]).text();
        assert_eq!(site.origin.asked(purged).len(), 2, "{purged}");
        assert_ne!(next, old, "{purged}");
        assert_eq!(client.get("/page", &[]).text(), next, "{purged}: nor does it come back");
    }
}

#[test]
fn f_66_a_purge_that_is_not_recorded_is_not_acknowledged() {
    let (origin, shelf) = (Origin::start(), Shelf::start());
    let options = Options {
        stand_ins: json!({ "LEDGER": "ScriptedObject" }),
        control: Some(shelf.asked.url()),
        ..Options::default()
    };
    let worker = Worker::with(&vars(&origin.url(), &json!({})), &options);
    let client = worker.client("site.test");
    let all = json!({ "everything": true });
    for (name, answer) in [
        ("throws", (|| Answer::new(500, &[], "the object is down")) as fn() -> Answer),
        ("is cut off", || Answer::Reset),
        ("says something else", || Answer::ok(&[("larder-word", "index")], "what?")),
        ("says nothing", || Answer::ok(&[], "")),
    ] {
        shelf.when(move |_, _| Some(answer()));
        let receipt = purge(&client, &all);
        assert_eq!(receipt.status, 503, "{name}: {}", receipt.text());
        assert!(json_of(&receipt)["title"].as_str().is_some_and(|title| !title.contains("127.0.0.1")), "{name}");
        let page = client.get("/page", &[]);
        assert_eq!(page.status, 200, "{name}: a page needs no ledger");
    }
}

#[test]
fn f_66_what_is_down_beside_the_ledger_is_on_the_receipt() {
    let origin = Origin::start();
    let redis = Redis::start();
    let webdis = Webdis::start(&redis);
    let relay = Relay::before(webdis.address());
    let more = json!({
        "REDIS": { "protocol": "webdis", "url": format!("http://{}", relay.address) },
        "CACHES": { "default": { "tiers": ["memory", "redis"] } },
    });
    let mut options = Options::default();
    options.secrets["REDIS_TOKEN"] = Webdis::TOKEN.into();
    let worker = Worker::with(&vars(&origin.url(), &more), &options);
    let client = worker.client("site.test");
    origin.on("/page", |asked: &Asked| Answer::ok(&[LONG], asked.marker()));
    let old = client.get("/page", &[]).text();
    relay.set(Passage::Refused);
    let receipt = purge(&client, &json!({ "urls": ["http://site.test/page"] }));
    assert_eq!(
        (receipt.status, json_of(&receipt)["channels"]["redis"]["status"].as_str()),
        (200, Some("failed")),
        "{}",
        receipt.text()
    );
    relay.set(Passage::Open);
    // Redis has it still.
    assert_ne!(client.get("/page", &[]).text(), old);
    assert_eq!(client.get("/_larder/health", &[ADMIN]).status, 200);
}
