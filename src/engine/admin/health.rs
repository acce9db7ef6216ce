//! `GET /_larder/health`: whether this deployment works, and for those who may know, what it is made of.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::engine::Engine;
use crate::engine::ledger::LEDGER;
use crate::engine::ports::Ports;
use crate::engine::settings::Configured;
use crate::engine::shielded::SHIELD;
use crate::engine::tiers::breaker_name;

/// The document.
#[derive(Debug, Serialize)]
pub(crate) struct Health {
    /// `ok` or `config-invalid`.
    pub(crate) status: &'static str,
    /// What is wrong with the configuration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    configuration: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

/// What only a token shows.
#[derive(Debug, Serialize)]
struct Details {
    version: &'static str,
    tiers: Vec<TierHealth>,
    /// The Durable Objects.
    objects: Vec<TierHealth>,
    memory: MemoryHealth,
    identity_key: bool,
}

#[derive(Debug, Serialize)]
struct TierHealth {
    name: String,
    /// `ok`, or `absent` when its binding is not there.
    status: &'static str,
    /// How the breaker in front of it stands in this isolate: `closed`, `open`, `half-open`.
    breaker: &'static str,
}

#[derive(Debug, Serialize)]
struct MemoryHealth {
    entries: usize,
    bytes: u64,
    budget: u64,
}

/// Looks.
pub(crate) fn health<P: Ports>(engine: &Engine<P>, with_details: bool) -> Health {
    let (status, configuration) = match &engine.settings.state {
        Configured::Ready(_) => ("ok", Vec::new()),
        Configured::Broken { errors, .. } => ("config-invalid", errors.iter().map(ToString::to_string).collect()),
    };
    Health { status, configuration, details: with_details.then(|| details(engine)) }
}

fn details<P: Ports>(engine: &Engine<P>) -> Details {
    let memory = engine.isolate.memory.borrow();
    Details {
        version: env!("CARGO_PKG_VERSION"),
        tiers: tiers(engine),
        objects: [(SHIELD, engine.ports.has_shield()), (LEDGER, engine.ports.has_ledger())]
            .map(|(name, there)| part(engine, name.to_owned(), there))
            .into(),
        memory: MemoryHealth { entries: memory.len(), bytes: memory.bytes(), budget: crate::store::BUDGET },
        identity_key: engine.settings.identity.current().is_some(),
    }
}

/// Every tier that some alias has, each Redis by its name.
fn tiers<P: Ports>(engine: &Engine<P>) -> Vec<TierHealth> {
    let Configured::Ready(config) = &engine.settings.state else { return Vec::new() };
    let mut in_use = BTreeMap::new();
    for alias in config.caches.values() {
        in_use.extend(alias.tiers.iter().map(|tier| (breaker_name(alias, *tier).into_owned(), *tier)));
    }
    in_use.into_iter().map(|(name, tier)| part(engine, name, engine.has(tier))).collect()
}

fn part<P: Ports>(engine: &Engine<P>, name: String, there: bool) -> TierHealth {
    let breaker = engine.isolate.breaker(&name, engine.ports.now()).as_str();
    TierHealth { name, status: if there { "ok" } else { "absent" }, breaker }
}
