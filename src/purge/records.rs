//! Purges by what they name, hard ones and soft ones, each with its number.

use super::area::{Area, Compiled};
use super::table::Table;
use crate::cache::Head;
use crate::cache::reuse::Purged;
use crate::name::Name;
use crate::url::CanonicalUrl;

/// What one purge names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Whatever has this name.
    Named(Name),
    /// Whatever lies in this part of the site.
    In(Area),
}

/// One purge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    /// What.
    pub what: What,
    /// Gone, rather than to be validated before it is used.
    pub hard: bool,
}

impl Purge {
    /// What has this name is gone.
    #[must_use]
    pub fn hard(name: Name) -> Self {
        Self { what: What::Named(name), hard: true }
    }

    /// What has this name is to be validated.
    #[must_use]
    pub fn soft(name: Name) -> Self {
        Self { what: What::Named(name), hard: false }
    }
}

/// An area, the number of its purge, and whether that was a hard one.
pub(super) type Numbered = (Area, u64, bool);

/// Purges with their numbers. What has a number that is not after the floor is forgotten, and counts as everything.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) hard: Table,
    pub(super) soft: Table,
    areas: Vec<(Compiled, Numbered)>,
    pub(super) last: u64,
    pub(super) floor: u64,
}

impl Records {
    pub(super) fn new(hard: Table, soft: Table, areas: Vec<Numbered>, last: u64, floor: u64) -> Self {
        let mut records = Self { hard, soft, areas: Vec::new(), last, floor };
        areas.into_iter().for_each(|area| records.insert_area(area));
        records
    }

    pub(super) fn insert(&mut self, purge: &Purge, sequence: u64) {
        self.last = self.last.max(sequence);
        match &purge.what {
            What::Named(name) if purge.hard => self.hard.insert(*name, sequence),
            What::Named(name) => self.soft.insert(*name, sequence),
            What::In(area) => self.insert_area((area.clone(), sequence, purge.hard)),
        }
    }

    pub(super) fn insert_area(&mut self, numbered: Numbered) {
        self.areas.retain(|(_, (area, _, hard))| (area, *hard) != (&numbered.0, numbered.2));
        self.areas.push((Compiled::new(numbered.0.clone()), numbered));
    }

    pub(super) fn areas(&self) -> impl Iterator<Item = &Numbered> {
        self.areas.iter().map(|(_, numbered)| numbered)
    }

    pub(super) fn len(&self) -> usize {
        self.hard.len() + self.soft.len() + self.areas.len()
    }

    /// Whether an entry for `url` has been purged later than `since`.
    pub(super) fn purged(&self, url: &CanonicalUrl, head: &Head, since: u64) -> Option<Purged> {
        if since < self.floor {
            return Some(Purged::Hard);
        }
        // Nothing happened since: what most entries are asked.
        if since >= self.last {
            return None;
        }
        let in_area = |wanted: bool| {
            let later = |(area, (_, sequence, hard)): &(Compiled, Numbered)| {
                *hard == wanted && *sequence > since && area.covers(url)
            };
            self.areas.iter().any(later)
        };
        let named = |table: &Table| !table.is_empty() && names(url, head).any(|name| table.is_later(name, since));
        if named(&self.hard) || in_area(true) {
            return Some(Purged::Hard);
        }
        (named(&self.soft) || in_area(false)).then_some(Purged::Soft)
    }

    /// Whether what has this name was purged later than `since`.
    pub(super) fn has_named(&self, name: Name, since: u64) -> bool {
        since < self.floor || self.hard.is_later(name, since) || self.soft.is_later(name, since)
    }

    /// Whether an entry for `url` has been purged later than `since`, by anything but the name of its URL.
    pub(super) fn purged_otherwise(&self, url: &CanonicalUrl, head: &Head, since: u64) -> bool {
        let in_area = |(area, (_, sequence, _)): &(Compiled, Numbered)| *sequence > since && area.covers(url);
        since < self.floor
            || self.areas.iter().any(in_area)
            || names(url, head).skip(1).any(|name| self.has_named(name, since))
    }

    /// Forgets the older half.
    pub(super) fn forget_half(&mut self) {
        let numbers = self.hard.merged().into_iter().chain(self.soft.merged()).map(|(_, sequence)| sequence);
        let mut numbers: Vec<_> = numbers.chain(self.areas().map(|(_, sequence, _)| *sequence)).collect();
        let middle = numbers.len() / 2;
        let (_, median, _) = numbers.select_nth_unstable(middle);
        self.floor = *median;
        let floor = self.floor;
        self.hard.raise(floor);
        self.soft.raise(floor);
        self.areas.retain(|(_, (_, sequence, _))| *sequence > floor);
    }
}

/// All names of an entry, that of its URL first.
fn names(url: &CanonicalUrl, head: &Head) -> impl Iterator<Item = Name> {
    let own = Name::url(url);
    let of_all = [own, own.bucket(), Name::host(url.authority.as_str()), Name::everything()];
    of_all.into_iter().chain(head.names.iter().copied())
}
