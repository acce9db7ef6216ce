//! A backend that is slow, down, or not there at all costs nobody a page.

use serde_json::json;

use super::backends::{ALL, Backend, Site};
use crate::support::{Options, Origin, Passage, Worker, until, vars};

/// Pages come whole while the backend is faulty, until the breaker leaves it alone.
fn bears(site: &Site, backend: Backend, how: &str) {
    let first = site.get(&format!("/{how}-0"));
    assert_eq!((first.status, first.detail().as_deref()), (200, Some("store-failed")), "{how} {backend:?}");
    for number in 1..12 {
        let reply = site.get(&format!("/{how}-{number}"));
        assert_eq!((reply.status, reply.complete), (200, true), "{how} {backend:?}");
    }
    assert_eq!(site.health(backend.name())["breaker"], "open", "{how} {backend:?}");
}

#[test]
fn a_server_that_stalls_or_refuses_is_left_alone_until_it_answers_again() {
    for backend in ALL {
        let site = Site::start(backend, &json!({}));
        let Some(relay) = &site.relay else { continue };
        for passage in [Passage::Stalled, Passage::Refused] {
            relay.set(passage);
            bears(&site, backend, &format!("{passage:?}"));
            relay.set(Passage::Open);
            until(|| site.get("/recovers").is_hit().then_some(()));
            assert_eq!(site.health(backend.name())["breaker"], "closed", "{passage:?} {backend:?}");
            site.client().request("POST", "/recovers", &[], "x");
        }
    }
}

#[test]
fn a_binding_that_stalls_or_throws_is_left_alone() {
    for backend in ALL {
        let Some(binding) = backend.binding() else { continue };
        for fault in ["Slow", "Down"] {
            let site = Site::start(backend, &json!({ binding: fault }));
            bears(&site, backend, fault);
        }
    }
}

#[test]
fn a_tier_without_its_binding_is_left_out_and_health_says_so() {
    let origin = Origin::start();
    let tiers = json!({ "CACHES": { "default": { "tiers": ["kv", "d1", "r2", "colo", "dummy"] } } });
    let worker = Worker::with(&vars(&origin.url(), &tiers), &Options { kv: false, ..Options::default() });
    let client = worker.client("site.test");
    until(|| client.get("/page", &[]).is_hit().then_some(()));
    let health = client.get("/_larder/health", &[("Authorization", "Bearer admin-token")]).text();
    for (name, status) in [("kv", "absent"), ("d1", "absent"), ("r2", "absent"), ("colo", "ok"), ("dummy", "ok")] {
        assert!(health.contains(&format!(r#"{{"name":"{name}","status":"{status}","breaker":"closed"}}"#)), "{health}");
    }
}

#[test]
fn a_dummy_stores_nothing() {
    let origin = Origin::start();
    let worker = Worker::start(&vars(&origin.url(), &json!({ "CACHES": { "default": { "tiers": ["dummy"] } } })));
    let client = worker.client("site.test");
    for asked in 1..=3 {
        let reply = client.get("/page", &[]);
        assert_eq!((reply.status, reply.is_hit(), reply.detail()), (200, false, None));
        assert_eq!(origin.asked("/page").len(), asked);
    }
}
