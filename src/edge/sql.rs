//! The SQLite database of a Durable Object, which another object over the same storage may be writing.

use std::cell::Cell;
use std::time::Duration;

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::js::{self, DurableState, SqlStorage};
use super::timer;

/// What another object keeps locked is tried again so often.
const ATTEMPTS: u64 = 8;

/// A database with its tables.
pub(super) struct Database {
    sql: SqlStorage,
    tables: &'static str,
    has_tables: Cell<bool>,
}

impl Database {
    /// That of an object; `tables` are made if they are not there.
    pub(super) fn of(state: &DurableState, tables: &'static str) -> Self {
        Self { sql: state.storage().sql(), tables, has_tables: Cell::new(false) }
    }

    /// The rows that a statement gives, as objects.
    pub(super) async fn rows(&self, statement: &str, values: &[JsValue]) -> Result<Array, JsValue> {
        let values = values.iter().collect::<Array>();
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.execute(statement, &values) {
                Err(_) if attempt < ATTEMPTS => timer::sleep(Duration::from_millis(5 * attempt)).await,
                rows => return rows,
            }
        }
    }

    /// The first of them.
    pub(super) async fn row(&self, statement: &str, values: &[JsValue]) -> Result<Option<JsValue>, JsValue> {
        self.rows(statement, values).await.map(|rows| rows.iter().next())
    }

    /// The same, at once or not at all: for whoever is tried again anyway.
    pub(super) fn once(&self, statement: &str, values: &[JsValue]) -> Result<Array, JsValue> {
        self.execute(statement, &values.iter().collect())
    }

    fn execute(&self, statement: &str, values: &Array) -> Result<Array, JsValue> {
        if !self.has_tables.get() {
            self.sql.exec(self.tables, &Array::new())?;
            self.has_tables.set(true);
        }
        self.sql.exec(statement, values)?.to_array()
    }
}

/// A number in a row.
pub(super) fn number(row: &JsValue, name: &str) -> u64 {
    js::get(row, name).as_f64().unwrap_or_default() as u64
}
