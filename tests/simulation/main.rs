//! The engine in a city of isolates, with an adversary: all nine invariants, over many seeds.
//!
//! An operation is a request of a visitor or a deed of the adversary; time passes after each. A run is a thousand of them from one
//! seed, and a seed always gives the same run.

#[path = "../support/mod.rs"]
mod support;

mod adversary;
mod bodies;
mod chance;
mod city;
mod clockwork;
mod counts;
mod deployments;
mod drive;
mod invariants;
mod load;
mod orders;
mod origin;
mod ports;
mod purges;
mod sabotage;
mod shield;
mod site;
mod sketch;
mod stores;
mod visits;
mod watch;
mod weather;
mod wishes;

use counts::Counts;
use drive::{Run, configurations, run};
use sabotage::Sabotage;
use support::test;
use watch::Invariant;

/// Seeds all told: a million operations. In wasm there are fewer: it is the same code, and a tenth as fast.
const SEEDS: u64 = if cfg!(target_arch = "wasm32") { 40 } else { 1000 };

/// With fewer some of what is rare may not happen in a portion.
const SEEDS_TO_SEE_EVERYTHING: u64 = 1000;

/// They are run in so many portions, side by side natively.
const PORTIONS: u64 = 4;

fn number_from(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs a quarter of the seeds; `LARDER_SEEDS` says how many there are in all, and then it tells how far it is.
fn run_portion(portion: u64) {
    let asked_for = number_from("LARDER_SEEDS");
    let seeds = asked_for.unwrap_or(SEEDS);
    let configurations = configurations();
    let mut sum = Counts::default();
    let mut failures = Vec::new();
    for seed in (portion..seeds).step_by(PORTIONS as usize) {
        match run(Run::of(seed), &configurations) {
            Ok(counts) => sum.add(&counts),
            Err(failure) => failures.push(failure.to_string()),
        }
        if asked_for.is_some() && (seed / PORTIONS) % 250 == 249 {
            eprintln!("portion {portion}: seed {seed} of {seeds}, {} failed", failures.len());
        }
    }
    let shown = failures.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} seeds of this portion fail:\n{shown}", failures.len());
    println!("{sum:#?}");
    let missing = sum.missing();
    assert!(missing.is_empty() || seeds < SEEDS_TO_SEE_EVERYTHING, "there was nothing to check: {missing:?}");
}

#[test]
fn every_invariant_holds_in_the_first_quarter_of_all_seeds() {
    run_portion(0);
}

#[test]
fn every_invariant_holds_in_the_second_quarter_of_all_seeds() {
    run_portion(1);
}

#[test]
fn every_invariant_holds_in_the_third_quarter_of_all_seeds() {
    run_portion(2);
}

#[test]
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

#[test]
fn a_seed_always_gives_the_same_run() {
    let configurations = configurations();
    for seed in 0..5 {
        let [first, second] =
            [(); 2].map(|()| run(Run::of(seed), &configurations).map_err(|failure| failure.to_string()));
        assert_eq!(first, second, "{seed}");
    }
}

/// Runs a world that is deliberately wrong, until a check finds the invariant that it breaks.
fn is_found(invariant: Invariant, wrong: impl Fn(Run) -> Run) -> bool {
    let configurations = configurations();
    (0..100).any(|seed| {
        let found = run(wrong(Run::of(seed)), &configurations).err();
        found.is_some_and(|failure| failure.violation.invariant == invariant)
    })
}

#[test]
fn every_check_finds_what_is_wrong() {
    for (sabotage, invariant) in [
        (Sabotage::RecordsChangeOwners, Invariant::Isolation),
        (Sabotage::RecordsChangePlaces, Invariant::Identity),
        (Sabotage::ClocksStandStill, Invariant::Freshness),
        (Sabotage::FormsAreNotNoticed, Invariant::PurgeBound),
        (Sabotage::LedgerTellsNothing, Invariant::PurgeBound),
        (Sabotage::BodiesChangePlaces, Invariant::Integrity),
        (Sabotage::BodiesEndEarly, Invariant::Integrity),
        (Sabotage::OriginIsNeverHeard, Invariant::Availability),
        (Sabotage::WindowsAreNotSaid, Invariant::Availability),
        (Sabotage::EveryoneIsAlone, Invariant::OriginLoad),
        (Sabotage::OriginLags, Invariant::NoResurrection),
        (Sabotage::NobodyAnswers, Invariant::Liveness),
    ] {
        assert!(is_found(invariant, |run| Run { sabotage, ..run }), "{sabotage:?} does not break {invariant}");
    }
}
