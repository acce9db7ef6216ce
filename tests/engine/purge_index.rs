//! What an isolate knows of purges: as bytes, in order, and never less than before.

use bytes::Bytes;
use larder::cache::reuse::Purged;
use larder::cache::{Head, Stamp};
use larder::fields::Timestamp;
use larder::name::Name;
use larder::purge::ledger::{Wire, index_target, parse_index_target};
use larder::purge::{Area, AreaRecord, Purge, PurgeIndex, Snapshot, What};
use larder::url::CanonicalUrl;
use serde_json::json;

use crate::support::world::{Scripted, World};
use crate::support::{NOW, test};

fn url(path: &str) -> CanonicalUrl {
    CanonicalUrl::parse(&format!("https://site.test{path}"), None).expect("a URL")
}

/// Something stored when the ledger's last number was `sequence`.
fn head(sequence: u64) -> Head {
    let world =
        World::new(&json!({}), |_| Scripted::new(200, &[("cache-control", "max-age=600"), ("cache-tag", "t")], ""));
    Head { stamp: Stamp { own: u64::MAX, incarnation: 7, sequence }, ..world.stored("/a") }
}

fn all(last: u64, hard: &[(Name, u64)]) -> Snapshot {
    let mut hard = hard.to_vec();
    hard.sort_unstable();
    Snapshot { incarnation: 7, last, hard, ..Snapshot::default() }
}

fn later(since: u64, last: u64, hard: &[(Name, u64)]) -> Snapshot {
    Snapshot { since, ..all(last, hard) }
}

#[test]
fn a_snapshot_reads_back_as_it_was_written() {
    let area = AreaRecord { area: Area::parse("site.test/news/*", true).expect("an area"), sequence: 4, hard: false };
    let snapshot = Snapshot {
        since: 1,
        floor: 2,
        soft: vec![(Name(1), 3), (Name(9), 2)],
        areas: vec![area],
        ..all(9, &[(Name(5), 5)])
    };
    let bytes = Bytes::from(snapshot.encode());
    assert_eq!(Snapshot::decode(&bytes), Some(snapshot));
    for end in 0..bytes.len() {
        assert_eq!(Snapshot::decode(&bytes.slice(..end)), None, "cut at {end}");
    }
    let unsorted = Snapshot { hard: vec![(Name(9), 1), (Name(5), 2)], ..all(9, &[]) };
    assert_eq!(Snapshot::decode(&Bytes::from(unsorted.encode())), None, "what is in it could not be found");
}

#[test]
fn an_entry_is_purged_by_what_has_a_larger_number() {
    let mut index = PurgeIndex::default();
    assert!(index.update(all(5, &[(Name::tag("t"), 5)]), NOW));
    for (sequence, expected) in [(4, Some(Purged::Hard)), (5, None), (6, None)] {
        assert_eq!(index.purged(&url("/a"), &head(sequence)), expected, "{sequence}");
    }
    assert!(index.update(later(5, 8, &[(Name::url(&url("/a")), 8)]), NOW));
    assert_eq!(index.purged(&url("/a"), &head(7)), Some(Purged::Hard));
    assert_eq!(index.purged(&url("/b"), &head(7)), None);
    let elsewhere = Head { stamp: Stamp { incarnation: 8, ..head(9).stamp }, ..head(9) };
    assert_eq!(index.purged(&url("/b"), &elsewhere), Some(Purged::Hard), "numbered by a ledger that is lost");
}

#[test]
fn what_is_known_is_never_forgotten_for_an_older_copy() {
    let mut index = PurgeIndex::default();
    assert!(index.update(all(9, &[(Name::tag("t"), 9)]), NOW));
    assert!(!index.update(all(5, &[]), Timestamp::from_millis(NOW.as_millis() + 1000)), "a copy from before");
    assert_eq!(index.purged(&url("/a"), &head(8)), Some(Purged::Hard));
    assert!(!index.update(later(12, 13, &[]), NOW), "what came between is missing");
    let other = Snapshot { incarnation: 8, ..later(9, 13, &[]) };
    assert!(!index.update(other, NOW), "of another ledger");
    assert_eq!(index.known(), (7, 9));
}

#[test]
fn what_a_ledger_says_of_one_purge_says_nothing_of_others() {
    let purge = Purge::hard(Name::tag("t"));
    for known in [None, Some(all(9, &[(Name::url(&url("/b")), 9)]))] {
        let incarnation = 8;
        let mut index = PurgeIndex::default();
        known.map(|known| index.update(known, NOW));
        index.learn(&purge, incarnation, 5);
        let elsewhere = |sequence| Head { stamp: Stamp { incarnation, ..head(sequence).stamp }, ..head(sequence) };
        assert_eq!(index.purged(&url("/a"), &elsewhere(4)), Some(Purged::Hard));
        assert_eq!(index.purged(&url("/a"), &elsewhere(5)), None);
        assert_eq!(index.known(), (incarnation, 0), "all of the rest has to be read");
        assert_eq!(index.age_millis(NOW), Some(NOW.as_millis()), "and at once");
    }
}

#[test]
fn what_lies_below_the_floor_is_gone() {
    let mut index = PurgeIndex::default();
    index.update(Snapshot { floor: 100, ..all(200, &[]) }, NOW);
    assert_eq!(index.purged(&url("/a"), &head(99)), Some(Purged::Hard));
    assert_eq!(index.purged(&url("/a"), &head(100)), None);
}

#[test]
fn a_widened_purge_still_purges_what_it_was_for() {
    let mut index = PurgeIndex::default();
    index.update(all(5, &[(Name::url(&url("/a")).bucket(), 5)]), NOW);
    assert_eq!(index.purged(&url("/a"), &head(4)), Some(Purged::Hard));
    let others = (0..1000).filter(|number| index.purged(&url(&format!("/{number}")), &head(4)).is_some()).count();
    assert!(others < 5, "{others} of a thousand others");
}

#[test]
fn hard_is_harder_than_soft() {
    let mut index = PurgeIndex::default();
    index.update(Snapshot { soft: vec![(Name::tag("t"), 5)], ..all(5, &[]) }, NOW);
    assert_eq!(index.purged(&url("/a"), &head(4)), Some(Purged::Soft));
    index.purge(&Purge::hard(Name::everything()), NOW);
    let known_here = Head { stamp: Stamp { own: 0, ..head(4).stamp }, ..head(4) };
    assert_eq!(index.purged(&url("/a"), &known_here), Some(Purged::Hard));
}

#[test]
fn the_ledger_reads_what_isolates_write() {
    let area = Area::parse("/news/", false).expect("an area");
    for what in [What::Named(Name(u64::MAX)), What::Named(Name(0)), What::In(area)] {
        let wire = Wire::new(&Purge { what: what.clone(), hard: true }, true);
        let text = serde_json::to_string(&wire).expect("it can be written");
        assert_eq!(serde_json::from_str::<Wire>(&text).expect("it can be read"), wire, "{text}");
        assert_eq!(wire.parsed_name(), if let What::Named(name) = what { Some(name) } else { None });
    }
    assert_eq!(parse_index_target(&index_target(7, 9)), Some((7, 9)));
    assert_eq!(parse_index_target("/2/index/7/9"), None);
}
