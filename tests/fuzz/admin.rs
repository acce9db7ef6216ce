//! The bodies of the admin API: what is done is what was asked for, no more of it than is allowed, and no secret is repeated.
#![cfg_attr(fuzzing, no_main)]

use bytes::Bytes;
use larder::cells::{Asked, Command, Defaults, MAX_KEYS, MAX_LEASE, MAX_NAME, MAX_WAIT, Refusal, Step, Verb, divide};
use larder::fields::Seconds;
use larder::policy::Glob;
use larder::purge::command::read;
use serde_json::Value;

use crate::input::Input;

#[cfg(fuzzing)]
mod input;
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holds(data));

/// `data`: a method, a path below an alias, a query with its `?`; then a body, of a purge as well.
pub fn holds(data: &[u8]) {
    let mut input = Input::new(data);
    let (method, path, query) = (input.text(), input.text(), input.text());
    let body = input.rest();
    assert_purges_what_is_named(body);
    let asked =
        Asked { method: &method, path: &path, query: query.strip_prefix('?'), body: Bytes::copy_from_slice(body) };
    let defaults = Defaults { prefix: "prod", version: 1, ttl: Seconds::new(300) };
    match Command::read(asked, &defaults) {
        Ok(command) => assert_is_allowed(&command, &method, body),
        Err(Refusal::Bad(why)) => {
            // What it repeats of the body it escapes: `\u{7f}`.
            assert!(!why.is_empty() && why.len() <= 6 * data.len() + 200, "{why}");
        }
        Err(Refusal::Unknown | Refusal::Method) => {}
    }
}

fn assert_purges_what_is_named(body: &[u8]) {
    let identify = |_: &str, value: &str| vec![value.len() as u64, 7];
    let secrets = secrets(body);
    let is_told = |text: &str| secrets.iter().any(|secret| text.contains(secret.as_str()));
    match read(body, identify) {
        Ok(command) => {
            assert!((1..=1000).contains(&command.items.len()), "{}", command.items.len());
            for item in &command.items {
                assert!(!item.purges.is_empty() && item.value.len() <= 3 * 2048 + 16, "{item:?}");
                assert!(item.purges.iter().all(|purge| purge.hard != command.soft), "{item:?}");
                assert_eq!(item.url.is_some(), item.kind == "url");
            }
            let text = serde_json::from_slice::<Value>(body).expect("it was JSON").to_string();
            assert_eq!(read(text.as_bytes(), identify).as_ref(), Ok(&command), "another way to write it is the same");
            let identities = command.items.iter().filter(|item| item.kind == "identity");
            assert_eq!(identities.filter(|item| is_told(&format!("{item:?}"))).count(), 0, "a value is repeated");
        }
        Err(why) => {
            assert!(!why.is_empty() && why.chars().count() <= body.len().min(2048) + 300, "{why}");
            assert!(!why.starts_with("identities") || !is_told(&why), "{why}");
        }
    }
}

/// Values of identities that stand nowhere else, long enough not to be a part of something by chance.
fn secrets(body: &[u8]) -> Vec<String> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let identities = value["identities"].as_array().cloned().unwrap_or_default();
    let values = identities.iter().filter_map(|identity| identity["value"].as_str().map(str::to_owned));
    values.filter(|secret| secret.len() > 12 && value.to_string().matches(secret.as_str()).count() == 1).collect()
}

fn assert_is_allowed(command: &Command, method: &str, body: &[u8]) {
    let reads = command.changes() || ["GET", "HEAD", "POST"].contains(&method);
    assert!(reads && (!["GET", "HEAD"].contains(&method) || !command.changes()), "{method} {command:?}");
    match command {
        Command::Take(step, _) => assert_is_sound(step, body),
        Command::Lease(_, length, wait) => {
            assert!((1..=MAX_LEASE).contains(length) && (0..=MAX_WAIT).contains(wait), "{length} {wait}");
        }
        Command::Sweep(verb, sweep, cursor) => {
            for step in sweep.redis_step(*verb, cursor.as_deref(), 100).into_iter() {
                assert!(step.names.is_empty());
            }
            let inside = format!("{}a", sweep.beginning());
            assert!(!sweep.fits(&Glob::new(&sweep.glob), &format!("x{inside}")), "another prefix is nobody's here");
        }
    }
}

fn assert_is_sound(step: &Step, body: &[u8]) {
    assert!((1..=MAX_KEYS).contains(&step.names.len()), "{}", step.names.len());
    for name in &step.names {
        let whole = name.to_string();
        assert!(whole.len() <= MAX_NAME && whole.starts_with("prod:") && whole.ends_with(name.key()), "{whole}");
        assert!(!name.key().is_empty() && !whole.contains(char::is_control), "{whole}");
    }
    // Values are the very bytes that were sent.
    if step.verb == Verb::Set {
        let values = &step.arguments[1..];
        assert_eq!(values.len(), step.names.len());
        let is_sent = |value: &&Bytes| value.is_empty() || body.windows(value.len()).any(|window| window == &value[..]);
        assert!(values.iter().all(|value| is_sent(&value)), "{values:?}");
    }
    let target = step.target();
    assert_eq!(Step::parse_target(&target), Some((step.verb, step.names.len())));
    let parts = larder::cells::decode(step.body()).expect("it reads back");
    assert_eq!(parts[step.names.len()..], step.arguments);
    // Divided, each name goes to one object, with its value.
    let divided = divide(step.clone());
    assert_eq!(divided.iter().map(|(_, part)| part.names.len()).sum::<usize>(), step.names.len());
    for (object, part) in divided {
        assert!(part.names.iter().all(|name| name.object() == object || step.verb == Verb::Move));
        assert!(step.verb != Verb::Set || part.arguments.len() == part.names.len() + 1);
    }
}
