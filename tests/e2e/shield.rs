//! Concurrent misses in two Workers over one storage: one of them asks the origin.

use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};

use crate::support::{Answer, Gate, Options, Origin, Reply, Worker, vars};

struct Two {
    origin: Origin,
    workers: Vec<Worker>,
    folder: std::path::PathBuf,
}

impl Two {
    fn start(name: &str, more: &Value) -> Self {
        let folder = std::env::temp_dir().join(format!("larder-shield-{name}-{}", std::process::id()));
        let origin = Origin::start();
        let options = || Options { persist: Some(folder.to_string_lossy().into_owned()), ..Options::default() };
        let vars = vars(&origin.url(), more);
        let workers = vec![Worker::with(&vars, &options()), Worker::with(&vars, &options())];
        Self { origin, workers, folder }
    }

    /// The same request so many times at each, all at once, once all of them are under way the origin may answer.
    fn storm(&self, path: &str, times: usize, gate: &Gate) -> Vec<Reply> {
        let clients: Vec<_> =
            (0..times).flat_map(|_| self.workers.iter().map(|worker| worker.client("site.test"))).collect();
        thread::scope(|scope| {
            let path = path.to_owned();
            let asking: Vec<_> = clients
                .into_iter()
                .map(|client| {
                    scope.spawn({
                        let path = path.clone();
                        move || client.get(&path, &[])
                    })
                })
                .collect();
            self.origin.wait_for(&path, 1);
            gate.open();
            asking.into_iter().map(|asking| asking.join().expect("it is answered")).collect()
        })
    }
}

impl Drop for Two {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn gated(
    gate: &Arc<Gate>,
    answer: fn() -> Answer,
) -> impl Fn(&crate::support::Asked) -> Answer + Send + Sync + 'static {
    let gate = gate.clone();
    move |_| Answer::Gated(gate.clone(), Box::new(answer()))
}

#[test]
fn f_47_one_request_reaches_the_origin_from_both() {
    let two = Two::start("cold", &json!({ "SITE": { "cache": "force", "ttl": "1m" } }));
    let gate = Gate::new();
    two.origin.on("/cold", gated(&gate, || Answer::ok(&[], "page")));
    let replies = two.storm("/cold", 50, &gate);
    assert!(replies.iter().all(|reply| (reply.status, reply.text().as_str()) == (200, "page")));
    assert_eq!(two.origin.asked("/cold").len(), 1);
}

#[test]
fn what_is_private_is_fetched_by_each() {
    let two = Two::start("private", &json!({ "SITE": { "collapse": "global" } }));
    let gate = Gate::new();
    two.origin.on("/private", gated(&gate, || Answer::ok(&[("Cache-Control", "private")], "own")));
    let replies = two.storm("/private", 5, &gate);
    assert!(replies.iter().all(|reply| reply.text() == "own" && !reply.is_hit()));
    assert_eq!(two.origin.asked("/private").len(), 10);
}

#[test]
fn f_41_when_the_one_that_leads_dies_another_takes_over() {
    let mut two = Two::start("dies", &json!({ "SITE": { "collapse": "global", "timeout": 2 } }));
    let gate = Gate::new();
    let script = gate.clone();
    two.origin.on("/dies", move |asked| match asked.number {
        1 => Answer::Gated(script.clone(), Box::new(Answer::Reset)),
        _ => Answer::ok(&[("Cache-Control", "max-age=60")], "page"),
    });
    let abandoned = two.workers[0].client("site.test").open(b"GET /dies HTTP/1.1\r\nHost: site.test\r\n\r\n");
    two.origin.wait_for("/dies", 1);
    // Its runtime is killed in the middle of the request.
    drop(two.workers.remove(0));
    drop(abandoned);
    let reply = two.workers[0].client("site.test").get("/dies", &[]);
    assert_eq!((reply.status, reply.text().as_str()), (200, "page"));
    gate.open();
}

#[test]
fn without_the_objects_each_goes_on_alone() {
    let origin = Origin::start();
    let options = Options { shield: false, ..Options::default() };
    let worker = Worker::with(&vars(&origin.url(), &json!({ "SITE": { "cache": "force", "ttl": "1m" } })), &options);
    assert_eq!(worker.client("site.test").get("/alone", &[]).status, 200);
    assert!(worker.client("site.test").get("/alone", &[]).is_hit());
}

#[test]
fn writes_to_kv_end_with_the_budget() {
    let more = json!({ "BUDGET": { "kv_writes_per_day": 3 }, "CACHES": { "default": { "tiers": ["kv"] } } });
    let two = Two::start("budget", &more);
    let get = |number: usize| {
        let path = format!("/page-{number}");
        two.origin.on(&path, |_| Answer::ok(&[("Cache-Control", "max-age=6000")], "page"));
        two.workers[number % 2].client("site.test").get(&path, &[]).is_hit()
    };
    let hits = || (0..6).filter(|number| get(*number)).count();
    let counted: Vec<_> = (0..10).map(|_| hits()).collect();
    assert_eq!((counted[0], counted[9]), (0, 3), "{counted:?}");
}
