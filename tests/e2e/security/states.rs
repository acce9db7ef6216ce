//! Attacks on one page, in whatever state it is when they begin.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use larder::url::CanonicalUrl;

use super::table::{State, sweep};
use super::{FIXTURE, echo};
use crate::support::{Answer, Asked, Client, Gate, Origin, Reply, until};

/// A page in a state, and those who ask for it.
pub struct Page {
    pub path: String,
    pub client: Client,
    pub origin: &'static Origin,
    /// What the visitor got whose fill was in flight.
    pub first: Option<Reply>,
    /// The origin's barrier, and that visitor.
    held: Option<(Arc<Gate>, JoinHandle<Reply>)>,
}

/// Brings the page at `path` into `state`, by the visit of somebody who sends `visitor`, before an origin that answers by `script`.
///
/// Pages that are stale are so from the beginning: the origin said on delivery that they were old. Where it fails it is an origin of its
/// own, at `failing.test`, since it would be left alone for a while by all; there it turns every good answer of the script into a 503.
pub fn brought_to(
    state: State,
    path: &str,
    visitor: &[(&str, &str)],
    script: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
) -> Page {
    let fixture = &*FIXTURE;
    let (origin, host) = match state {
        State::StaleIfError => (&fixture.failing, "failing.test"),
        _ => (&fixture.site, "site.test"),
    };
    let (gate, count) = (Gate::new(), Arc::new(AtomicUsize::new(0)));
    let (barrier, counter) = (gate.clone(), count.clone());
    origin.on(&canonical(path), move |asked| {
        let is_first = counter.fetch_add(1, Ordering::SeqCst) == 0;
        match state {
            State::StaleWhileRevalidate if is_first => old(script(asked), "stale-while-revalidate=600"),
            State::StaleIfError if is_first => old(script(asked), "stale-while-revalidate=0, stale-if-error=600"),
            State::StaleIfError => failing(script(asked)),
            State::Filling => Answer::Gated(barrier.clone(), Box::new(script(asked))),
            _ => script(asked),
        }
    });
    let client = fixture.worker.client(host);
    let mut page = Page { path: path.to_owned(), client, origin, first: None, held: None };
    match state {
        State::Cold | State::Any => {}
        State::Filling => {
            page.held = Some((gate, visit(client, path, visitor)));
            until(|| (count.load(Ordering::SeqCst) > 0).then_some(()));
        }
        _ => drop(client.get(path, visitor)),
    }
    page
}

/// The path and query that the origin sees of a target.
fn canonical(target: &str) -> String {
    CanonicalUrl::parse(&format!("http://site.test{target}"), None).expect("it is a target").target()
}

/// Somebody asks, and nobody waits for the answer yet.
fn visit(client: Client, path: &str, fields: &[(&str, &str)]) -> JoinHandle<Reply> {
    let path = path.to_owned();
    let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    thread::spawn(move || {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        client.get(&path, &fields)
    })
}

impl Page {
    /// Asks for it. A fill that is in flight stays so until the request has reached the Worker too.
    pub fn ask(&mut self, request: impl Fn(&Client, &str) -> Reply + Sync) -> Reply {
        let Some((gate, first)) = self.held.take() else { return request(&self.client, &self.path) };
        thread::scope(|scope| {
            let asking = scope.spawn(|| request(&self.client, &self.path));
            round_trip(&self.client);
            gate.open();
            self.first = Some(first.join().expect("the visitor is answered"));
            asking.join().expect("it is answered")
        })
    }

    /// What a visitor sees.
    pub fn look(&self) -> Reply {
        self.client.get(&self.path, &[])
    }
}

/// The Worker has seen what was sent before this by the time it answers.
fn round_trip(client: &Client) {
    client.get("/_larder/health", &[]);
}

/// The same answer, already stale on arrival, and what it may still be used for.
fn old(answer: Answer, windows: &str) -> Answer {
    let Answer::Response { status, mut headers, body } = answer else { return answer };
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("cache-control"));
    headers.push(("Cache-Control".to_owned(), format!("max-age=60, {windows}")));
    headers.push(("Age".to_owned(), "100".to_owned()));
    Answer::Response { status, headers, body }
}

/// What an origin says that cannot do any better.
fn failing(answer: Answer) -> Answer {
    match answer {
        Answer::Response { status: 200..300, .. } => Answer::new(503, &[], "the origin fails"),
        other => other,
    }
}

/// What a victim saw, without what differs from one request to the next and from one page to another.
pub fn clean(reply: &Reply, page: &Page) -> (u16, Vec<(String, String)>, String) {
    const DIFFERS: [&str; 9] = [
        "age",
        "cache-control",
        "cache-status",
        "content-length",
        "date",
        "etag",
        "server-timing",
        "connection",
        "transfer-encoding",
    ];
    let plain = |text: &str| text.replace(&page.path, "PATH").replace(&page.origin.address.to_string(), "ORIGIN");
    let mut headers: Vec<_> = reply
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), plain(value)))
        .filter(|(name, _)| !DIFFERS.contains(&name.as_str()))
        .collect();
    headers.sort();
    let text = plain(&reply.text()).replace("failing.test", "site.test");
    let (head, rest) = text.split_once(" n=").unwrap_or((&text, ""));
    (reply.status, headers, format!("{head}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit())))
}

/// The attacker asks, the victim asks; both again; in every state of the page, and with the victim joining the attacker's fill. In none
/// of it does the victim see anything but the page, and a good page stays.
pub fn poison(case: &str, prefix: &str, attack: impl Fn(&Client, &str) -> Reply + Sync, marker: &str) {
    poison_page(case, prefix, echo, attack, marker);
}

/// The same with a page that the origin makes by `script`.
pub fn poison_page(
    case: &str,
    prefix: &str,
    script: impl Fn(&Asked) -> Answer + Send + Sync + Clone + 'static,
    attack: impl Fn(&Client, &str) -> Reply + Sync,
    marker: &str,
) {
    let path = |state: &str| format!("{prefix}{}-{state}", case.to_lowercase().replace([' ', ':', '/'], "-"));
    let twin = brought_to(State::Cold, &path("twin"), &[], script.clone());
    let expected = clean(&twin.look(), &twin);
    assert_eq!(expected.0, 200, "{case}");
    let check = |seen: &Reply, page: &Page, moment: &str| {
        assert!(!seen.contains(marker), "{case}, {moment}: {}", seen.text());
        assert_eq!(clean(seen, page), expected, "{case}, {moment}");
    };
    let scripts = Mutex::new(script);
    let script = || scripts.lock().expect("nobody panicked here").clone();
    sweep(case, |state| {
        let mut page = brought_to(state, &path(&state.to_string()), &[], script());
        let good = (state == State::Fresh).then(|| page.look());
        page.ask(&attack);
        page.first.iter().for_each(|first| check(first, &page, "in flight before the attack"));
        let seen = page.look();
        check(&seen, &page, &format!("{state}, after the attack"));
        if let Some(good) = good {
            assert!(seen.is_hit() && seen.text() == good.text(), "{case}: {} replaced it", seen.text());
        }
        page.ask(&attack);
        until(|| {
            let seen = page.look();
            check(&seen, &page, &format!("{state}, after a second attack"));
            // While the origin fails there is nothing fresh to wait for.
            (state == State::StaleIfError || seen.is_hit() && seen.detail().is_none()).then_some(())
        });
        if state == State::Filling {
            let (page, seen) = joined(&path("joined"), script(), &attack);
            check(&seen, &page, "joining the attack");
            check(&page.look(), &page, "after joining the attack");
        }
    });
}

/// The attacker asks, and the victim while the origin has not answered yet.
fn joined(
    path: &str,
    script: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    attack: impl Fn(&Client, &str) -> Reply + Sync,
) -> (Page, Reply) {
    let gate = Gate::new();
    let barrier = gate.clone();
    let page = brought_to(State::Cold, path, &[], move |asked| Answer::Gated(barrier.clone(), Box::new(script(asked))));
    let seen = thread::scope(|scope| {
        let attacking = scope.spawn(|| attack(&page.client, &page.path));
        round_trip(&page.client);
        let joining = scope.spawn(|| page.look());
        round_trip(&page.client);
        gate.open();
        drop(attacking.join().expect("the attacker is answered"));
        joining.join().expect("the victim is answered")
    });
    (page, seen)
}

/// The victim visits a URL, signed in; then somebody without a cookie, and somebody else, twice. Nobody sees the victim's name. What was
/// there before, in the states where something was, is a public file of that name; then the application answers for whoever asks.
pub fn deceive(case: &str, target: &str) {
    const ALICE: &[(&str, &str)] = &[("Cookie", "sid=alice")];
    sweep(case, |state| {
        let target = format!("{target}{}{state}", if target.contains('?') { '&' } else { '?' });
        let visitor = if state == State::Filling { ALICE } else { &[] };
        let was_file = AtomicBool::new(matches!(state, State::Cold | State::Filling));
        let mut page = brought_to(state, &target, visitor, move |asked| {
            if was_file.swap(true, Ordering::SeqCst) { account(asked) } else { file(asked) }
        });
        if page.held.is_none() {
            page.ask(|client, target| client.get(target, ALICE));
        }
        for cookie in [&[][..], &[("Cookie", "sid=bob")], &[], &[("Cookie", "sid=bob")]] {
            let seen = page.ask(|client, target| client.get(target, cookie));
            assert!(!seen.contains("alice"), "{case} {target}: {}", seen.text());
        }
    });
}

/// A file that is everybody's, of the type that its name says.
fn file(asked: &Asked) -> Answer {
    let path = asked.target.split('?').next().unwrap_or_default();
    let media_type = match path.rsplit('.').next() {
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("jpg") => "image/jpeg",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("pdf") => "application/pdf",
        Some("txt") => "text/plain",
        _ => "text/html",
    };
    Answer::ok(&[("Content-Type", media_type), ("Cache-Control", "public, max-age=60")], "a file")
}

/// The page of whoever asks, as an application sends it that says nothing of caching.
pub fn account(asked: &Asked) -> Answer {
    Answer::ok(&[("Content-Type", "text/html")], asked.marker())
}

#[test]
fn each_state_is_what_it_is_called() {
    for prefix in ["/pub/", "/tiers/", "/plain/"] {
        for (state, expected) in [
            (State::Cold, "fwd=uri-miss"),
            (State::Fresh, "hit; ttl="),
            (State::StaleWhileRevalidate, "detail=stale-while-revalidate"),
            (State::StaleIfError, "detail=stale-if-error"),
            (State::Filling, "collapsed"),
        ] {
            let mut page = brought_to(state, &format!("{prefix}state-{state}"), &[], echo);
            let status = page.ask(|client, path| client.get(path, &[])).cache_status();
            assert!(status.contains(expected), "{prefix} {state}: {status}");
        }
    }
}
