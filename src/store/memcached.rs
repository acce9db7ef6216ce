//! memcached: what is sent, and what an answer means, as its
//! [text protocol](https://github.com/memcached/memcached/blob/master/doc/protocol.txt) says. Bytes go through as they are.
//!
//! The codecs there are on crates.io read an answer only from one slice of our own memory. Here the value stays where the runtime put it,
//! in as many pieces as it came in, and only the line before it is looked at.

use std::time::Duration;

use bytes::Bytes;

use crate::blob::Blob;
use crate::fields::Timestamp;
use crate::key::CacheKey;

/// A longer line is none of memcached's.
const MAX_LINE: usize = 512;

/// A larger value is none of ours.
const MAX_VALUE: usize = 32 << 20;

/// From here on a number of seconds is taken for a date.
const THIRTY_DAYS: u64 = 30 * 86_400;

const LINE_END: &[u8] = b"\r\n";

/// What follows a value.
const VALUE_END: &[u8] = b"\r\nEND\r\n";

/// The server refused, or answered something else than it was asked: what can be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemcachedError(pub String);

/// Asks for a value.
#[must_use]
pub fn get<B: Blob>(key: CacheKey) -> B {
    text(format!("get {}\r\n", name(key)))
}

/// Sets a value for so long, from `now` on.
#[must_use]
pub fn set<B: Blob>(key: CacheKey, value: &B, life: Duration, now: Timestamp) -> B {
    let seconds = life.as_secs().max(1);
    let until = if seconds > THIRTY_DAYS { now.as_millis() / 1000 + seconds } else { seconds };
    let line = format!("set {} 0 {until} {}\r\n", name(key), value.len());
    B::concat(&[text(line), value.clone(), B::from_bytes(Bytes::from_static(LINE_END))])
}

/// Removes a value.
#[must_use]
pub fn delete<B: Blob>(key: CacheKey) -> B {
    text(format!("delete {}\r\n", name(key)))
}

/// 73 bytes, no spaces: within the 250 that are allowed. The prefix is in the key.
fn name(key: CacheKey) -> String {
    format!("larder:1:{key}")
}

fn text<B: Blob>(text: String) -> B {
    B::from_bytes(text.into())
}

/// An answer as it comes in.
#[derive(Debug)]
pub struct Reply<B> {
    pieces: Vec<B>,
    /// Bytes that are there.
    length: usize,
    /// The first of them, up to the end of the line.
    line: Vec<u8>,
    /// Where the line ends and the rest begins, once that is known.
    rest: Option<usize>,
}

impl<B> Default for Reply<B> {
    fn default() -> Self {
        Self { pieces: Vec::new(), length: 0, line: Vec::new(), rest: None }
    }
}

impl<B: Blob> Reply<B> {
    /// Takes what came next. Whether that is all.
    pub fn take(&mut self, piece: B) -> bool {
        if self.rest.is_none() {
            let room = MAX_LINE - self.line.len();
            self.line.extend_from_slice(&piece.read(0..piece.len().min(room)));
            self.rest = self.line.windows(2).position(|two| two == LINE_END).map(|end| end + 2);
            self.line.truncate(self.rest.map_or(MAX_LINE, |rest| rest - 2));
        }
        self.length += piece.len();
        self.pieces.push(piece);
        match self.rest {
            Some(rest) => self.length >= rest + self.value_length().map_or(0, |length| length + VALUE_END.len()),
            None => self.line.len() == MAX_LINE,
        }
    }

    /// The value; `None` if there is none.
    ///
    /// # Errors
    ///
    /// When the server refused.
    pub fn value(self) -> Result<Option<B>, MemcachedError> {
        let (Some(rest), Some(length)) = (self.rest, self.value_length()) else {
            return if self.line == b"END" { Ok(None) } else { Err(self.refusal()) };
        };
        let end = rest + length;
        let whole = B::concat(&self.pieces);
        let is_whole = whole.len() == end + VALUE_END.len() && whole.read(end..whole.len()) == VALUE_END;
        if is_whole { Ok(Some(whole.slice(rest..end))) } else { Err(self.refusal()) }
    }

    /// Whether a value was set. The server may have no room for it: that is no failure of the server's.
    ///
    /// # Errors
    ///
    /// When the server refused for another reason.
    pub fn stored(self) -> Result<bool, MemcachedError> {
        match self.text() {
            Some("STORED") => Ok(true),
            Some("SERVER_ERROR object too large for cache" | "SERVER_ERROR out of memory storing object") => Ok(false),
            _ => Err(self.refusal()),
        }
    }

    /// Whether a value is gone.
    ///
    /// # Errors
    ///
    /// When the server refused.
    pub fn deleted(self) -> Result<(), MemcachedError> {
        if matches!(self.text(), Some("DELETED" | "NOT_FOUND")) { Ok(()) } else { Err(self.refusal()) }
    }

    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.line).ok()
    }

    /// The number at the end of `VALUE <key> <flags> <bytes>`.
    fn value_length(&self) -> Option<usize> {
        let length = self.text()?.strip_prefix("VALUE ")?.rsplit(' ').next()?.parse().ok()?;
        (length <= MAX_VALUE).then_some(length)
    }

    /// The server's own word for an error. What is no answer of memcached's may be anything, and is not repeated.
    fn refusal(&self) -> MemcachedError {
        let is_error =
            |line: &&str| ["ERROR", "CLIENT_ERROR ", "SERVER_ERROR "].iter().any(|word| line.starts_with(word));
        MemcachedError(self.text().filter(is_error).unwrap_or("not understood").to_owned())
    }
}
