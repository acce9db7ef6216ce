//! D1: a row per key. The first statement of an isolate makes the table, and those who write sweep what has ended.
//!
//! The record is base64 text: D1 takes and gives bytes as a JSON list of numbers, which takes a Worker five to ten times as long (measured:
//! 15 ms instead of 3 ms for writing and reading 50 KB).

use std::cell::Cell;
use std::time::Duration;

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::{Asked, seconds};
use crate::edge::blob::JsBlob;
use crate::edge::js::{self, Base64, D1Database};
use crate::key::CacheKey;

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS larder_entries (key TEXT PRIMARY KEY, record TEXT NOT NULL, expires INTEGER NOT NULL)";

const INDEX: &str = "CREATE INDEX IF NOT EXISTS larder_entries_by_end ON larder_entries (expires)";

const READ: &str = "SELECT record FROM larder_entries WHERE key = ?1 AND expires > ?2";

const WRITE: &str = "INSERT OR REPLACE INTO larder_entries (key, record, expires) VALUES (?1, ?2, ?3)";

const REMOVE: &str = "DELETE FROM larder_entries WHERE key = ?1";

const SWEEP: &str =
    "DELETE FROM larder_entries WHERE key IN (SELECT key FROM larder_entries WHERE expires <= ?1 LIMIT 100)";

/// One write in so many sweeps, and more rows than were written since the last one.
const WRITES_A_SWEEP: f64 = 64.0;

thread_local! {
    /// Whether this isolate has had an answer, so that the table is there.
    static HAS_TABLE: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn read(database: &D1Database, key: CacheKey) -> Asked {
    run(database, &[(READ, &[key.to_string().into(), js::date_now().into()])])
}

/// The record in the answer to the last statement.
pub(super) fn record(answers: &JsValue) -> Result<Option<JsBlob>, JsValue> {
    HAS_TABLE.set(true);
    let answers: &Array = answers.unchecked_ref();
    let rows = js::get(&answers.get(answers.length().saturating_sub(1)), "results");
    let text = js::get(&rows.unchecked_ref::<Array>().get(0), "record");
    if text.is_undefined() { Ok(None) } else { js::from_base64(&text).map(|bytes| Some(JsBlob(bytes))) }
}

pub(super) fn write(database: &D1Database, key: CacheKey, record: &JsBlob, life: Duration) -> Asked {
    let now = js::date_now();
    let text = record.0.unchecked_ref::<Base64>().to_base64();
    let expires = now + (seconds(life, 1) * 1000) as f64;
    let write: Bound = (WRITE, &[key.to_string().into(), text, expires.into()]);
    let sweeps = js::random() * WRITES_A_SWEEP < 1.0;
    if sweeps { run(database, &[write, (SWEEP, &[now.into()])]) } else { run(database, &[write]) }
}

pub(super) fn remove(database: &D1Database, key: CacheKey) -> Asked {
    run(database, &[(REMOVE, &[key.to_string().into()])])
}

/// A statement and its values.
type Bound<'a> = (&'a str, &'a [JsValue]);

/// Runs statements one after the other, in one transaction.
fn run(database: &D1Database, statements: &[Bound]) -> Asked {
    let batch = Array::new();
    let tables: &[Bound] = if HAS_TABLE.get() { &[] } else { &[(TABLE, &[]), (INDEX, &[])] };
    for (statement, values) in tables.iter().chain(statements) {
        batch.push(database.prepare(statement)?.bind(&values.iter().collect())?.as_ref());
    }
    database.batch(&batch)
}
