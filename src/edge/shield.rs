//! The shield's objects. What they know is in their storage, so that two that live at the same time over one storage agree.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use wasm_bindgen::prelude::*;

use super::js::{self, DurableState};
use super::objects::{NOT_UNDERSTOOD, answer};
use super::ports::JsSignal;
use super::sql::{Database, number};
use super::timer;
use crate::engine::within;
use crate::key::CacheKey;
use crate::shield::{Ask, Role, Word};

/// How often an object looks for what another one over the same storage has landed.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How long what has landed is kept for those who wait.
const KEPT_MILLIS: u64 = 5000;

/// So many isolates may wait for one key. One object has a thousand requests a second.
const MAX_WAITING: u32 = 500;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS leases (
        key TEXT PRIMARY KEY, token INTEGER NOT NULL, until INTEGER NOT NULL, nonce INTEGER NOT NULL, waiting INTEGER NOT NULL,
        word TEXT, record BLOB
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS spent (day INTEGER PRIMARY KEY, writes INTEGER NOT NULL);";

/// Taken if nobody has it, or whoever had it has landed or is too late, or asks again. A token is never given twice.
const LEAD: &str = "
    INSERT INTO leases (key, token, until, nonce, waiting) VALUES (?1, ?3, ?2, ?4, 0)
    ON CONFLICT (key) DO UPDATE SET
        token = max(token + 1, ?3), until = ?2, nonce = ?4, waiting = 0, word = NULL, record = NULL
    WHERE until <= ?3 OR word IS NOT NULL OR nonce = ?4 RETURNING token";

const JOIN: &str = "UPDATE leases SET waiting = waiting + 1 WHERE key = ?1 AND waiting < ?2 RETURNING token";

const LOOK: &str = "SELECT until, word, record FROM leases WHERE key = ?1 AND token = ?2";

/// Kept only if somebody waits for it.
const LAND: &str = "
    UPDATE leases SET word = ?3, record = ?4, until = ?5 WHERE key = ?1 AND token = ?2 AND waiting > 0 RETURNING token";

const FORGET: &str = "DELETE FROM leases WHERE (key = ?1 AND token = ?2 AND word IS NULL) OR until < ?3";

const SPEND: &str = "
    INSERT INTO spent (day, writes) VALUES (?1, ?2) ON CONFLICT (day) DO UPDATE SET writes = writes + ?2 RETURNING writes";

/// One of them. Spoken to directly, as all of the runtime is: the wrappers would be a fifth of the Worker's weight.
#[wasm_bindgen]
pub struct Shield {
    database: Database,
    /// What requests to this object wait for.
    landings: RefCell<HashMap<CacheKey, JsSignal>>,
}

#[wasm_bindgen]
impl Shield {
    /// The runtime makes one.
    #[wasm_bindgen(constructor)]
    pub fn new(state: &DurableState, _env: &JsValue) -> Self {
        Self { database: Database::of(state, TABLES), landings: RefCell::default() }
    }

    /// And hands it what it is asked.
    pub async fn ask(&self, target: &str, record: JsValue) -> Result<JsValue, JsValue> {
        let Some(ask) = Ask::parse(target) else { return Ok(NOT_UNDERSTOOD) };
        let nothing = JsValue::NULL;
        let (text, record) = match ask {
            Ask::Lead { key, lease, nonce } => (self.lead(key, lease, nonce).await?.to_string(), nothing),
            Ask::Wait { key, token, patience } => self.wait(key, token, patience).await?,
            Ask::Land { key, token, word } => {
                self.land(key, token, word, &record).await?;
                ("landed".to_owned(), nothing)
            }
            Ask::Spend { day, limit, wanted } => (self.spend(day, limit, wanted).await?.to_string(), nothing),
        };
        Ok(answer(&text, &record))
    }
}

impl Shield {
    async fn lead(&self, key: CacheKey, lease: Duration, nonce: u64) -> Result<Role, JsValue> {
        let now = js::date_now();
        let until = now + lease.as_millis() as f64;
        let key = JsValue::from(key.to_string());
        let lead = [key.clone(), until.into(), now.into(), (nonce as f64).into()];
        if let Some(row) = self.database.row(LEAD, &lead).await? {
            return Ok(Role::Lead(number(&row, "token")));
        }
        match self.database.row(JOIN, &[key, MAX_WAITING.into()]).await? {
            Some(row) => Ok(Role::Wait(number(&row, "token"))),
            // There are too many already, or it was landed and forgotten between the two: who asked goes on alone.
            None => Err("nothing to wait for".into()),
        }
    }

    async fn wait(&self, key: CacheKey, token: u64, patience: Duration) -> Result<(String, JsValue), JsValue> {
        let until = js::date_now() + patience.as_millis() as f64;
        loop {
            // Before looking: what lands between the two is not missed.
            let landing = self.landings.borrow_mut().entry(key).or_insert_with(JsSignal::new).clone();
            let row = self.database.row(LOOK, &[key.to_string().into(), (token as f64).into()]).await?;
            let Some(row) = row else { return Ok((Word::Gone.to_string(), JsValue::NULL)) };
            let now = js::date_now();
            if let Some(word) = js::get(&row, "word").as_string() {
                return Ok((word, js::get(&row, "record")));
            }
            if now >= until || now >= number(&row, "until") as f64 {
                return Ok((Word::Gone.to_string(), JsValue::NULL));
            }
            within(timer::sleep(LOOK_AGAIN), landing.wait()).await;
        }
    }

    async fn land(&self, key: CacheKey, token: u64, word: Word, record: &JsValue) -> Result<(), JsValue> {
        let now = js::date_now();
        let (name, token) = (JsValue::from(key.to_string()), JsValue::from(token as f64));
        let kept = JsValue::from(now + KEPT_MILLIS as f64);
        let landing = [name.clone(), token.clone(), word.to_string().into(), record.clone(), kept];
        self.database.row(LAND, &landing).await?;
        self.database.row(FORGET, &[name, token, now.into()]).await?;
        if let Some(landing) = self.landings.borrow_mut().remove(&key) {
            landing.raise();
        }
        Ok(())
    }

    async fn spend(&self, day: u64, limit: u32, wanted: u32) -> Result<u64, JsValue> {
        let row = self.database.row(SPEND, &[(day as f64).into(), wanted.into()]).await?;
        let after = row.map_or(u64::MAX, |row| number(&row, "writes"));
        let before = after.saturating_sub(u64::from(wanted));
        Ok(u64::from(limit).saturating_sub(before).min(u64::from(wanted)))
    }
}
