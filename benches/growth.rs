//! What grows with a site, and what a request costs then, in instructions: routes, entries in memory, purges, identities of a URL.
//!
//! Prints a line of JSON for each, which `tools/bench-growth.mjs` holds against its goal.

#![allow(clippy::print_stdout, reason = "it is what it is for")]

use std::hint::black_box;
use std::rc::Rc;

use bytes::Bytes;
use larder::cache::{BodyFacts, Entry};
use larder::digest::sha256;
use larder::key::CacheKey;
use larder::name::Name;
use larder::purge::ledger::{APPEND, Wire};
use larder::purge::{Purge, What};
use larder::store::Memory;
use serde_json::{Value, json};

mod callgrind;
mod decision;
#[path = "../tests/support/mod.rs"]
mod support;

use callgrind::{Case, count};
use decision::{REQUEST, Site, headers};
use support::world::{Scripted, World};

/// What grows, from how many to how many, and how much more a request may cost then.
struct Growth {
    name: &'static str,
    from: usize,
    to: usize,
    goal: f64,
    request: fn(usize) -> Work,
}

type Work = Box<dyn FnMut()>;

const GROWTHS: [Growth; 4] = [
    Growth { name: "routes", from: 1, to: 1000, goal: 1.3, request: routes },
    Growth { name: "entries in memory", from: 1, to: 100_000, goal: 1.1, request: entries },
    Growth { name: "purges since a page was stored", from: 10, to: 100_000, goal: 1.1, request: purges },
    Growth { name: "identities of a URL", from: 1, to: 10_000, goal: 1.1, request: identities },
];

fn main() {
    let cases = |growth: &Growth| [growth.from, growth.to].map(|size| Case::new(growth.name, (growth.request)(size)));
    let counts = count(|| GROWTHS.iter().flat_map(cases).collect());
    for (Growth { name, from, to, goal, .. }, pair) in GROWTHS.iter().zip(counts.instructions.chunks(2)) {
        let [few, many] = [&pair[0], &pair[1]].map(|(_, instructions)| *instructions);
        let (unit, ratio) = (format!("instructions, natively: {few} and {many}"), many as f64 / few as f64);
        println!("{}", json!({ "name": name, "unit": unit, "from": from, "to": to, "ratio": ratio, "goal": goal }));
    }
}

/// The decision about a page that only the last of them matches.
fn routes(count: usize) -> Work {
    let site = Site::with_routes(count);
    let (page, mut fields) = (site.stored(), headers(REQUEST));
    Box::new(move || drop(black_box(site.answer(&mut fields, &page))))
}

/// The look for one of those that came last.
fn entries(count: usize) -> Work {
    let mut memory = Memory::default();
    (0..count).map(entry).for_each(|entry| memory.insert(entry));
    let key = entry(count - 1).head.key;
    Box::new(move || drop(black_box(memory.get(&key).expect("it is there"))))
}

/// A page of 1 KiB.
fn entry(number: usize) -> Rc<Entry<Bytes>> {
    thread_local!(static PAGE: larder::cache::Head = Site::with_routes(1).stored());
    let mut head = PAGE.with(Clone::clone);
    head.key = CacheKey(sha256(&number.to_be_bytes()));
    head.body = BodyFacts { length: 1024, ..head.body };
    Rc::new(Entry { head, body: Bytes::from_static(&[b'x'; 1024]) })
}

/// A hit, in an isolate that knows them all.
fn purges(count: usize) -> Work {
    let world = world(&json!({}));
    world.ports.ledger.is_there.set(true);
    world.get("/page", &[]);
    let purge = |number| Purge { what: What::Named(Name::tag(&format!("tag-{number}"))), hard: true };
    let wires: Vec<_> = (0..count).map(|number| Wire::new(&purge(number), false)).collect();
    let body = Bytes::from(serde_json::to_vec(&wires).expect("JSON"));
    world.ports.ledger.answer(APPEND, Some(body)).expect("they are recorded");
    world.advance(11);
    hit(world, Vec::new())
}

/// A hit by one of them.
fn identities(count: usize) -> Work {
    let world = world(&json!({ "vary_cookie": ["sessionid"] }));
    let cookie = |number| format!("sessionid={number:08}");
    (0..count).for_each(|number| drop(world.get("/page", &[("cookie", &cookie(number))])));
    hit(world, vec![("cookie", cookie(count - 1))])
}

fn hit(world: World, fields: Vec<(&'static str, String)>) -> Work {
    let get = move || {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.get("/page", &fields)
    };
    assert!(get().is_hit());
    Box::new(move || drop(black_box(get())))
}

/// An origin whose pages carry tags.
fn world(site: &Value) -> World {
    let mut site = site.clone();
    site["cache"] = "force".into();
    site["ttl"] = 600.into();
    let vars = json!({ "SITE": site, "CACHES": { "default": { "tiers": ["memory"] } } });
    World::new(&vars, |_| Scripted::new(200, &[("cache-tag", "news, front"), ("content-type", "text/html")], "page"))
}
