//! A step over several names, divided among the objects that keep them, and what they answer put together again.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::step::{Reply, Step, Verb};

/// One object's part.
#[derive(Debug, Clone)]
pub struct Part {
    /// Which object.
    pub object: usize,
    /// Where its names stood.
    pub at: Vec<usize>,
    /// What it is to do.
    pub step: Step,
}

/// The parts of a step. One that moves a value has one part, since versions of a key are together.
#[must_use]
pub fn divide(step: Step) -> Vec<Part> {
    let object_of_all = step.names.first().map(super::Name::object);
    if let Some(object) = object_of_all.filter(|object| step.names.iter().all(|name| name.object() == *object)) {
        return vec![Part { object, at: (0..step.names.len()).collect(), step }];
    }
    let mut parts: BTreeMap<usize, Part> = BTreeMap::new();
    for (at, name) in step.names.into_iter().enumerate() {
        let object = name.object();
        let first: Vec<_> = step.arguments.first().cloned().into_iter().collect();
        let part = parts.entry(object).or_insert_with(|| Part {
            object,
            at: Vec::new(),
            step: Step::new(step.verb, Vec::new(), first),
        });
        part.at.push(at);
        part.step.names.push(name);
        // After what is for all of them comes what is for each.
        part.step.arguments.extend(step.arguments.get(at + 1).cloned());
    }
    parts.into_values().collect()
}

/// The reply to a step, from those to its parts.
#[must_use]
pub fn join(verb: Verb, replies: Vec<(Vec<usize>, Reply)>) -> Reply {
    if let Some((_, other)) = replies.iter().find(|(_, reply)| reply.word() != "ok") {
        return other.clone();
    }
    let ok = Bytes::from_static(b"ok");
    if verb == Verb::Delete {
        let count: i64 = replies.iter().map(|(_, reply)| reply.number(0)).sum();
        return Reply::new(vec![ok, count.to_string().into()]);
    }
    let count: usize = replies.iter().map(|(_, reply)| reply.parts().len()).sum();
    let mut parts = vec![Bytes::new(); count + 1];
    parts[0] = ok;
    for (at, reply) in &replies {
        for (at, pair) in at.iter().zip(reply.parts().chunks(2)) {
            for (offset, part) in pair.iter().enumerate() {
                if let Some(place) = parts.get_mut(1 + 2 * at + offset) {
                    place.clone_from(part);
                }
            }
        }
    }
    Reply::new(parts)
}
