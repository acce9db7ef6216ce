//! The objects of the low-level cache: SQLite tables of values and leases, each step a statement or two that nothing comes between.

use std::cell::Cell;

use bytes::Bytes;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

use super::js::{self, DurableState, DurableStorage};
use super::objects::{NOT_UNDERSTOOD, answer};
use super::sql::{self, ATTEMPTS, Database, pause};
use crate::cells::{FOREVER, MAX_TOGETHER, Step, Sweep, Verb, decode, encode, number};
use crate::policy::Glob;

/// When a value that lives for ever ends: later than any clock.
const NEVER: f64 = 9_007_199_254_740_991.0;

/// What has ended is removed at most so long after.
const CLEANING_MILLIS: f64 = 600_000.0;

/// If there is more of it than is removed at once, the rest follows so soon.
const SOON_MILLIS: f64 = 1000.0;

/// So many names one step looks at: those who read wait meanwhile.
const LOOKED_AT: u32 = 500;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS cells (name TEXT PRIMARY KEY, value BLOB NOT NULL, ends INTEGER NOT NULL, gone INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS cells_by_end ON cells (gone);
    CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, token TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;";

const GET: &str = "SELECT value, ends FROM cells WHERE name = ?1 AND ends > ?2";

/// Followed by rows.
const SET: &str = "INSERT INTO cells (ends, gone, name, value) VALUES ";

const ANEW: &str =
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value, ends = excluded.ends, gone = excluded.gone";

/// So many rows one statement sets: it takes a hundred parameters, and has two for all rows.
const ROWS: usize = 49;

/// Nobody's value is in its way but one that has ended.
const ADD: &str = "
    INSERT INTO cells (name, value, ends, gone) VALUES (?1, ?2, ?3, ?3)
    ON CONFLICT (name) DO UPDATE SET value = ?2, ends = ?3, gone = ?3 WHERE ends <= ?4 RETURNING name";

/// Names are a JSON list.
const COUNT: &str = "SELECT count(*) AS count FROM cells WHERE name IN (SELECT value FROM json_each(?1)) AND ends > ?2";

const DELETE: &str = "DELETE FROM cells WHERE name IN (SELECT value FROM json_each(?1))";

/// Only if it is still what it was when it was read.
const EXCHANGE: &str = "UPDATE cells SET value = ?3 WHERE name = ?1 AND value = ?2 RETURNING name";

const TOUCH: &str = "UPDATE cells SET ends = ?2, gone = ?2 WHERE name = ?1 AND ends > ?3 RETURNING name";

const MOVE: &str = "UPDATE OR REPLACE cells SET name = ?1 WHERE name = ?2 AND ends > ?3 RETURNING name";

const STALE: &str = "SELECT value FROM cells WHERE name = ?1 AND gone > ?2";

const LEASE: &str = "
    INSERT INTO leases (name, token, until) VALUES (?1, ?2, ?3)
    ON CONFLICT (name) DO UPDATE SET token = ?2, until = ?3 WHERE until <= ?4 RETURNING token";

const PROLONG: &str = "UPDATE leases SET until = max(until, ?2) WHERE name = ?1 RETURNING token";

const REDEEM: &str = "DELETE FROM leases WHERE name = ?1 AND token = ?2 AND until > ?3 RETURNING token";

const END_LEASE: &str = "DELETE FROM leases WHERE name = ?1";

const END_LEASES: &str = "DELETE FROM leases WHERE name IN (SELECT value FROM json_each(?1))";

/// As one text: a thousand rows as objects would take as long as all the rest.
const NAMES: &str = "
    SELECT group_concat(name, char(10)) AS names FROM (
        SELECT name FROM cells WHERE name > ?1 AND name >= ?2 AND iif(?5, gone, ends) > ?3 ORDER BY name LIMIT ?4)";

const LEASED: &str = "SELECT name FROM leases WHERE name >= ?1";

const DROP: &str = "DELETE FROM cells WHERE name BETWEEN ?1 AND ?2";

const CLEAN: &str = "DELETE FROM cells WHERE name IN (SELECT name FROM cells WHERE gone <= ?1 LIMIT 1000)";

const CLEAN_LEASES: &str = "DELETE FROM leases WHERE until <= ?1";

const NEXT: &str = "SELECT (SELECT min(gone) FROM cells) AS gone, (SELECT min(until) FROM leases) AS until";

/// One of them.
#[wasm_bindgen]
pub struct Cells {
    database: Database,
    storage: DurableStorage,
    /// Whether it is certain to be woken up for cleaning.
    will_clean: Cell<bool>,
}

#[wasm_bindgen]
impl Cells {
    /// The runtime makes one.
    #[wasm_bindgen(constructor)]
    pub fn new(state: &DurableState, _env: &JsValue) -> Self {
        Self { database: Database::of(state, TABLES), storage: state.storage(), will_clean: Cell::default() }
    }

    /// And hands it what it is asked.
    pub async fn ask(&self, target: &str, body: Uint8Array) -> Result<JsValue, JsValue> {
        let asked = Step::parse_target(target).zip(decode(body.to_vec().into()));
        let Some(((verb, names), mut parts)) = asked else { return Ok(NOT_UNDERSTOOD) };
        let arguments = parts.split_off(names.min(parts.len()));
        let names: Vec<_> = parts.iter().map(text).collect();
        let reply = self.take_in_turn(verb, &names, &arguments).await?;
        if !matches!(verb, Verb::Get | Verb::List | Verb::Drop) {
            self.clean_after(CLEANING_MILLIS).await?;
        }
        Ok(answer("ok", &Uint8Array::from(&encode(&reply)[..])))
    }

    /// The runtime wakes it up.
    pub async fn alarm(&self) -> Result<(), JsValue> {
        let now = js::date_now();
        self.rows(CLEAN, &[now.into()])?;
        self.rows(CLEAN_LEASES, &[now.into()])?;
        self.will_clean.set(false);
        let row = self.row(NEXT, &[])?.unwrap_or_default();
        let next = |name: &str| js::get(&row, name).as_f64().unwrap_or(NEVER);
        match next("gone").min(next("until")) {
            NEVER.. => Ok(()),
            next if next <= now => self.clean_after(SOON_MILLIS).await,
            _ => self.clean_after(CLEANING_MILLIS).await,
        }
    }
}

/// A reply under way: its word, and what belongs to it.
type Parts = Vec<Bytes>;

fn word(word: &'static str) -> Parts {
    vec![Bytes::from_static(word.as_bytes())]
}

impl Cells {
    fn rows(&self, statement: &str, values: &[JsValue]) -> Result<Array, JsValue> {
        self.database.once(statement, values)
    }

    fn row(&self, statement: &str, values: &[JsValue]) -> Result<Option<JsValue>, JsValue> {
        self.rows(statement, values).map(|rows| rows.iter().next())
    }

    /// Again and again while another object over the same storage is in the way: that shows before anything is written.
    async fn take_in_turn(&self, verb: Verb, names: &[JsValue], arguments: &[Bytes]) -> Result<Parts, JsValue> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.take(verb, names, arguments) {
                Err(_) if attempt < ATTEMPTS => pause(attempt).await,
                taken => return taken,
            }
        }
    }

    fn take(&self, verb: Verb, names: &[JsValue], arguments: &[Bytes]) -> Result<Parts, JsValue> {
        let now = js::date_now();
        match (verb, names, arguments) {
            (Verb::Get, names, _) => self.get(names, now),
            (Verb::Set, names, [life, values @ ..]) => {
                self.set(names, values, life, 0.0, now)?;
                self.rows(END_LEASES, &[listed(names)?])?;
                Ok(word("ok"))
            }
            (Verb::Add, [name], [life, value]) => {
                let cell = [name.clone(), Uint8Array::from(&value[..]).into(), end(life, now).into(), now.into()];
                self.done(self.row(ADD, &cell)?, "taken", name)
            }
            (Verb::Touch, [name], [life]) => {
                let touched = self.row(TOUCH, &[name.clone(), end(life, now).into(), now.into()])?;
                Ok(word(touched.map_or("absent", |_| "ok")))
            }
            (Verb::Move, [to, from], _) => {
                self.done(self.row(MOVE, &[to.clone(), from.clone(), now.into()])?, "absent", to)
            }
            (Verb::Delete, names, _) => self.delete(names, now),
            (Verb::Increment, [name], [by]) => self.increment(name, by, now),
            (Verb::Lease, [name], [token, length, is_last]) => {
                self.lease(name, token, now + millis(length), &is_last[..] == b"1", now)
            }
            (Verb::Fill, [name], [token, life, stale, value]) => {
                if self.row(REDEEM, &[name.clone(), text(token), now.into()])?.is_none() {
                    return Ok(word("passed"));
                }
                self.set(std::slice::from_ref(name), std::slice::from_ref(value), life, millis(stale), now)?;
                Ok(word("ok"))
            }
            (Verb::List | Verb::Drop, _, arguments) => self.sweep(verb, arguments, now),
            _ => Err("not understood".into()),
        }
    }

    /// What is done to `name` ends a lease on it.
    fn done(&self, row: Option<JsValue>, otherwise: &'static str, name: &JsValue) -> Result<Parts, JsValue> {
        if row.is_none() {
            return Ok(word(otherwise));
        }
        self.rows(END_LEASE, std::slice::from_ref(name))?;
        Ok(word("ok"))
    }

    fn get(&self, names: &[JsValue], now: f64) -> Result<Parts, JsValue> {
        let (mut reply, mut size) = (word("ok"), 0);
        for name in names {
            let row = self.row(GET, &[name.clone(), now.into()])?;
            let (left, value) = row.map_or((FOREVER - 1, Bytes::new()), |row| (left(&row, now), value_of(&row)));
            size += value.len();
            if size > MAX_TOGETHER {
                return Ok(word("too-large"));
            }
            reply.extend([number(left), value]);
        }
        Ok(reply)
    }

    fn set(&self, names: &[JsValue], values: &[Bytes], life: &Bytes, stale: f64, now: f64) -> Result<(), JsValue> {
        let ends = end(life, now);
        if ends <= now {
            return self.rows(DELETE, &[listed(names)?]).map(drop);
        }
        let gone = if ends < NEVER { ends + stale } else { ends };
        for (names, values) in names.chunks(ROWS).zip(values.chunks(ROWS)) {
            let mut parameters = vec![ends.into(), gone.into()];
            let mut rows = Vec::new();
            for (name, value) in names.iter().zip(values) {
                let at = parameters.len();
                rows.push(format!("(?1,?2,?{},?{})", at + 1, at + 2));
                parameters.extend([name.clone(), Uint8Array::from(&value[..]).into()]);
            }
            self.rows(&format!("{SET}{}{ANEW}", rows.join(",")), &parameters)?;
        }
        Ok(())
    }

    fn delete(&self, names: &[JsValue], now: f64) -> Result<Parts, JsValue> {
        let names = listed(names)?;
        let count = self.row(COUNT, &[names.clone(), now.into()])?;
        for statement in [DELETE, END_LEASES] {
            self.rows(statement, std::slice::from_ref(&names))?;
        }
        let mut reply = word("ok");
        reply.push(number(count.map_or(0, |row| sql::number(&row, "count") as i64)));
        Ok(reply)
    }

    fn increment(&self, name: &JsValue, by: &Bytes, now: f64) -> Result<Parts, JsValue> {
        loop {
            let Some(row) = self.row(GET, &[name.clone(), now.into()])? else {
                return Ok(word("absent"));
            };
            let sum = integer(&value_of(&row)).zip(integer(by)).and_then(|(number, by)| number.checked_add(by));
            let Some(sum) = sum.map(|sum| sum.to_string()) else { return Ok(word("not-an-integer")) };
            let exchange = [name.clone(), js::get(&row, "value"), Uint8Array::from(sum.as_bytes()).into()];
            if self.row(EXCHANGE, &exchange)?.is_some() {
                let mut reply = word("ok");
                reply.push(sum.into());
                return Ok(reply);
            }
        }
    }

    fn lease(&self, name: &JsValue, token: &Bytes, until: f64, is_last: bool, now: f64) -> Result<Parts, JsValue> {
        if let Some(row) = self.row(GET, &[name.clone(), now.into()])? {
            let mut reply = word("value");
            reply.extend([number(left(&row, now)), value_of(&row)]);
            return Ok(reply);
        }
        let lease = [name.clone(), text(token), until.into(), now.into()];
        let mut lease = self.row(LEASE, &lease)?;
        if lease.is_none() {
            if !is_last {
                return Ok(word("wait"));
            }
            if let Some(row) = self.row(STALE, &[name.clone(), now.into()])? {
                let mut reply = word("value");
                reply.extend([Bytes::from_static(b"0"), value_of(&row)]);
                return Ok(reply);
            }
            lease = self.row(PROLONG, &[name.clone(), until.into()])?;
        }
        let mut reply = word("turn");
        reply.extend(lease.and_then(|row| js::get(&row, "token").as_string()).map(Bytes::from));
        Ok(reply)
    }

    /// Names in their order, from behind where the last page ended.
    fn sweep(&self, verb: Verb, arguments: &[Bytes], now: f64) -> Result<Parts, JsValue> {
        let (sweep, after, room) = Sweep::parse_object_step(arguments).ok_or("not understood")?;
        let (beginning, glob) = (sweep.beginning(), Glob::new(&sweep.glob));
        let from =
            beginning.clone() + sweep.glob.split('*').next().filter(|_| sweep.version.is_some()).unwrap_or_default();
        if verb == Verb::Drop && after.is_empty() {
            for row in self.rows(LEASED, &[from.as_str().into()])?.iter() {
                let name = js::get(&row, "name");
                if name.as_string().is_some_and(|name| sweep.fits(&glob, &name)) {
                    self.rows(END_LEASE, &[name])?;
                }
            }
        }
        // What is stale is removed too.
        let drops = verb == Verb::Drop;
        let values = [after.into(), from.as_str().into(), now.into(), LOOKED_AT.into(), u32::from(drops).into()];
        let names = self.row(NAMES, &values)?;
        let names = names.and_then(|row| js::get(&row, "names").as_string()).unwrap_or_default();
        let (mut reached, mut found, mut looked_at) = ("", Vec::new(), 0);
        let mut is_done = true;
        for name in names.split('\n').take_while(|name| !name.is_empty() && name.starts_with(&from)) {
            // The last one that it may look at: there may be more behind it.
            if found.len() >= room || looked_at + 1 == LOOKED_AT {
                is_done = false;
                break;
            }
            looked_at += 1;
            if sweep.fits(&glob, name) {
                found.push(name);
            }
            reached = name;
        }
        let mut reply = word("ok");
        reply.push(if is_done { Bytes::new() } else { Bytes::from(reached.to_owned()) });
        if verb == Verb::List {
            found.iter().for_each(|name| reply.push(Bytes::from((*name).to_owned())));
        } else {
            reply.push(number(found.len() as i64));
            self.drop_found(&found, found.len() == looked_at as usize)?;
        }
        Ok(reply)
    }

    /// Removes names that are in order; all at once if there are no others between them.
    fn drop_found(&self, found: &[&str], is_all: bool) -> Result<(), JsValue> {
        let drop = |first: &str, last: &str| self.rows(DROP, &[first.into(), last.into()]);
        match found {
            [first, .., last] if is_all => drop(first, last).map(std::mem::drop),
            found => found.iter().try_for_each(|name| drop(name, name).map(std::mem::drop)),
        }
    }

    async fn clean_after(&self, millis: f64) -> Result<(), JsValue> {
        if !self.will_clean.replace(true) {
            wasm_bindgen_futures::JsFuture::from(self.storage.set_alarm(js::date_now() + millis)?).await?;
        }
        Ok(())
    }
}

fn text(part: &Bytes) -> JsValue {
    String::from_utf8_lossy(part).as_ref().into()
}

/// As a JSON list.
fn listed(names: &[JsValue]) -> Result<JsValue, JsValue> {
    js::json_stringify(&names.iter().collect::<Array>())
}

fn integer(bytes: &[u8]) -> Option<i64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

fn millis(part: &Bytes) -> f64 {
    integer(part).unwrap_or_default() as f64
}

/// When what lives so long from now ends.
fn end(life: &Bytes, now: f64) -> f64 {
    match integer(life) {
        Some(FOREVER) => NEVER,
        life => now + life.unwrap_or_default() as f64,
    }
}

/// What is left of the life of a row.
fn left(row: &JsValue, now: f64) -> i64 {
    match sql::number(row, "ends") as f64 {
        ends if ends >= NEVER => FOREVER,
        ends => (ends - now) as i64,
    }
}

fn value_of(row: &JsValue) -> Bytes {
    Uint8Array::new(&js::get(row, "value")).to_vec().into()
}
