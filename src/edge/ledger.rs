//! The ledger of purges: one object, one number after the other, durable before it is acknowledged.

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

use super::js::{self, DurableState};
use super::objects::{NOT_UNDERSTOOD, answer};
use super::sql::{Database, number};
use super::zone::Zone;
use crate::name::Name;
use crate::purge::ledger::{APPEND, Appended, Wire, parse_index_target};
use crate::purge::zone::QUEUE;
use crate::purge::{AreaRecord, Snapshot};

/// More records than this, and the older half gives way to a floor: what was stored before it is gone.
const MAX_RECORDS: u64 = 100_000;

/// More areas than this are purges of everything: each costs every lookup a comparison.
const MAX_AREAS: u64 = 1000;

/// No entry is kept longer, so no record has to be.
const LONGEST_LIFE_MILLIS: f64 = 366.0 * 86_400_000.0;

/// What anybody can bring about, by posting, is recorded by its own name so often in a minute. After that it is widened to one of
/// many buckets, so that the number of records has an end.
const BY_ANYONE_A_MINUTE: u32 = 600;

const MINUTE_MILLIS: f64 = 60_000.0;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS purges (
        name TEXT NOT NULL, hard INTEGER NOT NULL, area TEXT, sequence INTEGER NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (name, hard)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS purges_by_sequence ON purges (sequence);
    CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT OR IGNORE INTO state VALUES
        ('incarnation', abs(random() % 9007199254740991) + 1), ('sequence', 1), ('floor', 0), ('records', 0), ('areas', 0);
    CREATE TABLE IF NOT EXISTS zone (
        id INTEGER PRIMARY KEY AUTOINCREMENT, field TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (field, value)
    );
    CREATE TABLE IF NOT EXISTS zone_state (
        only INTEGER PRIMARY KEY CHECK (only = 1), status INTEGER NOT NULL, failures INTEGER NOT NULL, wakes INTEGER NOT NULL
    );
    INSERT OR IGNORE INTO zone_state VALUES (1, 0, 0, 0);";

const STATE: &str = "SELECT value FROM state WHERE name = ?1";

const ADD: &str = "UPDATE state SET value = value + ?2 WHERE name = ?1 RETURNING value";

const SET: &str = "UPDATE state SET value = ?2 WHERE name = ?1 RETURNING value";

const KNOWN: &str = "SELECT sequence FROM purges WHERE name = ?1 AND hard = ?2";

const RECORD: &str = "
    INSERT INTO purges (name, hard, area, sequence, at) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (name, hard) DO UPDATE SET sequence = ?4, at = ?5 RETURNING sequence";

/// Names and numbers of a page of records as one text: a hundred thousand rows as objects would take half a second.
const NAMED: &str = "
    SELECT group_concat(line, '') AS lines, max(name) AS last FROM (
        SELECT name || printf('%016x', sequence) AS line, name FROM purges
        WHERE area IS NULL AND hard = ?1 AND sequence > ?2 AND name > ?3 ORDER BY name LIMIT 20000)";

/// What a name and its number take in that text.
const LINE: usize = 32;

const AREAS: &str = "SELECT area, hard, sequence FROM purges WHERE area IS NOT NULL AND sequence > ?1";

const OLDEST_KEPT: &str = "SELECT sequence FROM purges ORDER BY sequence LIMIT 1 OFFSET ?1";

const FORGET: &str = "DELETE FROM purges WHERE sequence <= ?1 OR at < ?2";

const COUNT: &str = "SELECT count(*) AS records, count(area) AS areas FROM purges";

/// It.
#[wasm_bindgen]
pub struct Ledger {
    database: Database,
    /// The minute, and how many purges that anybody can bring about it has seen.
    minute: std::cell::Cell<(f64, u32)>,
    zone: Zone,
}

#[wasm_bindgen]
impl Ledger {
    /// The runtime makes one.
    #[wasm_bindgen(constructor)]
    pub fn new(state: &DurableState, env: JsValue) -> Self {
        Self {
            database: Database::of(state, TABLES),
            minute: std::cell::Cell::default(),
            zone: Zone { storage: state.storage(), env },
        }
    }

    /// And hands it what it is asked.
    pub async fn ask(&self, target: &str, body: &JsValue) -> Result<JsValue, JsValue> {
        let body = Uint8Array::new(body).to_vec();
        let bytes = if target == APPEND {
            let Ok(wires) = serde_json::from_slice::<Vec<Wire>>(&body) else { return Ok(NOT_UNDERSTOOD) };
            serde_json::to_vec(&self.append(&wires).await?).unwrap_or_default()
        } else if let Some((incarnation, since)) = parse_index_target(target) {
            self.snapshot(incarnation, since).await?.encode()
        } else if target == QUEUE {
            let Ok(lines) = std::str::from_utf8(&body) else { return Ok(NOT_UNDERSTOOD) };
            self.zone.queue(&self.database, lines)?.to_string().into_bytes()
        } else {
            return Ok(NOT_UNDERSTOOD);
        };
        Ok(answer("ok", &Uint8Array::from(&bytes[..])))
    }

    /// And wakes it when it asked for that.
    pub async fn alarm(&self) -> Result<(), JsValue> {
        self.zone.tell(&self.database).await
    }
}

impl Ledger {
    async fn append(&self, wires: &[Wire]) -> Result<Appended, JsValue> {
        let mut appended =
            Appended { incarnation: self.state("incarnation").await?, sequences: Vec::new(), before: Vec::new() };
        for wire in wires {
            let now = js::date_now();
            let (name, area) = self.stored_name(wire, now).await?;
            let hard = JsValue::from(u32::from(wire.hard));
            let before = self.database.row(KNOWN, &[name.clone(), hard.clone()]).await?;
            let sequence = self.add("sequence", 1).await?;
            let is_area = !area.is_null();
            self.database.row(RECORD, &[name, hard, area, (sequence as f64).into(), now.into()]).await?;
            if before.is_none() {
                self.add("areas", i32::from(is_area)).await?;
                if self.add("records", 1).await? > MAX_RECORDS {
                    self.forget(now).await?;
                }
            }
            appended.sequences.push(sequence);
            appended.before.push(before.map_or(0, |row| number(&row, "sequence")));
        }
        Ok(appended)
    }

    /// The name a purge is recorded by, and its area: wider than it says, if there are too many already.
    async fn stored_name(&self, wire: &Wire, now: f64) -> Result<(JsValue, JsValue), JsValue> {
        let named = |name: Name| Ok((JsValue::from(format!("{:016x}", name.0)), JsValue::NULL));
        match (&wire.area, wire.parsed_name()) {
            (Some(area), _) => {
                if self.state("areas").await? >= MAX_AREAS {
                    return named(area.host.as_deref().map_or_else(Name::everything, Name::host));
                }
                let text = JsValue::from(serde_json::to_string(area).unwrap_or_default());
                Ok((text.clone(), text))
            }
            (None, Some(name)) if wire.by_anyone && self.is_too_often(now) => named(name.bucket()),
            (None, Some(name)) => named(name),
            // Neither: whatever was meant, this is no less.
            (None, None) => named(Name::everything()),
        }
    }

    fn is_too_often(&self, now: f64) -> bool {
        let (began, count) = self.minute.get();
        let (began, count) = if now - began < MINUTE_MILLIS { (began, count + 1) } else { (now, 1) };
        self.minute.set((began, count));
        count > BY_ANYONE_A_MINUTE
    }

    /// The older half gives way to a floor, and what no entry can be older than goes anyway.
    async fn forget(&self, now: f64) -> Result<(), JsValue> {
        let half = JsValue::from((MAX_RECORDS / 2) as f64);
        let oldest = self.database.row(OLDEST_KEPT, &[half]).await?;
        let floor = oldest.map_or(0, |row| number(&row, "sequence"));
        self.database.rows(SET, &["floor".into(), (floor as f64).into()]).await?;
        self.database.rows(FORGET, &[(floor as f64).into(), (now - LONGEST_LIFE_MILLIS).into()]).await?;
        if let Some(counts) = self.database.row(COUNT, &[]).await? {
            for name in ["records", "areas"] {
                self.database.rows(SET, &[name.into(), (number(&counts, name) as f64).into()]).await?;
            }
        }
        Ok(())
    }

    /// What came after `since`; all of it, if whoever asks knows another ledger, or nothing.
    async fn snapshot(&self, incarnation: u64, since: u64) -> Result<Snapshot, JsValue> {
        let own = self.state("incarnation").await?;
        let floor = self.state("floor").await?;
        let since = if own == incarnation && since >= floor { since } else { 0 };
        let mut snapshot = Snapshot { incarnation: own, since, floor, ..Snapshot::default() };
        snapshot.last = self.state("sequence").await?;
        snapshot.hard = self.named(true, since).await?;
        snapshot.soft = self.named(false, since).await?;
        for row in self.database.rows(AREAS, &[(since as f64).into()]).await?.iter() {
            let area = js::get(&row, "area").as_string().and_then(|text| serde_json::from_str(&text).ok());
            let (sequence, hard) = (number(&row, "sequence"), number(&row, "hard") == 1);
            snapshot.areas.extend(area.map(|area| AreaRecord { area, sequence, hard }));
        }
        Ok(snapshot)
    }

    /// Names and their numbers, sorted by name.
    async fn named(&self, hard: bool, since: u64) -> Result<Vec<(Name, u64)>, JsValue> {
        let mut all = Vec::new();
        let mut last = String::new();
        loop {
            let values = [u32::from(hard).into(), (since as f64).into(), last.as_str().into()];
            let Some(row) = self.database.row(NAMED, &values).await? else { return Ok(all) };
            let (Some(lines), Some(end)) = (js::get(&row, "lines").as_string(), js::get(&row, "last").as_string())
            else {
                return Ok(all);
            };
            all.extend(lines.as_bytes().chunks_exact(LINE).filter_map(read_line));
            last = end;
        }
    }

    async fn state(&self, name: &str) -> Result<u64, JsValue> {
        let row = self.database.row(STATE, &[name.into()]).await?;
        row.map(|row| number(&row, "value")).ok_or_else(|| "the ledger has no state".into())
    }

    async fn add(&self, name: &str, count: i32) -> Result<u64, JsValue> {
        let row = self.database.row(ADD, &[name.into(), count.into()]).await?;
        row.map(|row| number(&row, "value")).ok_or_else(|| "the ledger has no state".into())
    }
}

/// Sixteen digits of a name, sixteen of its number.
fn read_line(line: &[u8]) -> Option<(Name, u64)> {
    let digits = std::str::from_utf8(line).ok()?;
    let number = |digits: &str| u64::from_str_radix(digits, 16).ok();
    let (name, sequence) = digits.split_at_checked(LINE / 2)?;
    Some((Name(number(name)?), number(sequence)?))
}
