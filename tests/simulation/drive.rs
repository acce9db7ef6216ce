//! One run: a city from a seed, a thousand operations, and what was found.

use std::fmt;
use std::rc::Rc;

use super::adversary::{Climate, act};
use super::chance::Chance;
use super::city::{City, Home};
use super::counts::Counts;
use super::deployments::{Deployment, deployments};
use super::origin::Origin;
use super::sabotage::Sabotage;
use super::site::{Kind, Page};
use super::visits::{Shelf, Visit, begin};
use super::watch::{Invariant, Violation};
use super::wishes::{draw_visit, draw_visitor};

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
const PAGES: [(&str, Kind, Option<&str>); 33] = [
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
    ("/x", Kind::Steady, None),
    ("/x", Kind::Moody, None),
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

/// Names the seed of a run that ends in a panic.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {} ends in a panic", self.0);
        }
    }
}

/// Builds a city, lets it live, and says what was found.
pub fn run(run: Run, configurations: &Rc<Vec<Deployment>>) -> Result<Counts, Failure> {
    let _named = Named(run.seed);
    let chance = Chance::new(run.seed);
    let climate = Climate::draw(&chance);
    let colos = chance.between(1, 3) as usize;
    let origin = Origin::new(draw_pages(&chance, crate::support::NOW.as_millis()));
    let mut city = City::new(chance.next(), origin, colos, configurations.clone());
    city.tells = run.tells;
    city.sabotage = run.sabotage;
    city.origin.lags.set(run.sabotage == Sabotage::OriginLags);
    // Five minutes between any two clocks.
    city.skew = if climate.clocks { 300_000 } else { 0 };
    city.is_calm = !climate.clocks && !climate.stores && !climate.deaths;
    city.is_even = !climate.clocks && !climate.deploys;
    let city = Rc::new(city);
    for colo in 0..colos {
        for _ in 0..chance.between(1, 2) {
            city.homes.borrow_mut().push(city.build(colo, 0));
        }
    }
    city.tell(|| format!("{climate:?}, {colos} data centres, {} isolates", city.homes.borrow().len()));
    let result = live(&city, climate, run);
    let mut counts = city.watch.counts();
    counts.operations = run.operations;
    city.close();
    result.map(|()| counts)
}

fn live(city: &Rc<City>, climate: Climate, run: Run) -> Result<(), Failure> {
    let shelf = Rc::new(Shelf::default());
    let chance = &city.chance;
    let mut crowd = Crowd::default();
    for operation in 0..run.operations {
        if crowd.left == 0 && chance.percent(6) {
            crowd = Crowd::draw(chance);
        }
        let is_request = chance.percent(if crowd.left > 0 { 94 } else { 80 });
        if is_request {
            let (page, who) = crowd.draw_wish(chance);
            begin(city, &shelf, draw_visit(city, &shelf, operation, draw_home(city), page, who));
        } else {
            act(city, climate, operation);
        }
        let step = if crowd.left > 0 { chance.below(4) } else { draw_step(chance) };
        crowd.left = crowd.left.saturating_sub(1);
        advance(city, step);
        if let Some(violation) = city.watch.violation() {
            return Err(Failure { seed: run.seed, operation, violation });
        }
    }
    settle(city, &shelf, run.operations);
    city.watch
        .violation()
        .map_or(Ok(()), |violation| Err(Failure { seed: run.seed, operation: run.operations, violation }))
}

/// Many who come at the same time, most of them for one page, and some of them the same visitor.
#[derive(Default)]
struct Crowd {
    left: u64,
    page: usize,
    who: usize,
}

impl Crowd {
    fn draw(chance: &Chance) -> Self {
        Self { left: chance.between(4, 24), page: draw_page(chance), who: draw_visitor(chance) }
    }

    /// Which page somebody wants, and who that is.
    fn draw_wish(&self, chance: &Chance) -> (usize, usize) {
        let is_one_of_them = |percent| self.left > 0 && chance.percent(percent);
        let page = if is_one_of_them(90) { self.page } else { draw_page(chance) };
        let who = if is_one_of_them(40) { self.who } else { draw_visitor(chance) };
        (page, who)
    }
}

fn draw_page(chance: &Chance) -> usize {
    chance.below(SITE as u64) as usize
}

fn draw_home(city: &City) -> Rc<Home> {
    let homes = city.homes.borrow();
    homes[city.chance.below(homes.len() as u64) as usize].clone()
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
            let who = draw_visitor(&city.chance);
            begin(city, shelf, draw_visit(city, shelf, number, home.clone(), page, who));
            number += 1;
        }
    }
    // As long as an answer takes, with no fault anywhere, and then the work after it.
    wait_for(city, 3000, "answered", |visit| visit.answered.get().is_some());
    wait_for(city, 5000, "over", Visit::is_over);
}

/// All requests come to a stage within so many milliseconds.
fn wait_for(city: &City, longest: u64, stage: &str, is_reached: fn(&Visit) -> bool) {
    advance(city, longest);
    if let Some(late) = city.watch.open().iter().find(|visit| !is_reached(visit)) {
        let request = late.context.request;
        city.watch.violated(Invariant::Liveness, || format!("request {request} is not {stage}, although all is well"));
    }
}
