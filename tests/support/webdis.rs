//! A simulated Redis behind Webdis: GET, SETEX and DEL.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use larder::engine::ports::FetchError;

use super::executor::Executor;
use super::world::{Fault, corrupted};

/// Where it is.
pub const REDIS: &str = "http://redis.test/";

#[derive(Default)]
pub struct Webdis {
    /// Values by key, and until when.
    pub values: RefCell<HashMap<String, (Bytes, u64)>>,
}

impl Webdis {
    /// The answer to a path: its status and its body.
    pub async fn ask(
        &self,
        executor: &Executor,
        fault: Fault,
        (path, body): (&str, Bytes),
        timeout: Duration,
    ) -> Result<(u16, Bytes), FetchError> {
        if fault.delay >= timeout {
            executor.sleep(timeout).await;
            return Err(FetchError::Timeout);
        }
        executor.sleep(fault.delay).await;
        if fault.fails {
            return Err(FetchError::Unreachable);
        }
        let now = executor.now();
        let mut values = self.values.borrow_mut();
        Ok(match path.split(['/', '?']).collect::<Vec<_>>()[..] {
            ["GET", key, ..] => match values.get(key).filter(|(_, until)| *until > now) {
                Some((value, _)) if fault.corrupts => (200, corrupted(value)),
                Some((value, _)) => (200, value.clone()),
                None => (404, Bytes::new()),
            },
            ["SETEX", key, seconds] => {
                let seconds: u64 = seconds.parse().expect("a number of seconds");
                values.insert(key.to_owned(), (body, now + seconds * 1000));
                (200, Bytes::from_static(b"{\"SETEX\":[true,\"OK\"]}"))
            }
            ["DEL", ref keys @ ..] => {
                keys.iter().for_each(|key| drop(values.remove(*key)));
                (200, Bytes::from_static(b"{\"DEL\":1}"))
            }
            _ => (403, Bytes::new()),
        })
    }
}
