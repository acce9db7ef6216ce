//! Simulated objects of the low-level cache.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use larder::cells::{FOREVER, Step, Sweep, Verb, decode, encode};
use larder::engine::ports::StoreError;
use larder::policy::Glob;

use super::executor::Executor;
use super::world::Fault;

/// Values in the order of their names: until when they are good, and until when stale.
type Table = BTreeMap<String, (Bytes, u64, u64)>;

#[derive(Default)]
pub struct Cells {
    pub is_there: Cell<bool>,
    pub fault: Cell<Fault>,
    /// By object.
    pub tables: RefCell<HashMap<String, Table>>,
    /// By object and name: the token, and until when it holds.
    leases: RefCell<HashMap<(String, String), (Bytes, u64)>>,
    pub asked: Cell<usize>,
}

fn word(word: &'static str) -> Vec<Bytes> {
    vec![Bytes::from_static(word.as_bytes())]
}

fn with(word: &'static str, parts: impl IntoIterator<Item = String>) -> Vec<Bytes> {
    [Bytes::from_static(word.as_bytes())].into_iter().chain(parts.into_iter().map(Bytes::from)).collect()
}

fn number(part: &Bytes) -> i64 {
    std::str::from_utf8(part).expect("it is text").parse().expect("a number")
}

impl Cells {
    pub async fn ask(&self, executor: &Executor, object: &str, target: &str, body: Bytes) -> Result<Bytes, StoreError> {
        let fault = self.fault.get();
        executor.sleep(fault.delay).await;
        if fault.fails {
            return Err(StoreError);
        }
        self.asked.set(self.asked.get() + 1);
        let (verb, count) = Step::parse_target(target).expect("it reads back");
        let mut names = decode(body).expect("it is whole");
        let arguments = names.split_off(count);
        let names: Vec<_> = names.iter().map(|name| String::from_utf8(name.to_vec()).expect("text")).collect();
        Ok(encode(&self.take(verb, object, &names, &arguments, executor.now())))
    }

    fn take(&self, verb: Verb, object: &str, names: &[String], arguments: &[Bytes], now: u64) -> Vec<Bytes> {
        let mut tables = self.tables.borrow_mut();
        let table = tables.entry(object.to_owned()).or_default();
        let end = |life: &Bytes| if number(life) == FOREVER { u64::MAX } else { now + number(life) as u64 };
        let is_live = |table: &Table, name: &String| table.get(name).is_some_and(|(_, ends, _)| *ends > now);
        let left = |ends: u64| if ends == u64::MAX { "-1".to_owned() } else { (ends - now).to_string() };
        let end_lease = |name: &String| self.leases.borrow_mut().remove(&(object.to_owned(), name.clone()));
        match (verb, names, arguments) {
            (Verb::Get, names, _) => {
                let mut reply = word("ok");
                for name in names {
                    let (value, ends, _) =
                        table.get(name).filter(|(_, ends, _)| *ends > now).cloned().unwrap_or_default();
                    let left = if ends == 0 { "-2".to_owned() } else { left(ends) };
                    reply.extend([left.into(), value]);
                }
                reply
            }
            (Verb::Add, [name], _) if is_live(table, name) => word("taken"),
            (Verb::Set | Verb::Add, names, [life, values @ ..]) => {
                for (name, value) in names.iter().zip(values) {
                    table.insert(name.clone(), (value.clone(), end(life), end(life)));
                    end_lease(name);
                }
                word("ok")
            }
            (Verb::Delete, names, _) => {
                let count = names.iter().filter(|name| is_live(table, name)).count();
                for name in names {
                    table.remove(name);
                    end_lease(name);
                }
                with("ok", [count.to_string()])
            }
            (Verb::Increment | Verb::Touch, [name], _) if !is_live(table, name) => word("absent"),
            (Verb::Increment, [name], [by]) => {
                let (value, ..) = table.get_mut(name).expect("it is live");
                let Ok(old) = String::from_utf8_lossy(value).parse::<i64>() else { return word("not-an-integer") };
                *value = (old + number(by)).to_string().into();
                with("ok", [(old + number(by)).to_string()])
            }
            (Verb::Touch, [name], [life]) => {
                let (_, ends, gone) = table.get_mut(name).expect("it is live");
                (*ends, *gone) = (end(life), end(life));
                word("ok")
            }
            (Verb::Move, [_, from], _) if !is_live(table, from) => word("absent"),
            (Verb::Move, [to, from], _) => {
                let cell = table.remove(from).expect("it is live");
                table.insert(to.clone(), cell);
                word("ok")
            }
            (Verb::Lease, [name], _) if is_live(table, name) => {
                let (value, ends, _) = table[name].clone();
                let mut reply = with("value", [left(ends)]);
                reply.push(value);
                reply
            }
            (Verb::Lease, [name], [token, length, is_last]) => {
                let mut leases = self.leases.borrow_mut();
                let until = now + number(length) as u64;
                let lease = leases.entry((object.to_owned(), name.clone())).or_insert((token.clone(), 0));
                let stale = table.get(name).filter(|(.., gone)| *gone > now);
                if lease.1 <= now {
                    *lease = (token.clone(), until);
                } else if is_last != "1" {
                    return word("wait");
                } else if let Some((value, ..)) = stale {
                    return vec!["value".into(), "0".into(), value.clone()];
                }
                lease.1 = lease.1.max(until);
                vec!["turn".into(), lease.0.clone()]
            }
            (Verb::Fill, [name], [token, life, stale, value]) => {
                let lease = self.leases.borrow().get(&(object.to_owned(), name.clone())).cloned();
                if lease.is_none_or(|(held, until)| held != token || until <= now) {
                    return word("passed");
                }
                end_lease(name);
                table.insert(name.clone(), (value.clone(), end(life), end(life).saturating_add(number(stale) as u64)));
                word("ok")
            }
            (Verb::List | Verb::Drop, _, arguments) => {
                let (sweep, after, room) = Sweep::parse_object_step(arguments).expect("it reads back");
                let glob = Glob::new(&sweep.glob);
                let fitting = table
                    .iter()
                    .filter(|(name, (_, ends, _))| **name > after && *ends > now && sweep.fits(&glob, name));
                let mut found: Vec<_> = fitting.map(|(name, _)| name.clone()).collect();
                let reached = if found.len() > room { found[room - 1].clone() } else { String::new() };
                found.truncate(room);
                if verb == Verb::List {
                    return with("ok", [reached].into_iter().chain(found));
                }
                found.iter().for_each(|name| drop(table.remove(name)));
                with("ok", [reached, found.len().to_string()])
            }
            _ => panic!("{verb:?} of {names:?} is not understood"),
        }
    }
}
