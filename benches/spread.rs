//! How evenly pages that were stored at one moment are fetched later: a simulation, printed beside plain arithmetic.
//!
//! Each page has one lifetime of 1000 s and is asked for all the time, so that it is fetched the moment it may be.

#![allow(clippy::print_stdout, reason = "it is what it is for")]

use larder::cache::ahead::refreshes;
use larder::cache::freshness::with_jitter;
use larder::cache::{BodyFacts, Fetched, Head, Stamp, Terms};
use larder::fields::{Seconds, Timestamp};
use larder::key::CacheKey;
use larder::policy::{Config, Policy};
use serde_json::{Value, json};
use std::rc::Rc;

const KEYS: usize = 10_000;
const LIFETIMES: usize = 10;
const LIFETIME: u64 = 1000;
const RUNS: u64 = 10;

/// The peaks over the mean that arithmetic gives for the 4th and the 9th lifetime: a sum of draws, evenly spread, the density of which
/// is highest in its middle.
const ARITHMETIC: [(u32, Option<(f64, f64)>); 5] =
    [(0, None), (10, Some((5.9, 4.0))), (20, Some((3.0, 2.0))), (30, Some((1.95, 1.3))), (50, Some((1.1, 1.1)))];

fn main() {
    println!("peak of origin requests over the mean, {KEYS} pages stored at once, lifetime {LIFETIME} s\n");
    println!("| rule | 4th lifetime | 9th lifetime | by arithmetic |");
    println!("|---|---|---|---|");
    for (percent, expected) in ARITHMETIC {
        let policy = policy(&json!({ "jitter": format!("{percent}%") }));
        let peaks = mean_peaks(&policy);
        let beside =
            expected.map_or_else(|| "all at once".to_owned(), |(fourth, ninth)| format!("{fourth} and {ninth}"));
        println!("| jitter {percent} % | {:.2} | {:.2} | {beside} |", peaks.0, peaks.1);
    }
    let xfetch = policy(&json!({ "jitter": "0", "refresh_ahead": "xfetch" }));
    let peaks = mean_peaks(&xfetch);
    println!("| xfetch, 2 s a page, no jitter | {:.2} | {:.2} | |", peaks.0, peaks.1);
}

fn policy(site: &Value) -> Rc<Policy> {
    let vars = json!({ "ORIGIN": "https://origin.test", "SITE": site });
    Config::read(vars.as_object().expect("a table")).expect("no mistakes").table.site.clone()
}

/// Of several runs with other numbers: the peak of one is a matter of luck by some percent.
fn mean_peaks(policy: &Policy) -> (f64, f64) {
    let runs: Vec<_> = (0..RUNS).map(|seed| peaks(&fetches(policy, seed))).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| runs.iter().map(of).sum::<f64>() / RUNS as f64;
    (mean(|peaks| peaks.0), mean(|peaks| peaks.1))
}

/// Every moment at which some page is fetched, in seconds, after the first.
fn fetches(policy: &Policy, seed: u64) -> Vec<f64> {
    let mut random = Random(seed);
    let mut moments = Vec::new();
    for _ in 0..KEYS {
        let mut now = 0.0;
        while now < (LIFETIMES as u64 * LIFETIME) as f64 {
            now += life(policy, &mut random);
            moments.push(now);
        }
    }
    moments
}

/// How long one page is kept.
fn life(policy: &Policy, random: &mut Random) -> f64 {
    if policy.refresh_ahead.is_none() {
        // In milliseconds, as the moment of a fetch is: whole seconds would show as steps of their own.
        let thousandfold = Seconds::new(LIFETIME * 1000);
        return f64::from(with_jitter(thousandfold, random.draw() as f32, policy).get()) / 1000.0;
    }
    let head = head();
    // A request a second, until one of them fetches.
    let asked = (0..=LIFETIME).find(|after| {
        refreshes(
            &head,
            policy,
            Timestamp::from_millis(head.fetched.received.as_millis() + after * 1000),
            random.draw(),
        )
    });
    asked.unwrap_or(LIFETIME) as f64 + random.draw()
}

/// A page that took two seconds.
fn head() -> Head {
    let received = Timestamp::from_millis(1_000_000_000);
    Head {
        key: CacheKey([0; 32]),
        status: http::StatusCode::OK,
        headers: http::HeaderMap::new(),
        fetched: Fetched { requested: Timestamp::from_millis(received.as_millis() - 2000), received },
        initial_age: Seconds::ZERO,
        terms: Terms { stated: Some(Seconds::new(LIFETIME)), ..Terms::default() },
        draw: 0.0,
        selecting: Vec::new(),
        generation: 0,
        stamp: Stamp::default(),
        fingerprint: 0,
        names: Vec::new(),
        body: BodyFacts::default(),
    }
}

/// The highest load of a twentieth of a lifetime over the mean, in the 4th and in the 9th lifetime.
fn peaks(moments: &[f64]) -> (f64, f64) {
    const BINS: usize = 20;
    let width = LIFETIME as f64 / BINS as f64;
    let mut bins = vec![0_u32; BINS * (LIFETIMES + 1)];
    for moment in moments {
        if let Some(bin) = bins.get_mut((moment / width) as usize) {
            *bin += 1;
        }
    }
    let peak = |lifetime: usize| {
        let of_it = &bins[(lifetime - 1) * BINS..lifetime * BINS];
        let mean = f64::from(of_it.iter().sum::<u32>()) / BINS as f64;
        f64::from(of_it.iter().copied().max().unwrap_or_default()) / mean
    };
    (peak(4), peak(9))
}

/// The same numbers at each run.
struct Random(u64);

impl Random {
    /// From 0 to 1 (splitmix64).
    fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
