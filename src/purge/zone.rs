//! The zone's own cache: what of a purge Cloudflare's API can be told, and what to do about its answers.
//!
//! What it takes and how much of it is from [Purge cache](https://developers.cloudflare.com/cache/how-to/purge-cache/): a hundred operations
//! a call, on every plan.

use std::time::Duration;

use super::command::Item;
use crate::fields::Seconds;

/// Where the ledger takes what the zone is to be told.
pub const QUEUE: &str = "/1/zone";

/// The API, unless `CF_API` names another.
pub const API: &str = "https://api.cloudflare.com/client/v4";

/// So many things in one call.
pub const MAX_A_CALL: u32 = 100;

/// What comes within this time goes together: a free plan has five calls a minute.
pub const BUFFER: Duration = Duration::from_secs(5);

/// What failed so often in a row is not tried any more.
const MAX_ATTEMPTS: u64 = 8;

/// The longest wait between two of them.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Adds what the zone is told of an item: lines of what the API calls it, and its value. `false` if it has no word for it.
pub fn tell(item: &Item, hosts: &[String], lines: &mut String) -> bool {
    let field = match item.kind {
        "url" => "files",
        "tag" => "tags",
        "host" => "hosts",
        "prefix" => "prefixes",
        "everything" => "everything",
        _ => return false,
    };
    let value = item.value.as_str();
    // A line is a line.
    if value.contains(char::is_control) {
        return false;
    }
    let mut add = |host: &str| {
        for part in [field, " ", host, value, "\n"] {
            lines.push_str(part);
        }
    };
    // A prefix without a host is one of every host that is served.
    if field == "prefixes" && value.starts_with('/') {
        hosts.iter().for_each(|host| add(host));
        return !hosts.is_empty();
    }
    add("");
    true
}

/// What to do after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is done.
    Done,
    /// The same once more, after a wait.
    Again(Duration),
    /// It will not be done.
    GiveUp,
}

/// What an answer means; none came without a status. `failures` came before it in a row.
#[must_use]
pub fn next(status: Option<u16>, retry_after: Option<Seconds>, failures: u64) -> Next {
    match status {
        Some(200..=299) => Next::Done,
        None | Some(429 | 500..) if failures + 1 < MAX_ATTEMPTS => {
            let stated = retry_after.map(|wait| Duration::from_secs(u64::from(wait.get())));
            let wait = stated.unwrap_or(BUFFER * (1 << failures));
            Next::Again(wait.clamp(Duration::from_secs(1), LONGEST_WAIT))
        }
        // Asked the same again, it would say the same.
        _ => Next::GiveUp,
    }
}
