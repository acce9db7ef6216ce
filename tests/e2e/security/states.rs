//! Pages in each state that a stored page can be in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use larder::url::CanonicalUrl;

use super::table::State;
use super::{FIXTURE, echo};
use crate::support::{Answer, Asked, Client, Gate, Origin, Reply, telling, until};

/// A page in a state, and those who ask for it.
pub struct Page {
    pub path: String,
    pub client: Client,
    pub origin: &'static Origin,
    /// What the visitor got whose fill was in flight.
    pub first: Option<Reply>,
    /// The origin's barrier, and that visitor, until somebody else has asked.
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
pub fn canonical(target: &str) -> String {
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
        let (sent, is_sent) = channel();
        thread::scope(|scope| {
            let (client, path) = (&self.client, &self.path);
            let asking = scope.spawn(|| telling(sent, || request(client, path)));
            // Or it has its own way to send, and less to say about when.
            let _ = is_sent.recv_timeout(Duration::from_secs(1));
            round_trip(client);
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
pub fn round_trip(client: &Client) {
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
