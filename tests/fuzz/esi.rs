//! ESI: a template becomes the same page however it is cut and in whatever order its fragments come, and no larger than it may.
#![cfg_attr(fuzzing, no_main)]

use std::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use larder::esi::{Assembler, Visitor, Wanted, limits};
use larder::policy::Policy;
use larder::url::CanonicalUrl;
use serde_json::json;

use crate::input::{Input, policy};

#[cfg(fuzzing)]
mod input;
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holds(data));

/// In the cookie of somebody, and never in what is fetched for them.
const SECRET: &str = "s3cret";

/// What a fragment consists of.
const FRAGMENT: &str = "[fragment]";

/// A page, and the fragments that were asked for, sorted: when one is wanted depends on what is there by then.
type Assembled = (Vec<u8>, Vec<String>);

/// `data` is a template.
pub fn holds(data: &[u8]) {
    let whole = assemble(&[data], Order::AtOnce);
    for size in [1, 3, 8] {
        let pieces: Vec<_> = data.chunks(size).collect();
        assert_same(&assemble(&pieces, Order::AtOnce), &whole, &format!("in pieces of {size}"));
    }
    for at in (1..data.len()).step_by(data.len() / 16 + 1) {
        let (start, rest) = data.split_at(at);
        assert_same(&assemble(&[start, rest], Order::AtOnce), &whole, &format!("cut at {}", start.len()));
    }
    for order in [Order::First, Order::Last] {
        assert_same(&assemble(&[data], order), &whole, &format!("answered {order:?}"));
    }
    assert_is_bounded(data, &whole);
}

/// The page, that is. Not the fragments that were asked for: of an attempt that is known to fail no more are, and how much is known when
/// depends on the cuts.
fn assert_same(found: &Assembled, whole: &Assembled, how: &str) {
    assert_eq!(text(&found.0), text(&whole.0), "{how}");
}

fn assert_is_bounded(template: &[u8], (page, asked): &Assembled) {
    let has = |text: &[u8]| template.windows(text.len()).any(|window| window == text);
    if ![&b"<esi:"[..], b"</esi:", b"<!--esi"].into_iter().any(has) {
        assert_eq!(text(page), text(template), "without markup nothing changes");
    }
    assert!(asked.iter().all(|url| url.len() <= 3 * limits::URL + 64), "{asked:?}");
    assert!(has(SECRET.as_bytes()) || !asked.iter().any(|url| url.contains(SECRET)), "{asked:?}");
    // Each `inline` may be used in the next one, twenty times in all.
    assert!(page.len() <= (template.len() + FRAGMENT.len() + 512) << 11, "{} of {}", page.len(), template.len());
}

/// When fragments are answered.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    /// As soon as they are wanted.
    AtOnce,
    /// When the template has ended, those first that were wanted first.
    First,
    /// When the template has ended, the last one first.
    Last,
}

fn assemble(pieces: &[&[u8]], order: Order) -> Assembled {
    let mut assembler = Assembler::<Bytes>::new(visitor());
    let (mut page, mut asked) = (Vec::new(), Vec::new());
    for piece in pieces {
        assembler.feed(&Bytes::copy_from_slice(piece));
        if order == Order::AtOnce {
            answer(&mut assembler, order, &mut asked);
            take(&mut assembler, &mut page);
        }
    }
    assembler.end();
    loop {
        take(&mut assembler, &mut page);
        if assembler.is_done() {
            break;
        }
        // What stands in for a fragment that is not there is wanted only by now.
        let before = asked.len();
        answer(&mut assembler, order, &mut asked);
        assert!(asked.len() > before, "it waits for nothing");
    }
    asked.sort_unstable();
    (page, asked)
}

fn take(assembler: &mut Assembler<Bytes>, page: &mut Vec<u8>) {
    assembler.take_ready().iter().for_each(|bytes| page.extend_from_slice(bytes));
}

fn answer(assembler: &mut Assembler<Bytes>, order: Order, asked: &mut Vec<String>) {
    let mut wanted: Vec<_> = std::iter::from_fn(|| assembler.next_wanted()).collect();
    if order == Order::Last {
        wanted.reverse();
    }
    for wanted in wanted {
        asked.push(wanted.url.to_string());
        assembler.answer(wanted.number, fragment(&wanted));
    }
}

/// Half of the paths lead somewhere.
fn fragment(wanted: &Wanted) -> Option<Bytes> {
    wanted.url.path.len().is_multiple_of(2).then(|| Bytes::from_static(FRAGMENT.as_bytes()))
}

thread_local! {
    static POLICY: Rc<Policy> =
        policy(json!({ "vary_cookie": ["sessionid"], "cookie_class": { "group": ["Advanced", "Basic"] } }));
}

fn visitor() -> Visitor {
    let headers = format!(
        "cookie: group=Advanced; sessionid={SECRET}\naccept-language: da, de;q=0.7\nuser-agent: Mozilla/4.0\n\
         referer: http://roberts.test/"
    );
    Visitor {
        url: CanonicalUrl::parse("https://site.test/dir/page?first=Robin&dots=..", None).expect("a URL"),
        headers: Input::new(headers.as_bytes()).headers(),
        policy: POLICY.with(Rc::clone),
        hosts: vec!["listed.test".to_owned()],
        looked_at: Cell::default(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
