//! Who is told of a purge beside the ledger: the origin's Redis at once, the zone's own cache soon. The ledger alone is the truth: what
//! fails here fails no purge.

use serde::Serialize;

use crate::engine::Engine;
use crate::engine::deferred::Removing;
use crate::engine::ledger::RECORDING;
use crate::engine::ports::Ports;
use crate::engine::within::within;
use crate::policy::{Config, Tier};
use crate::purge::command::Command;
use crate::purge::zone::{QUEUE, tell};

/// So many keys in one request to Redis: for some gateways they are its URL.
const KEYS_A_CALL: usize = 50;

/// What became of it, for the receipt.
#[derive(Serialize)]
pub(super) struct Channels {
    ledger: &'static str,
    redis: RedisChannel,
    zone: ZoneChannel,
}

#[derive(Serialize)]
struct RedisChannel {
    /// `deleted`, `failed`, or `none` where no entry's place in it is known.
    status: &'static str,
    /// How many entries it had.
    deleted: u64,
    /// Things whose entries only the ledger knows to be gone.
    left_to_ledger: u64,
}

#[derive(Serialize)]
struct ZoneChannel {
    /// `queued`, `failed`, `none`, or `not-configured`.
    status: &'static str,
    /// What the zone answered to what it was told last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_answer: Option<u64>,
    /// Kinds that the zone has no word for.
    unsupported: Vec<&'static str>,
}

impl<P: Ports> Engine<P> {
    /// Tells both. `slots` are the places of purged URLs, as far as they can be known.
    pub(super) async fn fan_out(&self, config: &Config, command: &Command, slots: &[Removing]) -> Channels {
        let left_to_ledger = (command.items.len() - slots.len()) as u64;
        let redis = RedisChannel { left_to_ledger, ..self.purge_redis(config, slots).await };
        Channels { ledger: "recorded", redis, zone: self.purge_zone(config, command).await }
    }

    async fn purge_redis(&self, config: &Config, slots: &[Removing]) -> RedisChannel {
        let mut channel = RedisChannel { status: "none", deleted: 0, left_to_ledger: 0 };
        for (name, alias) in config.caches.iter().filter(|(_, alias)| alias.tiers.contains(&Tier::Redis)) {
            let mut keys = Vec::new();
            slots.iter().filter(|slot| slot.policy.store == *name).for_each(|slot| keys.extend_from_slice(&slot.keys));
            for keys in keys.chunks(KEYS_A_CALL) {
                let deleted = self.remove_slots(alias, &[Tier::Redis], keys).await;
                if deleted.is_err() || channel.status == "none" {
                    channel.status = if deleted.is_err() { "failed" } else { "deleted" };
                }
                channel.deleted += deleted.unwrap_or_default();
            }
        }
        channel
    }

    async fn purge_zone(&self, config: &Config, command: &Command) -> ZoneChannel {
        let mut channel = ZoneChannel { status: "not-configured", last_answer: None, unsupported: Vec::new() };
        if !self.settings.purges_zone {
            return channel;
        }
        let mut lines = String::new();
        for item in &command.items {
            if !tell(item, &config.hosts, &mut lines) && !channel.unsupported.contains(&item.kind) {
                channel.unsupported.push(item.kind);
            }
        }
        channel.status = "none";
        if !lines.is_empty() {
            let queueing = self.ports.ask_ledger(QUEUE, Some(lines.into()));
            let answer = within(self.ports.sleep(RECORDING), queueing).await.and_then(Result::ok);
            channel.status = if answer.is_some() { "queued" } else { "failed" };
            let status = answer.and_then(|answer| std::str::from_utf8(&answer).ok()?.parse().ok());
            channel.last_answer = status.filter(|status| *status != 0);
        }
        channel
    }
}
