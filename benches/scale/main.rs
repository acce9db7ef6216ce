//! What a million requests cost: the engine in one data centre and in 300, in virtual time, with every call at its ports counted.
//!
//! Writes `bench/scale.md`, which the manual shows. The same numbers come out at each run, until the engine asks something else.

#![allow(clippy::print_stdout, reason = "it is what it is for")]

use std::fmt::Write;

#[allow(dead_code, reason = "the adversary needs more of it")]
#[path = "../../tests/simulation/chance.rs"]
mod chance;
mod city;
#[allow(dead_code, reason = "the adversary needs more of it")]
#[path = "../../tests/simulation/clockwork.rs"]
mod clockwork;
mod counts;
mod ports;
#[allow(dead_code, reason = "the adversary needs more of it")]
#[path = "../../tests/simulation/shield.rs"]
mod shield;
#[path = "../../tests/support/mod.rs"]
mod support;
mod traffic;

use counts::{Call, Counts, PRICES};
use traffic::{BUSY, COUNTED, isolates, run};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/scale.md");

/// By how much the share of hits may differ from what is wanted.
const TOLERANCE: f64 = 0.015;

/// Requests a second.
const MANY: f64 = 100_000.0;

/// Calls a second: what one object takes, and what Upstash takes, as published on 21 November 2026.
const OBJECT_LIMIT: f64 = 1000.0;
const REDIS_LIMIT: f64 = 10_000.0;

/// Objects among which the keys are divided (src/shield/mod.rs).
const SHIELDS: f64 = 1024.0;

fn main() {
    let mut text = String::from(
        "| data centres | hits | origin | KV reads | KV writes | shield | ledger | Redis commands | Cache API | dollars |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    let mut loads = String::from(
        "| data centres | hits | origin | Redis commands | of 10,000 | calls of one shield | of 1,000 | ledger calls | of 1,000 | KV writes |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for colos in [1, 300] {
        for ratio in [0.5, 0.9, 0.99] {
            let city = run(colos, ratio);
            let hits = city.counts.hit_ratio();
            assert!((hits - ratio).abs() < TOLERANCE, "{colos} data centres: {hits}, not {ratio}");
            writeln!(text, "{}", a_million(colos, &city.counts)).expect("it is written");
            writeln!(loads, "{}", at_many(colos, &city.counts)).expect("it is written");
        }
    }
    let text = format!("For a million requests:\n\n{text}\nAt 100,000 requests a second, each second:\n\n{loads}");
    std::fs::write(FILE, &text).expect(FILE);
    println!("{text}");
}

fn a_million(colos: usize, counts: &Counts) -> String {
    let calls = [Call::Origin, Call::KvRead, Call::KvWrite, Call::Shield, Call::Ledger, Call::Redis, Call::CacheApi];
    let cells: Vec<_> = calls.iter().map(|call| thousands(counts.a_million(*call))).collect();
    let dollars: f64 = PRICES.iter().map(|(call, price)| counts.a_million(*call) / 1e6 * price).sum();
    format!("| {colos} | {:.1} % | {} | {dollars:.2} |", counts.hit_ratio() * 100.0, cells.join(" | "))
}

/// What is asked for each request grows as they do; what each isolate asks from time to time grows as isolates do.
fn at_many(colos: usize, counts: &Counts) -> String {
    let each_second = |call| counts.a_million(call) / 1e6 * MANY;
    let ledger = counts.of(Call::Ledger) as f64 / COUNTED / isolates(colos) as f64 * isolates_at_many(colos);
    let shield = each_second(Call::Shield) / SHIELDS;
    let share = |load: f64, limit: f64| format!("{} | {:.0} %", thousands(load), load / limit * 100.0);
    format!(
        "| {colos} | {:.0} % | {} | {} | {} | {} | {} |",
        counts.hit_ratio() * 100.0,
        thousands(each_second(Call::Origin)),
        share(each_second(Call::Redis), REDIS_LIMIT),
        share(shield, OBJECT_LIMIT),
        share(ledger, OBJECT_LIMIT),
        thousands(each_second(Call::KvWrite)),
    )
}

fn isolates_at_many(colos: usize) -> f64 {
    (MANY / BUSY / colos as f64).ceil() * colos as f64
}

/// `12,345`.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}
