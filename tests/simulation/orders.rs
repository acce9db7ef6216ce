//! Purges that whoever runs the site asks for: of one URL, of a tag, of a part of the site, hard and soft.

use std::rc::Rc;

use bytes::Bytes;
use http::Method;
use larder::engine::ports::Body;
use larder::engine::{Arrival, Engine};
use larder::url::CanonicalUrl;
use serde_json::{Value, json};

use super::city::{City, Context, Home};
use super::deployments::ADMIN_TOKEN;
use super::origin::url_key;
use super::ports::Wires;
use super::site::Page;
use super::visits::LONGEST_WAIT;
use super::watch::Invariant;
use super::wishes::draw_query;
use crate::support::headers;

/// A purge to be asked for.
pub struct Order {
    what: Value,
    /// The one URL that it names, if it names one.
    pub url: Option<String>,
    /// The pages that it is about.
    pub pages: Vec<usize>,
    /// Whether it names them by their tag, which the origin's errors do not have.
    pub by_tag: bool,
    pub is_soft: bool,
}

impl Order {
    fn draw(city: &City) -> Self {
        let chance = &city.chance;
        let pages = &city.origin.pages;
        let at = chance.below(pages.len() as u64) as usize;
        let page = &pages[at];
        let all = |is_meant: &dyn Fn(&Page) -> bool| -> Vec<usize> {
            (0..pages.len()).filter(|page| is_meant(&pages[*page])).collect()
        };
        let folder = format!("{}/", page.route);
        let (mut by_tag, mut url) = (false, None);
        let (mut what, pages) = match chance.weighted(&[(50, 0), (20, 1), (10, 2), (10, 3), (5, 4), (5, 5)]) {
            0 => {
                let query = draw_query(page, chance);
                url = Some(url_key(page.host, &page.path, &query));
                let question = if query.is_empty() { query } else { format!("?{query}") };
                (json!({ "urls": [format!("https://{}{}{question}", page.host, page.path)] }), vec![at])
            }
            1 => {
                by_tag = true;
                (json!({ "tags": [page.tag()] }), all(&|other| other.tag() == page.tag()))
            }
            2 => (json!({ "prefixes": [folder] }), all(&|other| other.path.starts_with(&folder))),
            3 => {
                let area = format!("{}{folder}*", page.host);
                let is_in = |other: &Page| other.host == page.host && other.path.starts_with(&folder);
                (json!({ "patterns": [area] }), all(&is_in))
            }
            4 => (json!({ "hosts": [page.host] }), all(&|other| other.host == page.host)),
            _ => (json!({ "everything": true }), all(&|_| true)),
        };
        let is_soft = chance.percent(25);
        what["soft"] = json!(is_soft);
        Self { what, url, pages, by_tag, is_soft }
    }
}

/// Somebody asks an isolate for a purge.
pub fn purge(city: &Rc<City>, number: u64) {
    let order = Order::draw(city);
    let home = {
        let homes = city.homes.borrow();
        homes[city.chance.below(homes.len() as u64) as usize].clone()
    };
    city.tell(|| format!("    isolate {}: {}", home.id, order.what));
    city.clock.spawn(carry_out(city.clone(), home, number, order));
}

async fn carry_out(city: Rc<City>, home: Rc<Home>, number: u64, order: Order) {
    let context = Rc::new(Context::new(number, &home, false));
    context.purges.replace(order.pages.clone());
    order.pages.iter().for_each(|page| city.watch.load.disturb_all(*page, &context));
    let wires = Rc::new(Wires { city: city.clone(), home: home.clone(), context: context.clone() });
    let settings = city.deployments[home.deployment].settings.clone();
    let engine = Engine::new(wires, settings, home.isolate.clone());
    let url = CanonicalUrl::parse("https://a.test/_larder/purge", Some("a.test"));
    let headers = headers(&[("authorization", &format!("Bearer {ADMIN_TOKEN}"))]);
    let body = Body::Blob(Bytes::from(order.what.to_string()));
    let start = city.clock.now();
    let outcome = engine.handle(Arrival { method: Method::POST, url, headers, body, again: false }).await;
    let status = outcome.response.status.as_u16();
    city.tell(|| format!("    [{number}] {status}"));
    if city.clock.now() > start + LONGEST_WAIT {
        city.watch.violated(Invariant::Liveness, || format!("purge {number} took {} ms", city.clock.now() - start));
    }
    // A purge that is not durable is never acknowledged.
    let is_true = match status {
        200 => context.recorded.get().is_some(),
        503 => context.recorded.get().is_none(),
        _ => false,
    };
    if !is_true {
        city.watch.violated(Invariant::PurgeBound, || format!("purge {number} is answered by {status}"));
    }
    if status == 200 {
        city.watch.purges.carry_out(&city, &home, &context, &order);
        city.watch.count(|counts| counts.ordered += 1);
    }
    for deferred in outcome.deferred {
        engine.run(deferred).await;
    }
    context.over.set(Some(city.clock.now()));
}
