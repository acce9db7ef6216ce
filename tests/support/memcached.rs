//! A simulated memcached: get, set and delete, answered in pieces of any size.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use bytes::Bytes;
use larder::engine::ports::StoreError;
use larder::store::memcached::Reply;

use super::executor::Executor;
use super::world::{Fault, corrupted};

/// Where it is.
pub const MEMCACHED: &str = "memcached.test:11211";

#[derive(Default)]
pub struct Memcached {
    /// Values by key, and until when.
    pub values: RefCell<HashMap<String, (Bytes, u64)>>,
    /// What it says instead of an answer, to requests that begin so.
    pub says: Cell<Option<(&'static str, &'static str)>>,
}

impl Memcached {
    pub async fn converse(
        &self,
        executor: &Executor,
        fault: Fault,
        request: &Bytes,
        reply: &mut Reply<Bytes>,
    ) -> Result<(), StoreError> {
        executor.sleep(fault.delay).await;
        if fault.fails {
            return Err(StoreError);
        }
        let says = self.says.get().filter(|(to, _)| request.starts_with(to.as_bytes()));
        let answer = says.map_or_else(|| self.answer(request, fault, executor.now()), |(_, says)| says.into());
        let is_whole = answer.chunks(7).any(|piece| reply.take(Bytes::copy_from_slice(piece)));
        if is_whole { Ok(()) } else { Err(StoreError) }
    }

    fn answer(&self, request: &Bytes, fault: Fault, now: u64) -> Bytes {
        let end = request.windows(2).position(|two| two == b"\r\n").expect("a line");
        let line = std::str::from_utf8(&request[..end]).expect("text");
        let mut values = self.values.borrow_mut();
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["get", key] => match values.get(key).filter(|(_, until)| *until > now) {
                None => Bytes::from_static(b"END\r\n"),
                Some((value, _)) => {
                    let value = if fault.corrupts { corrupted(value) } else { value.clone() };
                    let head = format!("VALUE {key} 0 {}\r\n", value.len());
                    [head.as_bytes(), &value, b"\r\nEND\r\n"].concat().into()
                }
            },
            ["set", key, "0", seconds, length] => {
                let (seconds, length): (u64, usize) =
                    (seconds.parse().expect("seconds"), length.parse().expect("bytes"));
                assert!(key.len() <= 250 && seconds <= 30 * 86_400);
                assert_eq!(&request[end + 2 + length..], b"\r\n");
                values.insert(key.to_owned(), (request.slice(end + 2..end + 2 + length), now + seconds * 1000));
                Bytes::from_static(b"STORED\r\n")
            }
            ["delete", key] => Bytes::from_static(match values.remove(key) {
                Some(_) => b"DELETED\r\n",
                None => b"NOT_FOUND\r\n",
            }),
            _ => Bytes::from_static(b"ERROR\r\n"),
        }
    }
}
