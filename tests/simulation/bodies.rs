//! What holds for the bytes of an answer: they are those of the exchange that its fields are from, whole or cut where they say.

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, RANGE};

use super::invariants::{Answer, Finding, holds};
use super::origin::Exchange;
use super::site::Marker;
use super::watch::Invariant;

impl Answer<'_> {
    pub fn check_whole(&self) -> Finding {
        use Invariant::Integrity;
        let Exchange { status, shown, failed, method, .. } = self.exchange;
        let Some(body) = &self.seen.body else { return Ok(()) };
        if let Some(tag) = shown.etag(self.page.kind).filter(|_| self.seen.text(ETAG).is_some()) {
            holds(self.seen.text(ETAG) == Some(&tag), Integrity, || {
                format!("the tag {:?} of another body than {tag}, failed: {failed}", self.seen.text(ETAG))
            })?;
        }
        if self.visit.method == Method::HEAD {
            let length = self.seen.length().is_none_or(|length| length == shown.body.len() || *failed);
            return holds(length && body.is_empty(), Integrity, || "a HEAD with another length".into());
        }
        let length = self.seen.length().is_none_or(|length| length == body.len() || *failed);
        holds(length, Integrity, || format!("{} bytes, said to be {:?}", body.len(), self.seen.length()))?;
        let is_empty = (*failed && body.is_empty()) || (*method == Method::POST && self.exchange.status != 200);
        holds(is_empty || *body == shown.body, Integrity, || {
            let is = Marker::read(body).map_or("something else".to_owned(), |marker| format!("{marker:?}"));
            format!("the body of exchange with version {} is {is} of {} bytes", shown.version, body.len())
        })?;
        let fits = self.seen.status == shown.status || *method == Method::POST || *failed;
        holds(fits, Integrity, || format!("{} for an exchange with {status}", self.seen.status))
    }

    pub fn check_not_modified(&self) -> Finding {
        let headers = &self.visit.headers;
        let conditional = headers.contains_key(IF_NONE_MATCH) || headers.contains_key(IF_MODIFIED_SINCE);
        holds(conditional || self.exchange.failed, Invariant::Integrity, || "a 304 that nobody asked for".into())?;
        self.city.watch.count(|counts| counts.not_modified += 1);
        let shown = &self.exchange.shown;
        // By its time alone, what is newer than what is stored here has not been modified either.
        let is_newer = |body: &[u8]| Marker::read(body).is_some_and(|marker| marker.version > shown.version);
        let by_time = !headers.contains_key(IF_NONE_MATCH);
        let has_it = |body: &Bytes| *body == shown.body || (by_time && is_newer(body));
        let has_it = self.visit.copy.as_ref().is_some_and(|copy| has_it(&copy.body));
        holds(has_it || self.exchange.failed, Invariant::Integrity, || {
            "a 304 for what the visitor does not have".into()
        })
    }

    pub fn check_unsatisfiable(&self) -> Finding {
        let expected = format!("bytes */{}", self.exchange.shown.body.len());
        let said = self.seen.text(CONTENT_RANGE);
        holds(said == Some(&expected), Invariant::Integrity, || format!("{said:?} instead of {expected}"))
    }

    pub fn check_part(&self) -> Finding {
        use Invariant::Integrity;
        let whole = &self.exchange.shown.body;
        holds(self.visit.headers.contains_key(RANGE), Integrity, || "a part that nobody asked for".into())?;
        let Some(body) = &self.seen.body else { return Ok(()) };
        self.city.watch.count(|counts| counts.partial += 1);
        let media_type = self.seen.text(CONTENT_TYPE).unwrap_or_default();
        let Some((_, boundary)) = media_type.split_once("boundary=") else {
            let said = self.seen.text(CONTENT_RANGE).unwrap_or_default();
            return holds(cut(whole, said).as_ref() == Some(body), Integrity, || format!("{said} is cut wrongly"));
        };
        let text = String::from_utf8_lossy(body);
        let separator = format!("\r\n--{boundary}");
        let pieces: Vec<_> = text.split(&separator).collect();
        let [_, parts @ .., end] = pieces.as_slice() else { return holds(false, Integrity, || "no parts".into()) };
        // One part alone is not sent in pieces (RFC 9110 §15.3.7.2), and the last delimiter says that it is the last.
        let is_whole = parts.len() >= 2 && *end == "--\r\n";
        holds(is_whole, Integrity, || format!("{} parts, and {end:?} after them", parts.len()))?;
        for part in parts {
            let (head, bytes) = part.split_once("\r\n\r\n").unwrap_or_default();
            let said = head.split("Content-Range: ").nth(1).unwrap_or_default();
            let expected = cut(whole, said);
            holds(expected.is_some_and(|expected| expected == bytes), Integrity, || format!("{said} is cut wrongly"))?;
        }
        Ok(())
    }
}

/// The part of `whole` that a `Content-Range` names.
fn cut(whole: &Bytes, content_range: &str) -> Option<Bytes> {
    let (range, length) = content_range.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    (length.parse() == Ok(whole.len()) && first <= last && last < whole.len()).then(|| whole.slice(first..=last))
}
