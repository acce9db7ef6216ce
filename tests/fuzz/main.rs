//! What fuzzing asserts, natively and for all that it found: every seed, every crash there was, whole and cut short.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

mod admin;
mod configuration;
mod cookies;
mod dates;
mod directives;
mod esi;
mod input;
mod keys;
mod ranges;
mod records;
mod replies;
mod structured;
mod urls;

/// What holds for all bytes.
type Property = fn(&[u8]);

const TARGETS: [(&str, Property); 12] = [
    ("admin", admin::holds),
    ("configuration", configuration::holds),
    ("cookies", cookies::holds),
    ("dates", dates::holds),
    ("directives", directives::holds),
    ("esi", esi::holds),
    ("keys", keys::holds),
    ("ranges", ranges::holds),
    ("records", records::holds),
    ("replies", replies::holds),
    ("structured", structured::holds),
    ("urls", urls::holds),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fuzz")
}

/// The inputs of a target: seeds, and `crash-…` where there was one.
fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder().join(target)).expect("the folder is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).expect("it can be read"))).collect()
}

#[test]
fn what_fuzzing_asserts_holds_for_every_seed_and_every_crash_there_was() {
    for (target, holds) in TARGETS {
        let inputs = inputs(target);
        assert!(inputs.len() >= 3, "{target} has {} seeds", inputs.len());
        for (path, data) in inputs {
            assert!(catch_unwind(|| holds(&data)).is_ok(), "{}", path.display());
        }
    }
}

#[test]
fn what_fuzzing_asserts_holds_for_every_seed_cut_short_at_any_byte() {
    for (target, holds) in TARGETS {
        for (path, data) in inputs(target) {
            for end in 0..data.len().min(512) {
                assert!(catch_unwind(|| holds(&data[..end])).is_ok(), "{} cut at {end}", path.display());
            }
        }
    }
}

#[test]
fn every_target_is_one_of_cargo_fuzz_and_has_its_seeds() {
    let manifest: toml::Table = toml::from_str(include_str!("Cargo.toml")).expect("it is TOML");
    let binaries = manifest["bin"].as_array().expect("a list").iter();
    let built: BTreeSet<_> = binaries.map(|binary| binary["name"].as_str().expect("a name").to_owned()).collect();
    let entries = std::fs::read_dir(folder()).expect("the folder is there");
    let seeded: BTreeSet<_> =
        entries.map(|entry| entry.expect("it can be read").file_name().into_string().expect("text")).collect();
    let known: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(built, known);
    assert_eq!(seeded, known);
}
