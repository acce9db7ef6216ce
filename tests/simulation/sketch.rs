//! An answer of the origin in the making: the page, what a form made of it, an error, nonsense.

use std::ops::Range;
use std::rc::Rc;

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_RANGE, DATE, ETAG,
    HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LOCATION, RANGE, RETRY_AFTER,
};
use larder::fields::Timestamp;

use super::chance::Chance;
use super::origin::{Origin, text};
use super::site::{Kind, Page, Representation, Terms};

/// An answer in the making.
pub struct Sketch {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub terms: Terms,
    pub shown: Rc<Representation>,
    pub saw_sid: Option<&'static str>,
    pub failed: bool,
    pub changes: Vec<usize>,
}

impl Sketch {
    pub fn get(&mut self, headers: &HeaderMap, page: &Page) {
        let length = self.shown.body.len() as u64;
        let tag = self.headers.get(ETAG).cloned();
        let matches = |name| text(headers, name).zip(tag.as_ref()).is_some_and(|(text, tag)| text == tag);
        let since = text(headers, IF_MODIFIED_SINCE).and_then(|text| Timestamp::parse(text, Timestamp::default()));
        let unmodified = page.kind == Kind::Modified
            && !headers.contains_key(IF_NONE_MATCH)
            && since.is_some_and(|since| self.shown.modified / 1000 * 1000 <= since.as_millis());
        if self.status == 200 && (matches(IF_NONE_MATCH) || unmodified) {
            self.status = 304;
            self.headers.remove(CONTENT_LANGUAGE);
            return;
        }
        self.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        self.body = self.shown.body.clone();
        if page.kind != Kind::Large || self.status != 200 {
            return;
        }
        self.headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let applies = !headers.contains_key(IF_RANGE) || matches(IF_RANGE);
        let Some(range) = text(headers, RANGE).filter(|_| applies).and_then(|range| single(range, length)) else {
            return;
        };
        let content_range = if range.is_empty() {
            (self.status, self.body) = (416, Bytes::new());
            format!("bytes */{length}")
        } else {
            self.status = 206;
            self.body = self.body.slice(range.start as usize..range.end as usize);
            format!("bytes {}-{}/{length}", range.start, range.end - 1)
        };
        self.headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        self.headers.insert(CONTENT_RANGE, HeaderValue::from_str(&content_range).expect("a field value"));
    }

    /// A form was sent, and the answer is the page as it is now.
    pub fn show_change(&mut self, target: &str) {
        self.body = self.shown.body.clone();
        self.headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        self.headers.insert(CONTENT_LOCATION, HeaderValue::from_str(target).expect("a field value"));
    }

    /// A form was sent.
    pub fn post(&mut self, origin: &Origin, page: usize, status: u16, chance: &Chance) {
        self.status = status;
        self.headers = HeaderMap::new();
        self.terms = Terms::default();
        if status == 403 {
            return;
        }
        self.changes = vec![page];
        if status == 303 {
            // To a page that shows what was entered.
            let next = chance.below(origin.pages.len() as u64) as usize;
            let shows = &origin.pages[next];
            let query = shows.query.map_or(String::new(), |query| format!("?{query}"));
            let is_near = shows.host == origin.pages[page].host;
            let host = if is_near { String::new() } else { format!("https://{}", shows.host) };
            let location = format!("{host}{}{query}", shows.path);
            self.headers.insert(LOCATION, HeaderValue::from_str(&location).expect("a field value"));
            if is_near && next != page {
                self.changes.push(next);
            }
        }
    }

    pub fn fail(&mut self, page: &Page, query: &str, serial: u64, chance: &Chance) {
        let status = chance.pick(&[500, 502, 503]);
        self.shown = page.fail(query, status, serial);
        (self.status, self.body, self.failed) = (status, self.shown.body.clone(), true);
        self.terms = Terms::default();
        self.headers = HeaderMap::new();
        if chance.percent(20) {
            self.headers.insert(RETRY_AFTER, HeaderValue::from(chance.below(30)));
        }
        if chance.percent(20) {
            self.terms.max_age = Some(5);
            self.headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=5"));
        }
        self.headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
    }

    /// Says something that cannot be; whether that is a failure.
    pub fn garble(&mut self, page: &Page, now: u64, chance: &Chance) -> bool {
        const TEN_YEARS: u64 = 315_360_000_000;
        match chance.below(4) {
            0 => {
                let date = Timestamp::from_millis(now + TEN_YEARS).to_http_date();
                self.headers.insert(DATE, HeaderValue::from_str(&date).expect("a date"));
                false
            }
            1 => {
                let date = Timestamp::from_millis(now - TEN_YEARS).to_http_date();
                self.headers.insert(DATE, HeaderValue::from_str(&date).expect("a date"));
                false
            }
            // It names what it means, so that nobody takes it for what they have.
            2 if self.headers.contains_key(ETAG) && page.kind != Kind::Modified => {
                (self.status, self.body) = (304, Bytes::new());
                true
            }
            _ if self.status == 200 => {
                self.status = chance.pick(&[101, 600, 999]);
                true
            }
            _ => false,
        }
    }
}

/// `bytes=a-b`, `bytes=a-`, `bytes=-n`; an empty range if there is no such part.
fn single(range: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-').filter(|_| !range.contains(','))?;
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) => first..(last + 1).min(length),
        (Ok(first), Err(_)) => first..length,
        (Err(_), Ok(suffix)) => length.saturating_sub(suffix)..length,
        (Err(_), Err(_)) => return None,
    };
    Some(if range.start < length { range } else { 0..0 })
}
