//! How fast pages are read for markup, natively: without any, with ten includes, and with variables; in the pieces a network brings. And
//! what a hit on a page that is no template costs.

#![allow(clippy::print_stdout, reason = "it is what it is for")]
#![allow(clippy::disallowed_methods, reason = "a clock is what it measures by")]

use std::cell::Cell;
use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use larder::esi::{Assembler, Visitor, is_template};
use larder::policy::Config;
use larder::url::CanonicalUrl;
use serde_json::{Value, json};

/// Of one page.
const SIZE: usize = 1 << 20;

/// Of one piece.
const PIECE: usize = 64 << 10;

/// What counts is the best of these: the rest is the machine's other work.
const RUNS: usize = 200;

fn main() {
    println!("pages of {} KiB, in pieces of {} KiB\n", SIZE >> 10, PIECE >> 10);
    println!("| page | GB/s | goal |");
    println!("|---|---:|---:|");
    let plain = html();
    for (name, page, goal) in [
        ("without ESI", plain.clone(), "1.0"),
        ("with 10 includes", spread(&plain, |number| format!("<esi:include src=\"/fragment/{number}\"/>")), "0.5"),
        ("with 10 variables", spread(&plain, |_| "<esi:vars>$(QUERY_STRING{name})</esi:vars>".to_owned()), ""),
        ("all of it in <!--esi -->", format!("<!--esi {plain}-->"), ""),
    ] {
        println!("| {name} | {:.2} | {goal} |", throughput(&page));
    }
    println!("\n| that a page is no template, found out at each hit | ns |");
    println!("|---|---:|");
    for (name, esi) in [("on a route without `esi`", json!(false)), ("on a route with `esi = true`", json!(true))] {
        println!("| {name} | {:.1} |", decision(&esi));
    }
}

/// Nanoseconds.
fn decision(esi: &Value) -> f64 {
    const TIMES: u32 = 1_000_000;
    let vars = json!({ "ORIGIN": "http://origin.test", "SITE": { "esi": esi } });
    let policy = Config::read(vars.as_object().expect("a table")).expect("no mistakes").table.site.clone();
    let headers: HeaderMap = [(CONTENT_TYPE, "text/html"), (CACHE_CONTROL, "max-age=600")]
        .map(|(name, value)| (name, value.parse().expect("a value")))
        .into_iter()
        .collect();
    let best = (0..RUNS).map(|_| {
        let began = Instant::now();
        for _ in 0..TIMES {
            assert!(!black_box(is_template(black_box(&policy), StatusCode::OK, black_box(&headers))));
        }
        began.elapsed().as_secs_f64()
    });
    best.fold(f64::MAX, f64::min) / f64::from(TIMES) * 1e9
}

/// Gigabytes a second.
fn throughput(page: &str) -> f64 {
    let page = Bytes::from(page.to_owned());
    let pieces: Vec<_> = (0..page.len()).step_by(PIECE).map(|at| page.slice(at..page.len().min(at + PIECE))).collect();
    let visitor = visitor();
    let best = (0..RUNS).map(|_| {
        let mut assembler = Assembler::new(visitor.clone());
        let began = Instant::now();
        let written = assemble(&mut assembler, &pieces);
        let took = began.elapsed();
        assert!(written + 4096 > page.len());
        took.as_secs_f64()
    });
    page.len() as f64 / best.fold(f64::MAX, f64::min) / 1e9
}

fn assemble(assembler: &mut Assembler<Bytes>, pieces: &[Bytes]) -> usize {
    let mut written = 0;
    for piece in pieces {
        assembler.feed(black_box(piece));
        while let Some(wanted) = assembler.next_wanted() {
            assembler.answer(wanted.number, Some(Bytes::from_static(b"<p>fragment</p>")));
        }
        written += assembler.take_ready().iter().map(Bytes::len).sum::<usize>();
    }
    assembler.end();
    written + assembler.take_ready().iter().map(Bytes::len).sum::<usize>()
}

/// As pages are: a tag every thirty bytes or so.
fn html() -> String {
    let row = "<tr class=\"row\"><td><a href=\"/articles/the-title-of-an-article/\">The title of an article, and what it is \
        about</a></td><td>21 November</td><td><span class=\"tag\">news</span> &amp; more</td></tr>\n";
    row.repeat(SIZE / row.len() + 1)[..SIZE].to_owned()
}

/// The page with ten of these, evenly spread.
fn spread(page: &str, markup: impl Fn(usize) -> String) -> String {
    let parts = page.as_bytes().chunks(SIZE / 10 + 1).enumerate();
    parts.map(|(number, part)| format!("{}{}", String::from_utf8_lossy(part), markup(number))).collect()
}

fn visitor() -> Visitor {
    let vars = json!({ "ORIGIN": "http://origin.test" });
    let config = Config::read(vars.as_object().expect("a table")).expect("no mistakes");
    let url = CanonicalUrl::parse("https://site.test/page?name=value", None).expect("a URL");
    Visitor {
        url,
        headers: HeaderMap::new(),
        policy: config.table.site.clone(),
        hosts: Vec::new(),
        looked_at: Cell::default(),
    }
}
