//! `GET /_larder/health`: whether this deployment works, and for those who may know, what it is made of.

use serde::Serialize;

use crate::engine::Engine;
use crate::engine::ports::Ports;
use crate::engine::settings::Configured;
use crate::policy::Tier;

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
    memory: MemoryHealth,
    identity_key: bool,
}

#[derive(Debug, Serialize)]
struct TierHealth {
    name: &'static str,
    /// `ok`, or `absent` when its binding is not there.
    status: &'static str,
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
    let in_use: Vec<Tier> = match &engine.settings.state {
        Configured::Ready(config) => {
            let mut tiers: Vec<_> = config.caches.values().flat_map(|alias| alias.tiers.iter().copied()).collect();
            tiers.sort_unstable_by_key(|tier| tier.as_str());
            tiers.dedup();
            tiers
        }
        Configured::Broken { .. } => Vec::new(),
    };
    let status = |tier| if tier == Tier::Memory || engine.ports.has(tier) { "ok" } else { "absent" };
    let memory = engine.isolate.memory.borrow();
    Details {
        version: env!("CARGO_PKG_VERSION"),
        tiers: in_use.into_iter().map(|tier| TierHealth { name: tier.as_str(), status: status(tier) }).collect(),
        memory: MemoryHealth { entries: memory.len(), bytes: memory.bytes(), budget: crate::store::BUDGET },
        identity_key: engine.settings.identity.current().is_some(),
    }
}
