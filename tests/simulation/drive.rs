//! One run: a city from a seed, a thousand operations, and what was found.

use std::fmt;
use std::rc::Rc;

use super::adversary::{Climate, act};
use super::chance::Chance;
use super::city::City;
use super::deployments::{Deployment, deployments};
use super::origin::Origin;
use super::sabotage::Sabotage;
use super::site::{Kind, Page};
use super::visits::{Shelf, begin, draw_visit};
use super::watch::{Counts, Invariant, Violation};

/// What is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub seed: u64,
    pub operations: u64,
    pub sabotage: Sabotage,
    pub tells: bool,
}

impl Run {
    pub fn of(seed: u64) -> Self {
        Self { seed, operations: OPERATIONS, sabotage: Sabotage::Nothing, tells: false }
    }
}

/// Requests, and deeds of the adversary.
pub const OPERATIONS: u64 = 1000;

/// An invariant did not hold.
#[derive(Debug)]
pub struct Failure {
    pub seed: u64,
    pub operation: u64,
    pub violation: Violation,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, operation, violation: Violation { invariant, what } } = self;
        writeln!(f, "seed {seed}, operation {operation}: {invariant} does not hold: {what}")?;
        write!(f, "    LARDER_SEED={seed} cargo test --test simulation replay -- --nocapture")
    }
}

/// The configurations, read once: they are the same for all runs.
pub fn configurations() -> Rc<Vec<Deployment>> {
    Rc::new(deployments())
}

const HOSTS: [&str; 2] = ["a.test", "b.test"];

/// The pages there may be: under which route, of which kind, with which query.
const PAGES: [(&str, Kind, Option<&str>); 31] = [
    ("", Kind::Steady, None),
    ("", Kind::Steady, Some("a=1")),
    ("", Kind::Undated, None),
    ("", Kind::Modified, None),
    ("", Kind::Lingual, None),
    ("", Kind::Personal, None),
    ("", Kind::Moody, None),
    ("", Kind::Large, None),
    ("", Kind::Search, Some("a=1")),
    ("/f", Kind::Steady, None),
    ("/f", Kind::Moody, None),
    ("/f", Kind::Lingual, None),
    ("/f", Kind::Personal, None),
    ("/u", Kind::Personal, None),
    ("/u", Kind::Moody, None),
    ("/u", Kind::Large, None),
    ("/s", Kind::Personal, None),
    ("/s", Kind::Moody, None),
    ("/p", Kind::Personal, None),
    ("/p", Kind::Steady, None),
    ("/l", Kind::Lingual, None),
    ("/q", Kind::Steady, Some("a=1&b=2")),
    ("/q", Kind::Moody, Some("a=2")),
    ("/r", Kind::Steady, None),
    ("/r", Kind::Moody, None),
    ("/r", Kind::Large, None),
    ("/c", Kind::Classed, None),
    ("/d", Kind::Steady, None),
    ("/d", Kind::Moody, None),
    ("/k", Kind::Steady, None),
    ("/k", Kind::Moody, None),
];

/// How many of them a city has.
const SITE: usize = 10;

fn draw_pages(chance: &Chance, now: u64) -> Vec<Page> {
    let mut drawn = Vec::new();
    while drawn.len() < SITE {
        let page = (chance.below(HOSTS.len() as u64) as usize, chance.below(PAGES.len() as u64) as usize);
        if !drawn.contains(&page) {
            drawn.push(page);
        }
    }
    let pages = drawn.into_iter().map(|(host, page)| {
        let (route, kind, query) = PAGES[page];
        let page = Page::new(HOSTS[host], route, kind, query);
        page.change(now, chance);
        page
    });
    pages.collect()
}

/// Builds a city, lets it live, and says what was found.
pub fn run(run: Run, configurations: &Rc<Vec<Deployment>>) -> Result<Counts, Failure> {
    let chance = Chance::new(run.seed);
    let climate = Climate::draw(&chance);
    let colos = chance.between(1, 3) as usize;
    let origin = Origin::new(draw_pages(&chance, crate::support::NOW.as_millis()));
    let mut city = City::new(chance.next(), origin, colos, configurations.clone());
    city.tells = run.tells;
    city.sabotage = run.sabotage;
    // Five minutes between any two clocks.
    city.skew = if climate.clocks { 300_000 } else { 0 };
    city.is_calm = !climate.clocks && !climate.stores && !climate.deaths;
    let city = Rc::new(city);
    for colo in 0..colos {
        for _ in 0..chance.between(1, 2) {
            city.homes.borrow_mut().push(city.build(colo, 0));
        }
    }
    city.tell(|| format!("{climate:?}, {colos} data centres, {} isolates", city.homes.borrow().len()));
    let result = live(&city, climate, run);
    let mut counts = city.watch.counts.get();
    counts.operations = run.operations;
    city.close();
    result.map(|()| counts)
}

fn live(city: &Rc<City>, climate: Climate, run: Run) -> Result<(), Failure> {
    let shelf = Rc::new(Shelf::default());
    let chance = &city.chance;
    let mut burst = 0u64;
    let mut favourite = 0;
    for operation in 0..run.operations {
        let failed = |violation| Failure { seed: run.seed, operation, violation };
        if burst == 0 && chance.percent(6) {
            burst = chance.between(4, 24);
            favourite = chance.below(SITE as u64) as usize;
        }
        if chance.percent(if burst > 0 { 94 } else { 80 }) {
            let page = if burst > 0 && chance.percent(90) { favourite } else { chance.below(SITE as u64) as usize };
            let home = chance.below(city.homes.borrow().len() as u64) as usize;
            let home = city.homes.borrow()[home].clone();
            begin(city, &shelf, draw_visit(city, &shelf, operation, home, page));
        } else {
            act(city, climate);
        }
        let step = if burst > 0 { chance.below(4) } else { draw_step(chance) };
        burst = burst.saturating_sub(1);
        advance(city, step);
        if let Some(violation) = city.watch.violation() {
            return Err(failed(violation));
        }
    }
    settle(city, &shelf, run.operations);
    city.watch
        .violation()
        .map_or(Ok(()), |violation| Err(Failure { seed: run.seed, operation: run.operations, violation }))
}

/// How long until the next thing happens.
fn draw_step(chance: &Chance) -> u64 {
    let longest = chance.weighted(&[(25, 10), (25, 200), (25, 2000), (20, 10_000), (4, 60_000), (1, 900_000)]);
    chance.below(longest)
}

fn advance(city: &City, step: u64) {
    let end = city.clock.now() + step;
    if !city.clock.run_until(end, &city.chance) {
        city.watch.violated(Invariant::Liveness, || "somebody goes round in circles".into());
    }
    city.watch.look_at_clock(city.clock.now());
}

/// All is well again, and everything comes to its end: no lock is left behind.
fn settle(city: &Rc<City>, shelf: &Rc<Shelf>, first: u64) {
    const A_WHILE: u64 = 60_000;
    city.weather.clear();
    advance(city, 2 * A_WHILE);
    let homes = city.homes.borrow().clone();
    let mut number = first;
    for home in &homes {
        for page in 0..SITE {
            begin(city, shelf, draw_visit(city, shelf, number, home.clone(), page));
            number += 1;
        }
    }
    // As long as one exchange takes, with no fault anywhere.
    advance(city, 8000);
    for visit in city.watch.open() {
        city.watch.violated(Invariant::Liveness, || {
            format!("request {} is not over, although all is well", visit.context.request)
        });
    }
}
