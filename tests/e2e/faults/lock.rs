//! The Durable Object that decides who fetches is down, slow, or of another version: a page needs none of it.

use std::sync::Arc;

use serde_json::json;

use super::shelf::Shelf;
use super::{FRESH, at_once};
use crate::support::{Answer, Asked, Client, Gate, Options, Origin, Worker, vars};

/// Before an object that does what a test tells it.
struct Locked {
    origin: Origin,
    object: Shelf,
    worker: Worker,
}

impl Locked {
    fn start() -> Self {
        let (origin, object) = (Origin::start(), Shelf::start());
        let options = Options {
            stand_ins: json!({ "SHIELD": "ScriptedObject" }),
            control: Some(object.asked.url()),
            ..Options::default()
        };
        let worker =
            Worker::with(&vars(&origin.url(), &json!({ "SITE": { "collapse": "global", "timeout": 5 } })), &options);
        Self { origin, object, worker }
    }

    fn client(&self) -> Client {
        self.worker.client("site.test")
    }

    /// It works once: what it did before is not held against it.
    fn recovers(&self, name: &str) {
        self.object.when(|_, _| Some(word("lead 1")));
        assert_eq!(self.client().get(&format!("/{name}/recovers"), &[]).status, 200, "{name}");
    }

    /// Pages come, and a crowd is still one request: that much one isolate can tell by itself.
    fn is_not_noticed(&self, name: &str) {
        let alone = self.client().get(&format!("/{name}/alone"), &[]);
        assert_eq!((alone.status, alone.complete), (200, true), "{name}");
        assert!(self.client().get(&format!("/{name}/alone"), &[]).is_hit(), "{name}");
        let (path, gate) = (format!("/{name}/crowd"), Gate::new());
        let script = gate.clone();
        self.origin.on(&path, move |asked: &Asked| {
            Answer::Gated(script.clone(), Box::new(Answer::ok(&[FRESH], asked.marker())))
        });
        let replies = at_once(self.client(), &path, 10, || {
            self.origin.wait_for(&path, 1);
            gate.open();
        });
        assert!(replies.iter().all(|reply| reply.status == 200), "{name}");
        assert_eq!(self.origin.asked(&path).len(), 1, "{name}");
    }
}

fn word(word: &'static str) -> Answer {
    Answer::ok(&[("larder-word", word)], "")
}

#[test]
fn f_43_an_object_that_throws_is_asked_once_more_and_then_left_alone() {
    for (name, fault) in
        [("throws", (|| Answer::new(500, &[], "the object is down")) as fn() -> Answer), ("breaks", || Answer::Reset)]
    {
        let site = Locked::start();
        site.object.when(move |_, _| Some(fault()));
        site.client().get("/first", &[]);
        let leads = site.object.asked.asked("/1/lead/").len();
        assert!((1..=2).contains(&leads), "{name}: {leads}");
        site.is_not_noticed(name);
        for number in 0..10 {
            assert_eq!(site.client().get(&format!("/more-{number}"), &[]).status, 200, "{name}");
        }
        let leads = site.object.asked.asked("/1/lead/").len();
        assert!(leads <= 12, "{name}: after five failures nobody asks for a while: {leads}");
    }
}

#[test]
fn f_44_an_object_that_does_not_answer_is_not_waited_for() {
    let site = Locked::start();
    let never = Gate::new();
    let script: Arc<Gate> = never.clone();
    site.object.when(move |_, _| Some(Answer::Gated(script.clone(), Box::new(word("lead 1")))));
    // All of this while it still has not said a word.
    site.is_not_noticed("hangs");
    never.open();
}

#[test]
fn f_46_an_object_of_another_version_is_no_object() {
    let site = Locked::start();
    for (name, answer) in [
        ("older", (|| Answer::new(400, &[("larder-word", "not-understood")], "")) as fn() -> Answer),
        ("newer", || word("lead-with-terms 7 later")),
        ("empty", || word("")),
        ("silent", || Answer::ok(&[], "lead 1")),
        ("no-number", || word("lead soon")),
    ] {
        site.object.when(move |_, _| Some(answer()));
        site.is_not_noticed(name);
        site.recovers(name);
    }
    // It can be understood when it says who leads, and not any more when it says what that one brought.
    site.object
        .when(|asked, _| Some(if asked.target.contains("/lead/") { word("wait 1") } else { word("stored-elsewhere") }));
    site.is_not_noticed("newer-word");
}
