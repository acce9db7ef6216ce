//! The engine in a city of isolates, with an adversary: all nine invariants, over many seeds.
//!
//! An operation is a request of a visitor or a deed of the adversary; time passes after each. A run is a thousand of them from one
//! seed, and a seed always gives the same run.

#![allow(dead_code, clippy::type_complexity, reason = "not all that can be sabotaged is sabotaged yet")]

#[path = "../support/mod.rs"]
mod support;

mod adversary;
mod chance;
mod city;
mod clockwork;
mod deployments;
mod drive;
mod invariants;
mod origin;
mod ports;
mod sabotage;
mod shield;
mod site;
mod stores;
mod visits;
mod watch;
mod weather;

use drive::{Run, configurations, run};
use support::test;
use watch::Counts;

/// Seeds all told: a million operations. In wasm there are fewer: it is the same code, and a tenth as fast.
const SEEDS: u64 = if cfg!(target_arch = "wasm32") { 40 } else { 1000 };

/// They are run in so many portions, side by side natively.
const PORTIONS: u64 = 4;

fn number_from(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs a quarter of the seeds; `LARDER_SEEDS` says how many there are in all.
fn run_portion(portion: u64) {
    let seeds = number_from("LARDER_SEEDS").unwrap_or(SEEDS);
    let configurations = configurations();
    let mut sum = Counts::default();
    let mut failures = Vec::new();
    for seed in (portion..seeds).step_by(PORTIONS as usize) {
        match run(Run::of(seed), &configurations) {
            Ok(counts) => sum.add(&counts),
            Err(failure) => failures.push(failure.to_string()),
        }
    }
    println!("{sum:#?}");
    assert!(
        failures.is_empty(),
        "{} of {} seeds:\n{}",
        failures.len(),
        seeds / PORTIONS,
        failures[..failures.len().min(20)].join("\n")
    );
}

#[test]
#[ignore = "some seeds in a thousand still fail: see `make simulation`"]
fn every_invariant_holds_in_the_first_quarter_of_all_seeds() {
    run_portion(0);
}

#[test]
#[ignore = "some seeds in a thousand still fail: see `make simulation`"]
fn every_invariant_holds_in_the_second_quarter_of_all_seeds() {
    run_portion(1);
}

#[test]
#[ignore = "some seeds in a thousand still fail: see `make simulation`"]
fn every_invariant_holds_in_the_third_quarter_of_all_seeds() {
    run_portion(2);
}

#[test]
#[ignore = "some seeds in a thousand still fail: see `make simulation`"]
fn every_invariant_holds_in_the_last_quarter_of_all_seeds() {
    run_portion(3);
}

/// `LARDER_SEED=7 cargo test --test simulation replay -- --nocapture` tells one run, operation by operation.
#[test]
fn replay() {
    let Some(seed) = number_from("LARDER_SEED") else { return };
    match run(Run { tells: true, ..Run::of(seed) }, &configurations()) {
        Ok(counts) => println!("{counts:#?}"),
        Err(failure) => panic!("{failure}"),
    }
}
