//! Who comes, and for what: visitors at a steady rate, evenly over the isolates, for pages some of which are asked for more than others.

use std::rc::Rc;

use http::{HeaderMap, Method};
use larder::engine::ports::Body;
use larder::engine::{Arrival, Engine, Isolate, Secrets, Settings};
use larder::url::CanonicalUrl;
use serde_json::json;

use super::chance::Chance;
use super::city::City;
use super::counts::Call;
use super::ports::{Place, REDIS};

/// Requests a second, all over the world.
pub const RATE: f64 = 1000.0;

/// Seconds for which a page is fresh.
const LIFETIME: f64 = 180.0;

/// A fifth of it at most is taken off by chance: a tenth on average.
const MEAN_LIFETIME: f64 = LIFETIME * 0.9;

/// What an isolate is asked in a second where there are many visitors: the runtime begins another one beyond that. A guess; only the
/// ledger's calls depend on it.
pub const BUSY: f64 = 250.0;

/// The page in place n is asked for as often as n to the power of minus this.
const ZIPF: f64 = 0.8;

/// Seconds until what is stored is as it goes on to be.
const WARM_UP: f64 = 200.0;

/// Seconds that are counted: a lifetime, since what was fetched first is still fetched again at about the same time.
pub const COUNTED: f64 = MEAN_LIFETIME;

/// How many isolates there are in so many data centres.
pub fn isolates(colos: usize) -> usize {
    colos.max((RATE / BUSY).ceil() as usize)
}

/// The world after its requests. `ratio` is the share of them that what is stored is to answer.
pub fn run(colos: usize, ratio: f64) -> Rc<City> {
    let city = Rc::new(City::new(7));
    let settings = settings();
    let home = |at| (Rc::new(Place { city: city.clone(), colo: at % colos }), Rc::new(Isolate::default()));
    let homes: Vec<_> = (0..isolates(colos)).map(home).collect();
    let begin = city.clock.now();
    let end = begin + ((WARM_UP + COUNTED) * 1000.0) as u64;
    let popularity = Popularity::new(pages_for(ratio));
    let visitors = {
        let city = city.clone();
        async move {
            let (mut at, mut is_warm) = (0.0, false);
            loop {
                at -= (1.0 - city.chance.unit()).ln() / RATE;
                if !is_warm && at > WARM_UP {
                    is_warm = true;
                    city.counts.reset();
                }
                city.clock.until(begin + (at * 1000.0) as u64).await;
                let (place, isolate) = &homes[city.chance.below(homes.len() as u64) as usize];
                let engine = Engine::new(place.clone(), settings.clone(), isolate.clone());
                visit(&city, engine, popularity.draw(&city.chance));
            }
        }
    };
    city.clock.spawn(visitors);
    assert!(city.clock.run_until(end, &city.chance), "somebody goes round in circles");
    city.close();
    city
}

fn visit(city: &Rc<City>, engine: Engine<Place>, page: usize) {
    let inside = city.clone();
    city.clock.spawn(async move {
        let url = CanonicalUrl::parse(&format!("https://site.test/pages/{page}"), Some("site.test"));
        let arrival = Arrival { method: Method::GET, url, headers: HeaderMap::new(), body: Body::Empty, again: false };
        let outcome = engine.handle(arrival).await;
        inside.counts.add(Call::Request);
        if outcome.report.is_hit() {
            inside.counts.add(Call::Hit);
        }
        for deferred in outcome.deferred {
            let engine = engine.clone();
            inside.clock.spawn(async move { engine.run(deferred).await });
        }
    });
}

/// Every tier, and everything else as it is without saying so.
fn settings() -> Rc<Settings> {
    let vars = json!({
        "ORIGIN": "http://origin.test",
        "SITE": { "cache": "force", "ttl": LIFETIME as u64 },
        "REDIS": { "protocol": "webdis", "url": REDIS.trim_end_matches('/') },
    });
    Rc::new(Settings::new(vars.as_object().expect("a table"), &Secrets::default()))
}

/// How often each page is asked for.
struct Popularity(Vec<f64>);

impl Popularity {
    fn new(pages: usize) -> Self {
        let mut sum = 0.0;
        Self(
            (1..=pages)
                .map(|place| {
                    sum += weight(place);
                    sum
                })
                .collect(),
        )
    }

    fn draw(&self, chance: &Chance) -> usize {
        let at = chance.unit() * self.0.last().expect("pages");
        self.0.partition_point(|sum| *sum <= at)
    }
}

fn weight(place: usize) -> f64 {
    (place as f64).powf(-ZIPF)
}

/// How many pages there are if the share `ratio` of all requests is for what was fetched less than a lifetime ago.
fn pages_for(ratio: f64) -> usize {
    let (mut few, mut many) = (1, 4_000_000);
    while many - few > few / 500 + 1 {
        let middle = few + (many - few) / 2;
        if hit_ratio(middle) > ratio { few = middle } else { many = middle }
    }
    few
}

/// By arithmetic: a page that is asked for n times in a lifetime is fetched once for each 1 + n requests.
fn hit_ratio(pages: usize) -> f64 {
    let all: f64 = (1..=pages).map(weight).sum();
    let hits = |place| {
        let share = weight(place) / all;
        let asked = share * RATE * MEAN_LIFETIME;
        share * asked / (1.0 + asked)
    };
    (1..=pages).map(hits).sum()
}
