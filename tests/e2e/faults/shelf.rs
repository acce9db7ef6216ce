//! Workers KV as a test scripts it: what it holds is here, and so is what goes wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{Answer, Asked, Options, Origin, Reply, Worker, until, vars};

/// What is stored, by key.
pub type Values = BTreeMap<String, Vec<u8>>;

type Fault = Arc<dyn Fn(&Asked, &mut Values) -> Option<Answer> + Send + Sync>;

/// The store.
#[derive(Clone)]
pub struct Shelf {
    pub asked: Origin,
    values: Arc<Mutex<Values>>,
    fault: Arc<Mutex<Fault>>,
}

impl Shelf {
    pub fn start() -> Self {
        let shelf = Self {
            asked: Origin::start(),
            values: Arc::default(),
            fault: Arc::new(Mutex::new(Arc::new(|_: &Asked, _: &mut Values| None))),
        };
        let own = shelf.clone();
        shelf.asked.on("*", move |asked| own.answer(asked));
        shelf
    }

    /// From here on this is asked first. `None`: what a store would answer.
    pub fn when(&self, fault: impl Fn(&Asked, &mut Values) -> Option<Answer> + Send + Sync + 'static) {
        *self.fault.lock().expect("nobody panicked here") = Arc::new(fault);
    }

    pub fn values(&self) -> Values {
        self.values.lock().expect("nobody panicked here").clone()
    }

    /// Holds these from here on.
    pub fn set(&self, values: Values) {
        *self.values.lock().expect("nobody panicked here") = values;
    }

    /// Changes each value.
    pub fn damage(&self, how: impl Fn(&mut Vec<u8>)) {
        self.values.lock().expect("nobody panicked here").values_mut().for_each(how);
    }

    /// Waits until there are `count` values.
    pub fn wait_for(&self, count: usize) {
        until(|| (self.values().len() >= count).then_some(()));
    }

    fn answer(&self, asked: &Asked) -> Answer {
        let fault = self.fault.lock().expect("nobody panicked here").clone();
        let mut values = self.values.lock().expect("nobody panicked here");
        if let Some(answer) = fault(asked, &mut values) {
            return answer;
        }
        let key = asked.target.trim_start_matches("/kv/").to_owned();
        match asked.method.as_str() {
            "PUT" => drop(values.insert(key, asked.body.clone())),
            "DELETE" => drop(values.remove(&key)),
            _ => {
                return values
                    .get(&key)
                    .map_or_else(|| Answer::new(404, &[], ""), |value| Answer::ok(&[], value.clone()));
            }
        }
        Answer::ok(&[], "")
    }
}

/// A site that keeps its pages on a shelf, and nowhere else unless `more` says so.
pub struct Shelved {
    pub origin: Origin,
    pub shelf: Shelf,
    pub worker: Worker,
}

impl Shelved {
    pub fn start(more: &Value) -> Self {
        let (origin, shelf) = (Origin::start(), Shelf::start());
        let worker = Self::before(&origin, &shelf, more);
        Self { origin, shelf, worker }
    }

    /// One more Worker before the same origin and the same shelf.
    pub fn before(origin: &Origin, shelf: &Shelf, more: &Value) -> Worker {
        Self::with_token(origin, shelf, more, "token")
    }

    /// The same, with the token of a Redis.
    pub fn with_token(origin: &Origin, shelf: &Shelf, more: &Value, token: &str) -> Worker {
        let mut all = json!({
            "SITE": { "jitter": "0", "collapse": "off" },
            "CACHES": { "default": { "tiers": ["kv"] } },
        });
        all.as_object_mut().expect("a table").extend(more.as_object().expect("a table").clone());
        let mut options = Options {
            stand_ins: json!({ "CACHE": "ScriptedStore" }),
            control: Some(shelf.asked.url()),
            shield: false,
            cells: false,
            ..Options::default()
        };
        options.secrets["REDIS_TOKEN"] = token.into();
        Worker::with(&vars(&origin.url(), &all), &options)
    }

    pub fn get(&self, path: &str) -> Reply {
        self.worker.client("site.test").get(path, &[])
    }
}
