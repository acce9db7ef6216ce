//! How long the decisions of a cache take, without any network: a fresh hit from the fields of the request to the head of the response,
//! whether a response is stored, a record read back, and what a hundred thousand purges cost. Beside it what `http-cache-semantics` takes
//! for the same questions.

use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_cache_semantics::CachePolicy;
use larder::cache::reuse::{Question, Reuse, decide};
use larder::cache::serve::serve;
use larder::cache::storability::{Admission, Asked, storability};
use larder::cache::{BodyFacts, Entry, Fetched, Head, Stamp, record};
use larder::fields::{RequestDirectives, Timestamp};
use larder::forward::{IdentityKeys, plan};
use larder::message::{RequestHead, ResponseHead};
use larder::policy::Config;
use larder::purge::{Name, PurgeIndex, Snapshot};
use larder::url::CanonicalUrl;
use serde_json::json;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const FETCHED: Fetched = Fetched { requested: NOW, received: NOW };
const ROUTES: usize = 100;

/// What a browser sends.
const REQUEST: &[(&str, &str)] = &[
    ("host", "www.example.com"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("accept-language", "en-GB,en;q=0.5"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("cookie", "_ga=GA1.1.1234567890.1700000000; csrftoken=0123456789abcdef"),
    ("sec-fetch-mode", "navigate"),
    ("if-none-match", "\"another\""),
];

const RESPONSE: &[(&str, &str)] = &[
    ("date", "Fri, 15 Jan 2027 08:00:00 GMT"),
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "public, max-age=600, stale-while-revalidate=60"),
    ("etag", "\"one\""),
    ("last-modified", "Thu, 14 Jan 2027 08:00:00 GMT"),
    ("cache-tag", "news, front"),
];

criterion_group!(decisions, fresh_hit, stored, read_back, purged);
criterion_main!(decisions);

/// From the fields of the request to the head of the response, among a hundred routes of which none but the last matches.
fn fresh_hit(criterion: &mut Criterion) {
    let (config, keys) = (config(), IdentityKeys::new(Some("key"), None));
    let head = head(&config, &keys);
    let fields = headers(REQUEST);
    criterion.bench_function("fresh hit", |bencher| {
        bencher.iter(|| {
            let url = CanonicalUrl::parse("https://www.example.com/articles/today?page=2", Some("www.example.com"));
            let request = RequestHead {
                method: Method::GET,
                url: url.expect("a URL"),
                headers: black_box(&fields).clone(),
                upgrade: false,
            };
            let selected = config.table.select(&request.url, &request.method);
            let ambiguous = config.table.is_ambiguous(&request.url, &request.method);
            let lookup = plan(&request, selected, ambiguous, &config.key_prefix, &keys).expect("it is looked up");
            let question = Question {
                wanted: request.wanted(),
                directives: RequestDirectives::read(&request.headers),
                authorized: lookup.sends_authorization,
                purged: None,
                now: NOW,
            };
            let Reuse::Fresh { age, .. } = decide(&head, selected.policy, &question) else { panic!("it is fresh") };
            black_box(serve(request.wanted(), &head, age, selected.policy))
        });
    });
    let policy = CachePolicy::new(&their_request(), &their_response());
    let request = their_request();
    criterion.bench_function("fresh hit, http-cache-semantics", |bencher| {
        bencher.iter(|| black_box(policy.before_request(black_box(&request), their_now())));
    });
}

fn stored(criterion: &mut Criterion) {
    let (config, keys) = (config(), IdentityKeys::new(Some("key"), None));
    let request = request();
    let selected = config.table.select(&request.url, &request.method);
    let lookup = plan(&request, selected, false, "", &keys).expect("it is looked up");
    let response = ResponseHead { status: StatusCode::OK, headers: headers(RESPONSE) };
    let asked = Asked { lookup: &lookup, no_store: false, policy: selected.policy, fetched: FETCHED };
    criterion.bench_function("storability", |bencher| {
        bencher.iter(|| black_box(storability(black_box(&response), asked)));
    });
    let (request, response) = (their_request(), their_response());
    criterion.bench_function("storability, http-cache-semantics", |bencher| {
        bencher.iter(|| {
            let policy = CachePolicy::new_options(black_box(&request), &response, their_now(), Default::default());
            black_box((policy.is_storable(), policy))
        });
    });
}

fn read_back(criterion: &mut Criterion) {
    let config = config();
    let head = head(&config, &IdentityKeys::new(Some("key"), None));
    let bytes = record::encode(&Entry { head, body: Bytes::from(vec![b'x'; 4096]) }).expect("it can be written down");
    criterion.bench_function("record of 4 KiB", |bencher| {
        bencher.iter(|| black_box(record::decode(black_box(&bytes))));
    });
}

/// What a cold isolate does with what the ledger says, and what a hit does with it.
fn purged(criterion: &mut Criterion) {
    const PURGES: u64 = 100_000;
    let config = config();
    let head = head(&config, &IdentityKeys::new(Some("key"), None));
    let url = request().url;
    let mut hard: Vec<_> = (0..PURGES).map(|number| (Name::tag(&format!("tag-{number}")), number + 2)).collect();
    hard.sort_unstable();
    let snapshot = Snapshot { incarnation: 7, last: PURGES + 1, hard, ..Snapshot::default() };
    let bytes = Bytes::from(snapshot.encode());
    let read = |bytes: &Bytes| {
        let mut index = PurgeIndex::default();
        index.update(Snapshot::decode(bytes).expect("it can be read"), NOW);
        index
    };
    criterion.bench_function("a ledger of 100,000 purges read", |bencher| bencher.iter(|| black_box(read(&bytes))));
    let head = Head { stamp: Stamp { incarnation: 7, sequence: PURGES + 1, ..head.stamp }, ..head };
    let few = Bytes::from(Snapshot { incarnation: 7, last: 1, ..Snapshot::default() }.encode());
    for (name, bytes) in [("a hit among no purges", few), ("a hit among 100,000 purges", bytes)] {
        let index = read(&bytes);
        criterion.bench_function(name, |bencher| bencher.iter(|| black_box(index.purged(black_box(&url), &head))));
    }
}

fn config() -> Config {
    let mut routes: Vec<_> = (1..ROUTES).map(|number| json!({ "path": format!("/section-{number}/*") })).collect();
    routes.push(json!({ "path": "/articles/*" }));
    let vars = json!({ "ORIGIN": "https://origin.example.com", "ROUTES": routes });
    Config::read(vars.as_object().expect("a table")).expect("no mistakes")
}

fn request() -> RequestHead {
    let url = CanonicalUrl::parse("https://www.example.com/articles/today?page=2", None).expect("a URL");
    RequestHead { method: Method::GET, url, headers: headers(REQUEST), upgrade: false }
}

fn head(config: &Config, keys: &IdentityKeys) -> Head {
    let request = request();
    let selected = config.table.select(&request.url, &request.method);
    let lookup = plan(&request, selected, false, "", keys).expect("it is looked up");
    let policy: &Rc<_> = selected.policy;
    let response = ResponseHead { status: StatusCode::OK, headers: headers(RESPONSE) };
    let asked = Asked { lookup: &lookup, no_store: false, policy, fetched: FETCHED };
    let Admission { terms, initial_age, headers, selecting, tags, groups, identities } =
        storability(&response, asked).expect("it is stored");
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
        tags,
        groups,
        identities,
        body: BodyFacts { length: 4096, digest: [7; 32] },
    }
}

fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let field =
        |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    fields.iter().map(field).collect()
}

fn their_request() -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = "https://www.example.com/articles/today?page=2".parse().expect("a URI");
    *request.headers_mut() = headers(REQUEST);
    request
}

fn their_response() -> Response<()> {
    let mut response = Response::new(());
    *response.headers_mut() = headers(RESPONSE);
    response
}

fn their_now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(NOW.as_millis())
}
