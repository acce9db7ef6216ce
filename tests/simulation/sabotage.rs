//! Worlds that are deliberately wrong: each breaks one promise, so that each check is seen to fail.

use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Method, StatusCode};
use larder::blob::Blob as _;
use larder::cache::{BodyFacts, Entry, Head, record};
use larder::message::ResponseHead;
use larder::purge::Snapshot;

use super::city::City;
use super::site::Marker;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    Nothing,
    /// The stores hand out what belongs to another visitor.
    RecordsChangeOwners,
    /// The stores hand out what belongs to another page.
    RecordsChangePlaces,
    /// The stores hand out the head of one record with the body of another.
    BodiesChangePlaces,
    /// What is read of a body ends early, and nobody says so.
    BodiesEndEarly,
    ClocksStandStill,
    /// The engine does not learn that an unsafe request succeeded.
    FormsAreNotNoticed,
    /// The origin answers with what a page was before it changed.
    OriginLags,
    /// The origin is well, and the engine is told that it cannot be reached.
    OriginIsNeverHeard,
    /// Requests of one isolate know nothing of each other.
    EveryoneIsAlone,
    /// The engine does not learn for how long it may stand in for an origin that fails.
    WindowsAreNotSaid,
    /// The ledger names no purge to those who ask.
    LedgerTellsNothing,
    /// The runtime keeps no deadline.
    NobodyAnswers,
}

/// More records than this are not kept to choose from.
const POOL: usize = 64;

impl Sabotage {
    /// What a store hands out in place of `value`.
    pub fn tamper(self, value: Bytes, city: &City) -> Bytes {
        if !matches!(self, Self::RecordsChangeOwners | Self::RecordsChangePlaces | Self::BodiesChangePlaces) {
            return value;
        }
        let Ok(own) = record::decode(&value) else { return value };
        let mut pool = city.pool.borrow_mut();
        let other = pool.iter().rev().find_map(|other| {
            let other = record::decode(other).ok()?;
            self.is_wrong(&own.body, &other.body).then_some(other)
        });
        if pool.len() < POOL {
            pool.push(value.clone());
        }
        let Some(other) = other else { return value };
        let head = match self {
            Self::BodiesChangePlaces => {
                let body =
                    BodyFacts { length: other.body.len() as u64, checksum: other.body.checksum(), ..own.head.body };
                Head { body, ..own.head }
            }
            // It looks as if it belonged here.
            _ => Head {
                key: own.head.key,
                fingerprint: own.head.fingerprint,
                selecting: own.head.selecting,
                ..other.head
            },
        };
        record::encode(&Entry { head, body: other.body }).unwrap_or(value)
    }

    /// What the ledger says in place of what it knows.
    pub fn withhold(self, snapshot: Bytes) -> Bytes {
        if self != Self::LedgerTellsNothing {
            return snapshot;
        }
        let whole = Snapshot::decode(&snapshot).expect("a snapshot");
        let nothing = Snapshot { hard: Vec::new(), soft: Vec::new(), areas: Vec::new(), ..whole };
        nothing.encode().into()
    }

    /// What the engine hears of an answer.
    pub fn garble(self, head: &mut ResponseHead, method: &Method) {
        match self {
            Self::FormsAreNotNoticed if *method == Method::POST => head.status = StatusCode::BAD_REQUEST,
            Self::WindowsAreNotSaid => {
                if let Some(control) = head.headers.get_mut(CACHE_CONTROL) {
                    let said = control.to_str().unwrap_or_default().replace("stale-if-error", "stale-never");
                    *control = HeaderValue::from_str(&said).expect("a field value");
                }
            }
            _ => {}
        }
    }

    /// Whether one body in the place of the other is what is wanted.
    fn is_wrong(self, own: &[u8], other: &[u8]) -> bool {
        let (Some(own), Some(other)) = (Marker::read(own), Marker::read(other)) else { return false };
        let same_place = (own.host, own.path) == (other.host, other.path);
        match self {
            Self::RecordsChangeOwners => same_place && own.owner != other.owner,
            Self::RecordsChangePlaces => !same_place && own.owner == other.owner,
            _ => own != other && own.owner == other.owner && same_place,
        }
    }
}
