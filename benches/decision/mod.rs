//! The decisions that are timed and counted: about one page of a site with many routes, asked for as browsers do.

#![allow(dead_code, reason = "each bench asks a part of it")]

use std::hint::black_box;
use std::mem;
use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use larder::cache::reuse::{Question, Reuse, decide};
use larder::cache::serve::{Served, serve};
use larder::cache::storability::{Admission, Asked, storability};
use larder::cache::variant::answers;
use larder::cache::{BodyFacts, Entry, Fetched, Head, Stamp, record};
use larder::fields::{RequestDirectives, Timestamp};
use larder::forward::{IdentityKeys, Lookup, plan};
use larder::message::{RequestHead, ResponseHead};
use larder::policy::{Config, Policy, Selected};
use larder::url::CanonicalUrl;
use serde_json::json;

pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
pub const FETCHED: Fetched = Fetched { requested: NOW, received: NOW };
pub const URL: &str = "https://www.example.com/articles/today?page=2";

/// What a browser sends that has another version of the page.
pub const REQUEST: &[(&str, &str)] = &[
    ("host", "www.example.com"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("accept-language", "en-GB,en;q=0.5"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("cookie", "_ga=GA1.1.1234567890.1700000000; csrftoken=0123456789abcdef"),
    ("sec-fetch-mode", "navigate"),
    ("if-none-match", "\"another\""),
];

pub const RESPONSE: &[(&str, &str)] = &[
    ("date", "Fri, 15 Jan 2027 08:00:00 GMT"),
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "public, max-age=600, stale-while-revalidate=60"),
    ("etag", "\"one\""),
    ("last-modified", "Thu, 14 Jan 2027 08:00:00 GMT"),
    ("cache-tag", "news, front"),
];

/// A site.
pub struct Site {
    pub config: Config,
    pub keys: IdentityKeys,
}

impl Site {
    /// With so many routes, of which none but the last matches the page.
    pub fn with_routes(count: usize) -> Self {
        let mut routes: Vec<_> = (1..count).map(|number| json!({ "path": format!("/section-{number}/*") })).collect();
        routes.push(json!({ "path": "/articles/*" }));
        // A variable holds as many as one may be long, and the next one is read after it.
        let name = |at: usize| if at == 0 { "ROUTES".to_owned() } else { format!("ROUTES_{}", at + 1) };
        let mut vars = json!({ "ORIGIN": "https://origin.example.com" });
        for (at, routes) in routes.chunks(100).enumerate() {
            vars[name(at)] = routes.into();
        }
        let config = Config::read(vars.as_object().expect("a table")).expect("no mistakes");
        Self { config, keys: IdentityKeys::new(Some("key"), None) }
    }

    pub fn look_up(&self, request: &Rc<RequestHead>) -> Lookup {
        self.look_up_by(request, self.config.table.select(&request.url, &request.method))
    }

    fn look_up_by(&self, request: &Rc<RequestHead>, selected: Selected) -> Lookup {
        let ambiguous = self.config.table.is_ambiguous(&request.url, &request.method);
        plan(request, selected, ambiguous, &self.config.key_prefix, &self.keys).expect("it is looked up")
    }

    /// From the fields of a request to the head of the response. Takes the fields as they are and gives them back: to copy them is no part
    /// of the decision.
    pub fn answer(&self, fields: &mut HeaderMap, head: &Head) -> Served {
        let request = request(mem::take(fields));
        let selected = self.config.table.select(&request.url, &request.method);
        let lookup = self.look_up_by(&request, selected);
        let served = reuse(&request, &lookup, head, selected.policy);
        drop(black_box(lookup));
        *fields = Rc::into_inner(request).expect("nobody else has it").headers;
        served
    }

    /// The policy of the page.
    pub fn policy(&self) -> Rc<Policy> {
        self.config.table.select(&request(HeaderMap::new()).url, &Method::GET).policy.clone()
    }

    /// The page as it is stored.
    pub fn stored(&self) -> Head {
        let (lookup, policy) = (self.look_up(&request(headers(REQUEST))), self.policy());
        let response = response();
        let Admission { terms, initial_age, headers, selecting, names } = admit(&response, &lookup, &policy);
        Head {
            key: lookup.key,
            status: response.status,
            headers,
            fetched: FETCHED,
            initial_age,
            terms,
            draw: 0.5,
            selecting,
            generation: 1,
            stamp: Stamp::default(),
            fingerprint: policy.fingerprint,
            names,
            body: BodyFacts { length: 4096, checksum: 7, digest: None },
        }
    }
}

/// Whether the stored response may answer the request, and the head of the answer.
pub fn reuse(request: &RequestHead, lookup: &Lookup, head: &Head, policy: &Policy) -> Served {
    assert!(answers(head, || lookup.headers()), "it is the variant");
    let question = Question {
        wanted: request.wanted(),
        directives: RequestDirectives::read(&request.headers),
        authorized: lookup.sends_authorization(),
        purged: None,
        now: NOW,
    };
    let Reuse::Fresh { age, .. } = decide(head, policy, &question) else { panic!("it is fresh") };
    serve(request.wanted(), head, age, policy)
}

/// Whether the response is stored, and how.
pub fn admit(response: &ResponseHead, lookup: &Lookup, policy: &Policy) -> Admission {
    storability(response, Asked { lookup, no_store: false, policy, fetched: FETCHED }).expect("it is stored")
}

/// The page and 4 KiB of it, as it lies in a store.
pub fn record_of(head: Head) -> Bytes {
    record::encode(&Entry { head, body: Bytes::from(vec![b'x'; 4096]) }).expect("it can be written down")
}

pub fn request(headers: HeaderMap) -> Rc<RequestHead> {
    let url = CanonicalUrl::parse(URL, Some("www.example.com")).expect("a URL");
    Rc::new(RequestHead { method: Method::GET, url, headers, upgrade: false })
}

pub fn response() -> ResponseHead {
    ResponseHead { status: StatusCode::OK, headers: headers(RESPONSE) }
}

pub fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let field =
        |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    fields.iter().map(field).collect()
}
