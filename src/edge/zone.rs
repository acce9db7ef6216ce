//! What the zone's own cache is to be told of purges: kept with the ledger until it was told, some seconds' worth at a time.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use wasm_bindgen::prelude::*;

use super::blob::JsBlob;
use super::env::text;
use super::js::{self, DurableStorage};
use super::origin;
use super::ports::Edge;
use super::sql::{Database, number};
use crate::blob::Blob as _;
use crate::engine::ports::{Body, OriginRequest, OriginResponse};
use crate::fields::{Seconds, Timestamp, retry_after};
use crate::purge::zone::{API, BUFFER, MAX_A_CALL, Next, next};

/// No more than ten thousand wait.
const ADD: &str = "
    INSERT OR REPLACE INTO zone (field, value) SELECT ?1, ?2 WHERE (SELECT count(*) FROM zone) < 10000 RETURNING id";

/// Everything before anything else, and what came first before the rest of its kind.
const BATCH: &str = "
    SELECT field, json_group_array(value) AS list, max(id) AS last, count(*) AS things FROM (
        SELECT id, field, value FROM zone
        WHERE field = (SELECT field FROM zone ORDER BY field = 'everything' DESC, id LIMIT 1) ORDER BY id LIMIT ?1)";

/// With everything, whatever came before it.
const FORGET: &str = "DELETE FROM zone WHERE (field = ?1 OR ?1 = 'everything') AND id <= ?2";

const STATE: &str = "SELECT status, failures, wakes FROM zone_state";

const NOTE: &str = "UPDATE zone_state SET status = ?1, failures = ?2";

const WAKES: &str = "UPDATE zone_state SET wakes = ?1";

/// An alarm that is so late will not come any more.
const OVERDUE_MILLIS: f64 = 60_000.0;

/// So many calls at a time: an object has a limit of requests, too.
const MAX_CALLS: usize = 10;

/// The API takes no longer.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Zone {
    pub(super) storage: DurableStorage,
    pub(super) env: JsValue,
}

impl Zone {
    /// Keeps lines for the zone, and sees to it that it is told soon. What it answered last, or 0.
    pub(super) fn queue(&self, database: &Database, lines: &str) -> Result<u64, JsValue> {
        for (field, value) in lines.lines().filter_map(|line| line.split_once(' ')) {
            if database.once(ADD, &[field.into(), value.into()])?.length() == 0 {
                return Err("too much waits for the zone".into());
            }
        }
        let state = database.once(STATE, &[])?.get(0);
        // An alarm that is set is for a batch that waits, or for a pause that the API asked for.
        let wakes = js::get(&state, "wakes").as_f64().unwrap_or_default();
        if wakes + OVERDUE_MILLIS < js::date_now() {
            self.wake(database, BUFFER)?;
        }
        Ok(number(&state, "status"))
    }

    /// Tells it.
    pub(super) async fn tell(&self, database: &Database) -> Result<(), JsValue> {
        database.once(WAKES, &[0.into()])?;
        let mut failures = number(&database.once(STATE, &[])?.get(0), "failures");
        for _ in 0..MAX_CALLS {
            let batch = database.once(BATCH, &[MAX_A_CALL.into()])?.get(0);
            let field = js::get(&batch, "field");
            let (Some(kind), Some(list)) = (field.as_string(), js::get(&batch, "list").as_string()) else {
                return Ok(());
            };
            let (status, wait) = self.call(&kind, &list).await;
            let next = next(status, wait, failures);
            failures = if matches!(next, Next::Again(_)) { failures + 1 } else { 0 };
            let status = status.unwrap_or_default();
            database.once(NOTE, &[status.into(), (failures as f64).into()])?;
            if next != Next::Done {
                let things = number(&batch, "things");
                js::console_log(&format!("larder: the zone answered {status} to a purge of {things} {kind}"));
            }
            if let Next::Again(wait) = next {
                return self.wake(database, wait);
            }
            database.once(FORGET, &[field, js::get(&batch, "last")])?;
        }
        self.wake(database, BUFFER)
    }

    /// Storage keeps its own order, and nothing leaves the object before it is durable: there is nothing to wait for.
    fn wake(&self, database: &Database, after: Duration) -> Result<(), JsValue> {
        let at = js::date_now() + after.as_millis() as f64;
        database.once(WAKES, &[at.into()])?;
        self.storage.set_alarm(at).map(drop)
    }

    /// One call: its status, if there was an answer, and how long the API wants to be left alone.
    async fn call(&self, kind: &str, list: &str) -> (Option<u16>, Option<Seconds>) {
        let Some(request) = self.request(kind, list) else { return (None, None) };
        let Ok(OriginResponse { head, .. }) = origin::fetch(request).await else { return (None, None) };
        let now = Timestamp::from_millis(js::date_now() as u64);
        (Some(head.status.as_u16()), retry_after(&head.headers, now))
    }

    fn request(&self, kind: &str, list: &str) -> Option<OriginRequest<Edge>> {
        let url = format!(
            "{}/zones/{}/purge_cache",
            text(&self.env, "CF_API").as_deref().unwrap_or(API),
            text(&self.env, "ZONE_ID")?
        );
        let body = match kind {
            "everything" => "{\"purge_everything\":true}".to_owned(),
            kind => format!("{{\"{kind}\":{list}}}"),
        };
        let mut token = HeaderValue::try_from(format!("Bearer {}", text(&self.env, "CF_API_TOKEN")?)).ok()?;
        token.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, token);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = Body::Blob(JsBlob::from_bytes(body.into()));
        Some(OriginRequest { method: Method::POST, url, headers, body, decode: true, timeout: PATIENCE })
    }
}
