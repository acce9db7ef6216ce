//! A step over several names, divided among the objects that keep them, and what they answer put together again.

use bytes::Bytes;

use super::OBJECTS;
use super::step::{Reply, Step, Verb, number};

/// What each object is to do. Only steps whose arguments are one for all names, and then one for each, have names in several.
#[must_use]
pub fn divide(step: Step) -> Vec<(usize, Step)> {
    let object = step.names.first().map_or(0, super::Name::object);
    if step.names.iter().all(|name| name.object() == object) {
        return vec![(object, step)];
    }
    let mut parts = Vec::new();
    for object in 0..OBJECTS {
        let mut part = Step::new(step.verb, Vec::new(), Vec::new());
        part.arguments.extend(step.arguments.first().cloned());
        for (at, name) in step.names.iter().enumerate() {
            if name.object() == object {
                part.names.push(name.clone());
                part.arguments.extend_from_slice(step.arguments.get(at + 1..at + 2).unwrap_or_default());
            }
        }
        if !part.names.is_empty() {
            parts.push((object, part));
        }
    }
    parts
}

/// The reply to a step, from those to its parts: the first that is not `ok`, or counts added up, or values in the order of the names.
#[must_use]
pub fn join(step: &Step, replies: &[(usize, Reply)]) -> Reply {
    if let Some((_, reply)) = replies.iter().find(|(_, reply)| reply.word() != "ok" || replies.len() == 1) {
        return reply.clone();
    }
    let mut parts = vec![Bytes::from_static(b"ok")];
    if step.verb == Verb::Delete {
        parts.push(number(replies.iter().map(|(_, reply)| reply.number(0)).sum()));
    } else if step.verb == Verb::Get {
        let mut read = [0; OBJECTS];
        for name in &step.names {
            let object = name.object();
            let Some(at) = read.get_mut(object) else { continue };
            let reply = replies.iter().find(|(known, _)| *known == object).map(|(_, reply)| reply);
            for _ in 0..2 {
                parts.push(reply.map(|reply| reply.part(*at)).unwrap_or_default());
                *at += 1;
            }
        }
    }
    Reply::new(parts)
}
