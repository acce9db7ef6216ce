//! How long the decisions of a cache take, without any network: a fresh hit from the fields of the request to the head of the response,
//! whether a response is stored, a record read back, and what a hundred thousand purges cost. Beside it what `http-cache-semantics` takes
//! for the same questions.

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{Request, Response};
use http_cache_semantics::CachePolicy;
use larder::cache::{Head, Stamp, record};
use larder::name::Name;
use larder::purge::{PurgeIndex, Snapshot};

mod decision;

use decision::{NOW, REQUEST, RESPONSE, Site, URL, admit, headers, record_of, request, response, reuse};

const ROUTES: usize = 100;

criterion_group! {
    name = decisions;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(2));
    targets = fresh_hit, stored, read_back, purged
}
criterion_main!(decisions);

/// From the fields of the request to the head of the response, among a hundred routes of which none but the last matches.
fn fresh_hit(criterion: &mut Criterion) {
    let site = Site::with_routes(ROUTES);
    let (head, mut fields) = (site.stored(), headers(REQUEST));
    criterion.bench_function("fresh hit", |bencher| {
        bencher.iter(|| black_box(site.answer(black_box(&mut fields), &head)));
    });
    // The same from where theirs begins: the request is read, and what is stored for it is at hand.
    let request = request(headers(REQUEST));
    let (lookup, policy) = (site.look_up(&request), site.policy());
    criterion.bench_function("reuse", |bencher| {
        bencher.iter(|| black_box(reuse(black_box(&request), &lookup, &head, &policy)));
    });
    let policy = CachePolicy::new(&their_request(), &their_response());
    let request = their_request();
    criterion.bench_function("reuse, http-cache-semantics", |bencher| {
        bencher.iter(|| black_box(policy.before_request(black_box(&request), their_now())));
    });
}

fn stored(criterion: &mut Criterion) {
    let site = Site::with_routes(ROUTES);
    let (lookup, policy, response) = (site.look_up(&request(headers(REQUEST))), site.policy(), response());
    criterion.bench_function("storability", |bencher| {
        bencher.iter(|| black_box(admit(black_box(&response), &lookup, &policy)));
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
    let bytes = record_of(Site::with_routes(ROUTES).stored());
    criterion.bench_function("record of 4 KiB", |bencher| {
        bencher.iter(|| black_box(record::decode(black_box(&bytes))));
    });
}

/// What a cold isolate does with what the ledger says, and what a hit does with it.
fn purged(criterion: &mut Criterion) {
    const PURGES: u64 = 100_000;
    let head = Site::with_routes(ROUTES).stored();
    let url = request(headers(REQUEST)).url.clone();
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

fn their_request() -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = URL.parse().expect("a URI");
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
