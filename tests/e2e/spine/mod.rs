//! The main line, end to end.

mod admin;
mod bodies;
mod http;
mod origins;
mod pages;

use std::sync::LazyLock;

use serde_json::json;

use crate::support::{Answer, Asked, Client, Origin, Reply, Worker, vars};

struct World {
    origin: Origin,
    worker: Worker,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let origin = Origin::start();
    let worker = Worker::start(&vars(
        &origin.url(),
        &json!({
            "SITE": { "jitter": "0", "stale_if_error": 600 },
            "ROUTES": [
                { "path": "/small/*", "max_body": 1000 },
                { "path": "/swr/*", "stale_while_revalidate": 600 },
            ],
        }),
    ));
    World { origin, worker }
});

fn client() -> Client {
    WORLD.worker.client("site.test")
}

fn get(target: &str) -> Reply {
    client().get(target, &[])
}

/// What the origin answers for a path: these fields and its marker.
fn serves(path: &str, fields: &'static [(&'static str, &'static str)]) {
    WORLD.origin.on(path, move |asked: &Asked| Answer::ok(fields, asked.marker()));
}

const FRESH: (&str, &str) = ("Cache-Control", "max-age=60");
const STALE: (&str, &str) = ("Age", "60");
