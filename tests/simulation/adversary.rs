//! Who decides what goes wrong, and when; and what else happens beside requests.

use std::rc::Rc;

use super::chance::Chance;
use super::city::{City, Home};
use super::orders::purge;
use super::weather::{FAR, Fault, Mood};

/// What kinds of things go wrong in a run. Without any of them the same visitors meet nothing but each other.
#[derive(Debug, Clone, Copy, Default)]
pub struct Climate {
    pub clocks: bool,
    pub stores: bool,
    pub origin: bool,
    pub shield: bool,
    pub ledger: bool,
    pub deaths: bool,
    pub deploys: bool,
}

impl Climate {
    pub fn draw(chance: &Chance) -> Self {
        if chance.percent(12) {
            return Self::default();
        }
        let often = || chance.percent(65);
        Self {
            clocks: often(),
            stores: often(),
            origin: often(),
            shield: often(),
            ledger: often(),
            deaths: often(),
            deploys: often(),
        }
    }
}

/// One thing that the adversary may do.
#[derive(Debug, Clone, Copy)]
enum Deed {
    /// Another version of a page.
    Publish,
    Origin,
    Store,
    Shield,
    Ledger,
    Neglect,
    /// All is well again.
    Relent,
    Purge,
    StopRequest,
    EndRequest,
    EvictIsolate,
    Deploy,
    FlushColo,
    FlushRedis,
    BackUpRedis,
    RestoreRedis,
    ForgetLeases,
    LoseLedger,
}

/// Does something, as one operation of many.
pub fn act(city: &Rc<City>, climate: Climate, number: u64) {
    let chance = &city.chance;
    let when = |applies: bool, weight: u64| if applies { weight } else { 0 };
    let deed = chance.weighted(&[
        (30, Deed::Publish),
        (when(climate.origin, 18), Deed::Origin),
        (when(climate.stores, 18), Deed::Store),
        (when(climate.shield, 10), Deed::Shield),
        (when(climate.ledger, 10), Deed::Ledger),
        (when(climate.deaths, 5), Deed::Neglect),
        (14, Deed::Relent),
        (5, Deed::Purge),
        (when(climate.deaths, 10), Deed::StopRequest),
        (when(climate.deaths, 12), Deed::EndRequest),
        (when(climate.deaths, 3), Deed::EvictIsolate),
        (when(climate.deploys, 2), Deed::Deploy),
        (when(climate.stores, 3), Deed::FlushColo),
        (when(climate.stores, 1), Deed::FlushRedis),
        (when(climate.stores, 2), Deed::BackUpRedis),
        (when(climate.stores, 2), Deed::RestoreRedis),
        (when(climate.shield, 2), Deed::ForgetLeases),
        (when(climate.ledger, 1), Deed::LoseLedger),
    ]);
    city.tell(|| format!("{deed:?}"));
    if unsettles(deed) {
        city.unsettled.set(city.clock.now());
    }
    match deed {
        Deed::Publish => publish(city),
        Deed::Origin => change_origin(city),
        Deed::Store => change_store(city),
        Deed::Shield => change_shield(city),
        Deed::Ledger => change_ledger(city),
        Deed::Neglect => city.weather.neglect.set(chance.pick(&[0, 20, 60])),
        Deed::Relent => city.weather.clear(),
        Deed::Purge => purge(city, number),
        Deed::StopRequest | Deed::EndRequest => stop_request(city, matches!(deed, Deed::EndRequest)),
        Deed::EvictIsolate => evict(city),
        Deed::Deploy => deploy(city),
        Deed::FlushColo => city.colos[chance.below(city.colos.len() as u64) as usize].forget_some(chance),
        Deed::FlushRedis => city.redis.flush(),
        Deed::BackUpRedis => city.redis.back_up(),
        Deed::RestoreRedis => city.redis.restore(),
        Deed::ForgetLeases => city.shields.iter().for_each(|shield| shield.forget(&city.clock)),
        // Nobody knows any more what was purged: all that was numbered by it is lost.
        Deed::LoseLedger => city.ledger.lose(),
    }
}

/// Whether isolates may not agree any more on who fetches, or on what is purged.
fn unsettles(deed: Deed) -> bool {
    use Deed::{EvictIsolate, ForgetLeases, Ledger, LoseLedger, Neglect, Relent, Shield};
    matches!(deed, Shield | Ledger | ForgetLeases | LoseLedger | Neglect | Relent | EvictIsolate)
}

fn publish(city: &City) {
    let page = &city.origin.pages[city.chance.below(city.origin.pages.len() as u64) as usize];
    let version = page.change(city.clock.now(), &city.chance);
    city.tell(|| format!("    {}{} is version {version}", page.host, page.path));
}

fn change_origin(city: &City) {
    let chance = &city.chance;
    let percent = chance.pick(&[10, 40, 100]);
    let mut mood = city.weather.origin.get();
    match chance.below(7) {
        0 => mood.errors = percent,
        1 => mood.refuses = percent,
        2 => mood.silent = percent,
        3 => mood.breaks_off = percent,
        4 => mood.nonsense = 10,
        5 => mood.slow = chance.pick(&[500, 2000, 6000]),
        _ => mood = Mood::default(),
    }
    city.tell(|| format!("    {mood:?}"));
    city.weather.origin.set(mood);
}

fn change_store(city: &City) {
    let tier = city.chance.pick(&FAR);
    let fault = draw_fault(&city.chance, city.weather.tier(tier).get());
    city.tell(|| format!("    {tier:?}: {fault:?}"));
    city.weather.tier(tier).set(fault);
}

fn change_shield(city: &City) {
    let chance = &city.chance;
    if chance.percent(30) {
        city.weather.twins.set(!city.weather.twins.get());
    } else {
        city.weather.shield.set(draw_fault(chance, city.weather.shield.get()));
    }
    city.tell(|| format!("    twins: {}, {:?}", city.weather.twins.get(), city.weather.shield.get()));
}

fn change_ledger(city: &City) {
    let fault = draw_fault(&city.chance, city.weather.ledger.get());
    city.tell(|| format!("    ledger: {fault:?}"));
    city.weather.ledger.set(fault);
}

fn draw_fault(chance: &Chance, mut fault: Fault) -> Fault {
    let percent = chance.pick(&[10, 40, 100]);
    match chance.below(7) {
        0 => fault.fails = percent,
        1 => fault.hangs = percent,
        2 => fault.slow = chance.pick(&[50, 400, 3000]),
        3 => fault.corrupts = chance.pick(&[5, 50]),
        4 => fault.drops = percent,
        5 => fault.late = chance.pick(&[1000, 20_000, 120_000]),
        _ => fault = Fault::default(),
    }
    fault
}

/// One of the requests under way: dropped, or left for ever.
fn stop_request(city: &City, leaves: bool) {
    let open = city.watch.open();
    if open.is_empty() {
        return;
    }
    let visit = &open[city.chance.below(open.len() as u64) as usize];
    city.tell(|| format!("    [{}]", visit.context.request));
    city.watch.count(|counts| counts.killed += 1);
    if !leaves {
        visit.context.tasks.take().into_iter().for_each(|task| city.clock.stop(task));
    }
    city.end(&visit.context);
}

/// An isolate is gone, with everything in it, and a new one takes its place.
fn evict(city: &City) {
    let at = city.chance.below(city.homes.borrow().len() as u64) as usize;
    let home = city.homes.borrow()[at].clone();
    replace(city, at, &home, home.deployment);
}

fn replace(city: &City, at: usize, home: &Rc<Home>, deployment: usize) {
    for visit in city.watch.open().iter().filter(|visit| visit.home.id == home.id) {
        city.end(&visit.context);
    }
    let successor = city.build(home.colo, deployment);
    city.tell(|| {
        let name = city.deployments[deployment].name;
        format!("    isolate {} instead of {}, {name}, {} ms ahead", successor.id, home.id, successor.ahead)
    });
    city.homes.borrow_mut()[at] = successor;
}

/// Another configuration, in one data centre or in all; what is under way there ends as it may.
fn deploy(city: &City) {
    let deployment = city.chance.below(city.deployments.len() as u64) as usize;
    let colo = city.chance.below(city.colos.len() as u64) as usize;
    let everywhere = city.chance.percent(40);
    city.watch.count(|counts| counts.deploys += 1);
    let homes = city.homes.borrow().clone();
    for (at, home) in homes.iter().enumerate().filter(|(_, home)| everywhere || home.colo == colo) {
        if city.chance.percent(50) {
            replace(city, at, home, deployment);
        } else {
            // The old code finishes what it began.
            city.homes.borrow_mut()[at] = city.build(home.colo, deployment);
        }
    }
}
