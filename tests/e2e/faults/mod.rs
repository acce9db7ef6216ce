//! What may fail, and what must happen then: one test or more for each fault, named by its number.
//!
//! Whatever fails, an origin that works is answered for, nobody sees what is another's, and nothing is stored that is not whole.
//!
//! What takes a clock that can be turned, an isolate that can be stopped in the middle of a line, or a limit that is not enforced here is
//! shown elsewhere:
//!
//! | | what fails | what must happen | where it is shown |
//! |---|---|---|---|
//! | F-02 | no headers in time, many wait | all of them learn it at once | `engine/collapse.rs::all_who_waited_learn_at_once_that_the_origin_failed` |
//! | F-09 | a burst of errors | after five in a row one request at a time tries | `engine/failing.rs::after_five_failures_in_a_row_only_one_request_tries` |
//! | F-28 | a copy outlives its windows | it is not served | `engine/staleness.rs::a_window_ends` |
//! | F-42 | who fetches comes back after its lease | it changes nothing | `engine/shield.rs::a_late_leader_changes_nothing` |
//! | F-46 | Worker and object of different versions | each reads what the other writes, or goes on alone | `engine/shield.rs::both_sides_read_what_the_other_writes` |
//! | F-48 | 5,000 wait for one page | as many as there is room for; the others go on alone | `engine/collapse.rs::of_more_than_can_wait_the_others_ask_for_themselves` |
//! | F-53 | a page costs too much to assemble | it is served without what it costs | `e2e/security/assembly.rs::es_05_a_page_that_wants_too_much_is_served_without_it` |
//! | F-54 | too many subrequests in a page | what costs nothing is shown, the rest left out | `engine/esi_fragments.rs::a_budget_of_subrequests_is_kept_and_what_costs_nothing_is_shown` |
//! | F-56 | chance that is none | no lifetime is longer than stated | `engine/stores.rs::jitter_shortens_a_lifetime_and_never_lengthens_it` |
//! | F-61 | records of older and newer versions | the old are read, the new are a miss | `records.rs::a_record_of_version_1_is_read` |
//! | F-61 | two versions side by side | every invariant holds | `simulation/main.rs::every_invariant_holds_in_the_first_quarter_of_all_seeds` |
//! | F-62 | whoever is told beside the ledger | the purge counts all the same | `engine/zone.rs::what_fails_beside_the_ledger_fails_no_purge` |

mod index;
mod kv;
mod lock;
mod origin;
mod origin_bodies;
mod purge;
mod redis;
mod runtime;
mod shelf;

use std::sync::{Arc, LazyLock};
use std::thread;

use serde_json::{Value, json};

use crate::support::{Answer, Asked, Client, Gate, Origin, Reply, Worker};

const FRESH: (&str, &str) = ("Cache-Control", "max-age=60");
const STALE: (&str, &str) = ("Age", "60");
const ADMIN: (&str, &str) = ("Authorization", "Bearer admin-token");

/// A host of its own for each test, with an origin of its own: what one origin did is held against no other.
const HOSTS: [&str; 16] = [
    "f01.test", "f02.test", "f03.test", "f04.test", "f06.test", "f07.test", "f08.test", "f09.test", "f11.test",
    "f12.test", "f13.test", "f14.test", "f16.test", "f17.test", "f18.test", "f57.test",
];

/// One Worker before all of these origins.
static SITES: LazyLock<(Worker, Vec<Origin>)> = LazyLock::new(|| {
    let origins: Vec<_> = HOSTS.iter().map(|_| Origin::start()).collect();
    let plain_text = origins[0].url().replace("http:", "https:");
    let mut routes = vec![
        json!({ "path": "/dns/*", "origin": "http://nowhere.invalid" }),
        json!({ "path": "/tls/*", "origin": plain_text }),
        json!({ "path": "/port/*", "origin": "http://127.0.0.1:9" }),
    ];
    routes.extend(HOSTS.iter().zip(&origins).map(|(host, origin)| {
        json!({ "path": "*", "host": host, "origin": origin.url(), "timeout": 2, "idle_timeout": 1, "max_body": "1MiB" })
    }));
    let site = json!({ "jitter": "0", "stale_if_error": 600, "collapse": "global" });
    let worker = Worker::start(&json!({ "ORIGIN": origins[0].url(), "SITE": site, "ROUTES": routes }));
    (worker, origins)
});

/// An origin, and a client of the Worker before it.
struct Site {
    origin: &'static Origin,
    client: Client,
}

impl Site {
    fn of(host: &'static str) -> Self {
        let (worker, origins) = &*SITES;
        let at = HOSTS.iter().position(|known| *known == host).expect("it is one of the hosts");
        Self { origin: &origins[at], client: worker.client(host) }
    }

    fn get(&self, path: &str) -> Reply {
        self.client.get(path, &[])
    }

    /// Only what is stored.
    fn stored(&self, path: &str) -> Reply {
        self.client.get(path, &[("Cache-Control", "only-if-cached")])
    }

    /// The first answer for `path` is a page that is stale at once, all others are `fault`.
    fn fails_later(&self, path: &str, fault: impl Fn() -> Answer + Send + Sync + 'static) -> Reply {
        let (origin, of) = (self.origin, path.to_owned());
        self.origin.on(path, move |asked: &Asked| {
            if origin.asked(&of).len() == 1 { Answer::ok(&[FRESH, STALE], asked.marker()) } else { fault() }
        });
        self.get(path)
    }

    /// Requests for `path` that are all under way before the first of them is answered `fault`.
    fn crowd(&self, path: &str, fault: impl Fn() -> Answer + Send + Sync + 'static) -> Vec<Reply> {
        let gate = Gate::new();
        let script = gate.clone();
        self.origin.on(path, move |_| Answer::Gated(script.clone(), Box::new(fault())));
        at_once(self.client, path, 5, || {
            self.origin.wait_for(path, 1);
            gate.open();
        })
    }
}

/// So many of the same request at once, and something beside them.
fn at_once(client: Client, path: &str, times: usize, beside: impl FnOnce()) -> Vec<Reply> {
    thread::scope(|scope| {
        let asking: Vec<_> = (0..times).map(|_| scope.spawn(move || client.get(path, &[]))).collect();
        beside();
        asking.into_iter().map(|asking| asking.join().expect("it is answered")).collect()
    })
}

/// Only the first request for `path` waits for the gate.
fn first_waits(
    origin: &Origin,
    path: &str,
    gate: &Arc<Gate>,
    answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
) {
    let (gate, log, of) = (gate.clone(), origin.clone(), path.to_owned());
    origin.on(path, move |asked| match log.asked(&of).len() {
        1 => Answer::Gated(gate.clone(), Box::new(answer(asked))),
        _ => answer(asked),
    });
}

fn purge(client: &Client, body: &Value) -> Reply {
    client.request("POST", "/_larder/purge", &[ADMIN, ("Content-Type", "application/json")], &body.to_string())
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_else(|_| panic!("{} is not JSON", reply.text()))
}
