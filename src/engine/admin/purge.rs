//! `POST /_larder/purge`, and `PURGE` of one URL.

use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use serde::Serialize;

use super::fan_out::Channels;
use super::problem;
use crate::engine::Engine;
use crate::engine::answer::{Response, document};
use crate::engine::deferred::{Deferred, Removing};
use crate::engine::ports::Ports;
use crate::engine::settings::Configured;
use crate::forward::select_parameters;
use crate::message::RequestHead;
use crate::name::Name;
use crate::policy::{Config, Tier};
use crate::purge::command::{Command, Item, read};
use crate::purge::{Purge, What};

/// What was done, for whoever asked for it.
#[derive(Serialize)]
struct Receipt<'a> {
    dry_run: bool,
    soft: bool,
    items: Vec<Receipted<'a>>,
    /// By then every location has seen it.
    bound_seconds: u64,
    /// Who was told of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<Channels>,
}

#[derive(Serialize)]
struct Receipted<'a> {
    kind: &'static str,
    value: &'a str,
    /// Whether the same had not been purged before.
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<bool>,
    /// Its number in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
}

/// An answer, and what is left to do.
type Done<P> = (Response<P>, Vec<Deferred<P>>);

impl<P: Ports> Engine<P> {
    /// Does what a JSON body asks for.
    pub(in crate::engine) async fn purge(&self, request: &RequestHead, body: &[u8]) -> Done<P> {
        let identify = |cookie: &str, value: &str| self.settings.identity.named([(cookie, value)].into_iter());
        match read(body, identify) {
            Ok(command) => self.carry_out(request, &command).await,
            Err(why) => (problem(StatusCode::BAD_REQUEST, &why), Vec::new()),
        }
    }

    /// Purges the URL of the request.
    pub(in crate::engine) async fn purge_one(&self, request: &RequestHead) -> Done<P> {
        let items = vec![Item::url(request.url.clone(), true)];
        self.carry_out(request, &Command { items, soft: false, dry_run: false }).await
    }

    async fn carry_out(&self, request: &RequestHead, command: &Command) -> Done<P> {
        if !self.ports.has_ledger() {
            let why = "There is no ledger: bind the Durable Object class Ledger as LEDGER. Nothing was purged.";
            return (problem(StatusCode::SERVICE_UNAVAILABLE, why), Vec::new());
        }
        if !command.dry_run && !self.isolate.admits_purge(self.ports.now()) {
            let mut refusal = problem(StatusCode::TOO_MANY_REQUESTS, "Too many purges at once. Nothing was purged.");
            refusal.headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            return (refusal, Vec::new());
        }
        let purges: Vec<Purge> = command.items.iter().flat_map(|item| self.meaning(item)).collect();
        let appended = if command.dry_run {
            Ok(None)
        } else {
            self.record(&purges, false).await.map(|recorded| recorded.appended)
        };
        let Ok(appended) = appended else {
            let why = "The purge could not be recorded, so it is not certain to be seen everywhere. Please repeat it.";
            return (problem(StatusCode::SERVICE_UNAVAILABLE, why), Vec::new());
        };
        // An identity may be two purges: its last one counts.
        let ends = command.items.iter().scan(0, |end, item| {
            *end += item.purges.len();
            Some(*end - 1)
        });
        let items = command.items.iter().zip(ends).map(|(item, at)| Receipted {
            kind: item.kind,
            value: &item.value,
            new: appended.as_ref().and_then(|appended| appended.before.get(at).map(|before| *before == 0)),
            sequence: appended.as_ref().and_then(|appended| appended.sequences.get(at).copied()),
        });
        let (mut channels, mut deferred) = (None, Vec::new());
        if let (Configured::Ready(config), false) = (&self.settings.state, command.dry_run) {
            let slots = if command.soft { Vec::new() } else { self.slots(config, request, command) };
            // Seldom, and large: it does not stand in the way of every request.
            channels = Some(Box::pin(self.fan_out(config, command, &slots)).await);
            deferred = slots.into_iter().map(Deferred::Remove).collect();
        }
        let receipt = Receipt {
            dry_run: command.dry_run,
            soft: command.soft,
            items: items.collect(),
            bound_seconds: self.purge_bound().div_ceil(1000),
            channels,
        };
        let text = serde_json::to_string(&receipt).unwrap_or_default();
        (document(StatusCode::OK, "application/json", text), deferred)
    }

    /// What an item means: of a URL what is stored for it, which is without the parameters that do not matter on its route.
    fn meaning(&self, item: &Item) -> Vec<Purge> {
        let (Configured::Ready(config), Some(url)) = (&self.settings.state, &item.url) else {
            return item.purges.clone();
        };
        let policy = config.table.select(url, &http::Method::GET).policy;
        let name = What::Named(Name::url(&select_parameters(url, policy)));
        item.purges.iter().map(|purge| Purge { what: name.clone(), hard: purge.hard }).collect()
    }

    /// The slots of purged URLs, as far as they can be known: what is in them is not used any more either way.
    fn slots(&self, config: &Config, request: &RequestHead, command: &Command) -> Vec<Removing> {
        let anyone = RequestHead { headers: http::HeaderMap::new(), ..request.clone() };
        let slots = |item: &Item| {
            let url = item.url.as_ref()?;
            let policy = config.table.select(url, &http::Method::GET).policy.clone();
            let keys = self.keys_of(config, &anyone, url);
            (!keys.is_empty()).then_some(Removing { keys, policy, but: Some(Tier::Redis) })
        };
        command.items.iter().filter_map(slots).collect()
    }
}
