//! `No-Vary-Search`: parameters of a query by which the origin does not choose
//! ([draft-ietf-httpbis-no-vary-search](https://datatracker.ietf.org/doc/draft-ietf-httpbis-no-vary-search/)).

use http::HeaderMap;
use http::header::HeaderName;
use percent_encoding::percent_decode_str;
use sfv::{BareItem, Dictionary, InnerList, ListEntry, Parser};

use super::grammar::lines;

/// The field.
pub const NO_VARY_SEARCH: HeaderName = HeaderName::from_static("no-vary-search");

/// How a response depends on the query of its URL: the draft's "URL search variance" (§4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchVariance {
    parameters: Parameters,
    key_order: bool,
}

/// Which parameters count.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Parameters {
    /// All but these.
    AllBut(Vec<String>),
    /// Only these.
    Only(Vec<String>),
}

impl SearchVariance {
    /// Reads the field (§5.2). `None` if it says nothing that can be relied on: then the whole query counts, as it stands.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let value = lines(headers, NO_VARY_SEARCH).collect::<Vec<_>>().join(",");
        let dictionary = Parser::new(&value).parse::<Dictionary>().ok()?;
        let read = Self::of(&dictionary)?;
        let says_nothing = read.key_order && read.parameters == Parameters::AllBut(Vec::new());
        (!says_nothing).then_some(read)
    }

    /// §5.1: strict, since the whole query is always a safe answer.
    fn of(dictionary: &Dictionary) -> Option<Self> {
        let key_order = match dictionary.get("key-order") {
            Some(entry) => !boolean(entry)?,
            None => true,
        };
        let parameters = match dictionary.get("params") {
            Some(ListEntry::InnerList(names)) => Parameters::AllBut(keys(names)?),
            Some(all) if boolean(all)? => Parameters::Only(Vec::new()),
            Some(_) | None => Parameters::AllBut(Vec::new()),
        };
        let parameters = match (dictionary.get("except"), parameters) {
            (None, parameters) => parameters,
            (Some(ListEntry::InnerList(names)), Parameters::Only(_)) => Parameters::Only(keys(names)?),
            _ => return None,
        };
        Some(Self { parameters, key_order })
    }

    /// Whether a response for a URL with the query `one` also answers a request for the same URL with the query `other` (§6).
    #[must_use]
    pub fn equivalent(&self, one: Option<&str>, other: Option<&str>) -> bool {
        self.significant(one) == self.significant(other)
    }

    /// What of a query counts, in the one form of `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn significant(&self, query: Option<&str>) -> String {
        let all = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let mut significant: Vec<_> = all.filter(|(name, _)| self.counts(name)).collect();
        if !self.key_order {
            // Stable: values of one name stay in their order.
            significant.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        form_urlencoded::Serializer::new(String::new()).extend_pairs(significant).finish()
    }

    fn counts(&self, name: &str) -> bool {
        let is_listed = |names: &[String]| names.iter().any(|listed| listed == name);
        match &self.parameters {
            Parameters::AllBut(names) => !is_listed(names),
            Parameters::Only(names) => is_listed(names),
        }
    }
}

fn boolean(entry: &ListEntry) -> Option<bool> {
    match entry {
        ListEntry::Item(item) => item.bare_item.as_boolean(),
        ListEntry::InnerList(_) => None,
    }
}

/// The names in an inner list of strings, each decoded as a key of a query is (§5.3).
fn keys(names: &InnerList) -> Option<Vec<String>> {
    let key = |name: &str| percent_decode_str(&name.replace('+', " ")).decode_utf8_lossy().into_owned();
    let names = names.items.iter().map(|item| match &item.bare_item {
        BareItem::String(name) => Some(key(name.as_str())),
        _ => None,
    });
    names.collect()
}
