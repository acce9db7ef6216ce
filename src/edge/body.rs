//! Bodies under way.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::ReadableStream;

use super::blob::JsBlob;
use super::js::{self, AbortController, Buffered, IdentityTransformStream, Readable, Writer};
use super::timer::sleep;
use crate::blob::Blob as _;
use crate::engine::ports::{Abandoned, BodyLimits, CollectError};
use crate::engine::within;

/// A body that is still coming.
pub(super) struct JsStream {
    /// What is read.
    pub(super) readable: ReadableStream,
    /// Breaks off the exchange it belongs to.
    pub(super) controller: Option<AbortController>,
    /// Whether another reads the same: each gets what has come so far only if it is read piece by piece.
    pub(super) shared: bool,
    /// How many bytes there are to be, if that was said: the body may hold fewer.
    pub(super) expected: Option<u32>,
    /// The response it came with, if that cannot be built anew: a status beyond 599, a protocol that was switched.
    pub(super) native: Option<web_sys::Response>,
}

impl JsStream {
    /// Ends the exchange it belongs to: nobody waits for it any more.
    fn break_off(&self) {
        if let Some(controller) = &self.controller {
            controller.abort();
        }
    }

    /// Two of one.
    pub(super) fn tee(self) -> Result<(Self, Self), Self> {
        let readable: &Readable = self.readable.unchecked_ref();
        let Ok(halves) = readable.split() else { return Err(self) };
        let half = |at: u32| Self {
            readable: halves.get(at).unchecked_into(),
            controller: self.controller.clone(),
            shared: true,
            expected: self.expected,
            native: None,
        };
        Ok((half(0), half(1)))
    }
}

/// Where a body is written.
pub(super) struct JsSink(Option<Writer>);

/// A body that is written here: the end to read, and the one to write.
pub(super) fn pipe() -> (JsStream, JsSink) {
    let both = IdentityTransformStream::new_identity();
    (
        JsStream { readable: both.readable(), controller: None, shared: false, expected: None, native: None },
        JsSink(both.writable().writer().ok()),
    )
}

impl JsSink {
    /// Waits until it is read.
    pub(super) async fn push(&self, piece: JsBlob) -> Result<(), Abandoned> {
        self.0.as_ref().ok_or(Abandoned)?.write(&piece.0).await.map(drop).map_err(|_| Abandoned)
    }

    /// Ends it, or breaks it off.
    pub(super) async fn finish(self, is_whole: bool) {
        // Whether anybody reads the end is not our concern.
        if let Some(writer) = self.0 {
            drop(if is_whole { writer.close().await } else { writer.abort().await });
        }
    }
}

/// The next piece; `None` at the end.
pub(super) async fn next(stream: &JsStream, idle: Duration) -> Result<Option<JsBlob>, CollectError> {
    let readable: &Readable = stream.readable.unchecked_ref();
    let reader = readable.reader().map_err(|_| CollectError::Truncated)?;
    let piece = within(sleep(idle), reader.read()).await;
    let Some(Ok(piece)) = piece else {
        stream.break_off();
        return Err(CollectError::Truncated);
    };
    reader.release().map_err(|_| CollectError::Truncated)?;
    Ok(chunk_of(&piece).map(JsBlob))
}

/// Reads to the end.
pub(super) async fn collect(stream: JsStream, mut limits: BodyLimits) -> Result<JsBlob, CollectError> {
    let expected = stream.expected.filter(|bytes| limits.room.has(u64::from(*bytes)));
    let is_at_once = expected.is_some() && !stream.shared && limits.idle >= limits.total;
    if is_at_once && limits.room.take(expected.unwrap_or_default().into()) {
        return collect_at_once(stream, limits.total).await;
    }
    let readable: &Readable = stream.readable.unchecked_ref();
    let reader = readable.reader().map_err(|_| CollectError::Truncated)?;
    let mut gathered = Gathered { expected: expected.unwrap_or_default(), ..Gathered::default() };
    let deadline = js::date_now() + millis(limits.total);
    let mut alarm: Alarm = Box::pin(sleep(limits.idle.min(limits.total)));
    loop {
        let patience = deadline.min(js::date_now() + millis(limits.idle));
        let Some(piece) = before(patience, &mut alarm, reader.read()).await else {
            stream.break_off();
            return Err(CollectError::Truncated);
        };
        let piece = piece.map_err(|_| CollectError::Truncated)?;
        let Some(chunk) = chunk_of(&piece) else { break };
        if !limits.room.take(u64::from(chunk.length())) {
            // The other half goes on without us.
            drop(reader.cancel());
            return Err(CollectError::TooLarge);
        }
        gathered.add(chunk);
        if gathered.is_all() {
            break;
        }
    }
    Ok(gathered.whole())
}

/// Reads a body that may pause for as long as it may take, and is no longer than it says: by far cheaper than piece by piece.
async fn collect_at_once(stream: JsStream, total: Duration) -> Result<JsBlob, CollectError> {
    let response = js::JsResponse::new(&stream.readable, &JsValue::UNDEFINED).map_err(|_| CollectError::Truncated)?;
    let buffered: Buffered = response.unchecked_into();
    let Some(buffer) = within(sleep(total), buffered.array_buffer()).await else {
        stream.break_off();
        return Err(CollectError::Truncated);
    };
    buffer.map(|buffer| JsBlob(Uint8Array::new(&buffer))).map_err(|_| CollectError::Truncated)
}

type Alarm = Pin<Box<dyn Future<Output = ()>>>;

/// The result of `work`, unless `deadline` comes first. One timer for many deadlines: it is set anew only when it rings for one that has
/// moved.
async fn before<T>(deadline: f64, alarm: &mut Alarm, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    loop {
        if let Some(result) = within(alarm.as_mut(), work.as_mut()).await {
            return Some(result);
        }
        let left = deadline - js::date_now();
        if left <= 0.0 {
            return None;
        }
        *alarm = Box::pin(sleep(Duration::from_millis(left.ceil() as u64)));
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_millis() as f64
}

/// The bytes in what a reader returns; `None` at the end.
pub(super) fn chunk_of(piece: &JsValue) -> Option<Uint8Array> {
    let value = Reflect::get(piece, &"value".into()).ok()?;
    value.dyn_into().ok()
}

/// A body as it comes. If it is known how long it is to be, each piece is put into its place at once, so that no body is there twice.
#[derive(Default)]
struct Gathered {
    expected: u32,
    /// Places for all that is expected, unless the first piece is all of it.
    places: Option<Uint8Array>,
    /// How many of them are taken.
    placed: u32,
    /// What there is no place for.
    pieces: Vec<JsBlob>,
}

impl Gathered {
    fn add(&mut self, piece: Uint8Array) {
        let end = self.placed + piece.length();
        if !self.pieces.is_empty() || end > self.expected || (self.placed == 0 && end == self.expected) {
            return self.pieces.push(JsBlob(piece));
        }
        self.places.get_or_insert_with(|| Uint8Array::new_with_length(self.expected)).set(&piece, self.placed);
        self.placed = end;
    }

    /// Whether as much has come as was said: that is where a message ends
    /// ([RFC 9112 §6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3)), and to ask for more would be the dearer half of reading it.
    fn is_all(&self) -> bool {
        let beside: usize = self.pieces.iter().map(JsBlob::len).sum();
        self.expected > 0 && self.placed as usize + beside == self.expected as usize
    }

    fn whole(self) -> JsBlob {
        let placed = self.places.map(|places| JsBlob(places.subarray(0, self.placed)));
        let mut all: Vec<_> = placed.into_iter().chain(self.pieces).collect();
        if all.len() == 1 { all.remove(0) } else { JsBlob::concat(&all) }
    }
}
