//! How many instructions the decisions of a cache take: fails if one of them takes more than it did, by more than a twentieth.
//!
//! What is expected stands in `bench/instructions.json`, for each kind of processor it was counted on; `WRITE=1` writes down what is
//! counted now. The compiler, its library and the crates are pinned, valgrind shows every program the same processor but for AVX2, and
//! the allocator is our own; what is left is how the C library copies bytes, which is what the twentieth is for.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is what it is for")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::ExitCode;
use std::{env, fs};

use http::header::IF_NONE_MATCH;
use http::{HeaderValue, StatusCode};
use larder::cache::record;

mod callgrind;
mod decision;

use callgrind::{Case, Counts, count};
use decision::{REQUEST, Site, admit, headers, record_of, request, response};

const EXPECTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/instructions.json");

/// By how much a count may grow, or shrink without being worth a word.
const SLACK: f64 = 0.05;

/// Instructions by case, by processor.
type Expected = BTreeMap<String, BTreeMap<String, u64>>;

fn main() -> ExitCode {
    let counts = count(cases);
    let mut expected: Expected = fs::read_to_string(EXPECTED)
        .map_or_else(|_| Expected::new(), |text| serde_json::from_str(&text).expect(EXPECTED));
    if env::var_os("WRITE").is_some_and(|write| !write.is_empty()) {
        return write(&mut expected, counts);
    }
    let Some(before) = expected.get(&counts.processor) else {
        eprintln!(
            "instructions: nothing is known of {}; `make instructions WRITE=1` notes what follows",
            counts.processor
        );
        counts.instructions.iter().for_each(|(name, now)| println!("{now:>8}  {name}"));
        return ExitCode::SUCCESS;
    };
    let verdict = |(name, now): &(String, u64)| verdict(name, *now, before.get(name).copied());
    let verdicts: Vec<_> = counts.instructions.iter().map(verdict).collect();
    if verdicts.iter().all(|is_good| *is_good) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Tells how a count stands beside the expected one; `false` if it grew too much.
fn verdict(name: &str, now: u64, before: Option<u64>) -> bool {
    let Some(before) = before else {
        eprintln!("instructions: {name} takes {now}, and nothing is expected; `make instructions WRITE=1` notes it");
        return false;
    };
    let change = now as f64 / before as f64 - 1.0;
    println!("{now:>8}  {:>+6.1} %  {name}", change * 100.0);
    if change > SLACK {
        eprintln!(
            "instructions: {name} takes {now} instructions, {:.1} % more than the {before} it took. Make it take fewer; if it is worth \
             them, note them by `make instructions WRITE=1` and say in the commit what for.",
            change * 100.0
        );
    } else if change < -SLACK {
        println!("          fewer than the {before} it took: keep that by `make instructions WRITE=1`");
    }
    change <= SLACK
}

fn write(expected: &mut Expected, counts: Counts) -> ExitCode {
    expected.insert(counts.processor, counts.instructions.into_iter().collect());
    let text = serde_json::to_string_pretty(expected).expect("it can be written");
    fs::write(EXPECTED, text + "\n").expect(EXPECTED);
    println!("written to bench/instructions.json");
    ExitCode::SUCCESS
}

fn cases() -> Vec<Case> {
    const ROUTES: usize = 100;
    let site = || Site::with_routes(ROUTES);
    let fields = headers(REQUEST);
    let conditional = {
        let mut fields = fields.clone();
        fields.insert(IF_NONE_MATCH, HeaderValue::from_static("\"one\""));
        fields
    };
    let record = record_of(site().stored());
    let page = site().stored();
    assert_eq!(site().answer(&mut fields.clone(), &page).status, StatusCode::OK);
    assert_eq!(site().answer(&mut conditional.clone(), &page).status, StatusCode::NOT_MODIFIED);
    vec![
        Case::new("a fresh hit among 100 routes", {
            let (site, page, mut fields) = (site(), page.clone(), fields.clone());
            move || site.answer(&mut fields, &page)
        }),
        Case::new("a 304 among 100 routes", {
            let (site, page, mut fields) = (site(), page.clone(), conditional);
            move || site.answer(&mut fields, &page)
        }),
        Case::new("the key of a request and what the origin would be sent", {
            let (site, request) = (site(), request(fields.clone()));
            move || {
                let lookup = site.look_up(&request);
                black_box(lookup.headers());
                lookup
            }
        }),
        Case::new("whether a response is stored", {
            let (site, response) = (site(), response());
            let (lookup, policy) = (site.look_up(&request(fields)), site.policy());
            move || admit(&response, &lookup, &policy)
        }),
        Case::new("a record of 4 KiB read back", move || record::decode(&record)),
    ]
}
