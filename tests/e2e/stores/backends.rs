//! The backends, and a site for each whose pages are kept nowhere else.

use std::net::SocketAddr;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::support::{Client, Memcached, Options, Origin, Redis, Relay, Reply, Upstash, Webdis, Worker, vars};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Colo,
    Kv,
    D1,
    R2,
    Webdis,
    Upstash,
    Memcached,
    /// The example of the manual, in the place of Workers KV.
    Own,
}

pub const ALL: [Backend; 8] = [
    Backend::Colo,
    Backend::Kv,
    Backend::D1,
    Backend::R2,
    Backend::Webdis,
    Backend::Upstash,
    Backend::Memcached,
    Backend::Own,
];

/// What a backend keeps its records in, while it is not the runtime.
enum Server {
    None,
    Webdis { webdis: Webdis, _redis: Redis },
    Upstash { upstash: Upstash, _redis: Redis },
    Memcached(Memcached),
}

pub struct Site {
    pub origin: Origin,
    pub worker: Worker,
    /// Between the Worker and the server.
    pub relay: Option<Relay>,
    server: Server,
}

impl Backend {
    pub const fn tier(self) -> &'static str {
        match self {
            Self::Colo => "colo",
            Self::Kv | Self::Own => "kv",
            Self::D1 => "d1",
            Self::R2 => "r2",
            Self::Webdis | Self::Upstash => "redis",
            Self::Memcached => "memcached",
        }
    }

    /// As the health page names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webdis | Self::Upstash => "redis:default",
            _ => self.tier(),
        }
    }

    /// The binding that it is reached by.
    pub const fn binding(self) -> Option<&'static str> {
        match self {
            Self::Kv => Some("CACHE"),
            Self::D1 => Some("CACHE_DB"),
            Self::R2 => Some("CACHE_BUCKET"),
            _ => None,
        }
    }

    /// A body that just fits, and one that does not: for whom there is no limit, the site sets one.
    pub const fn sizes(self) -> (usize, usize) {
        match self {
            Self::D1 => (1_490_000, 1_510_000),
            Self::Upstash => (750_000, 800_000),
            Self::Memcached => (1_040_000, 1_050_000),
            _ => (2_000_000, 2_100_000),
        }
    }

    /// The one site of this backend, for tests that break nothing.
    pub fn site(self) -> &'static Site {
        static SITES: [LazyLock<Site>; ALL.len()] = [
            LazyLock::new(|| Site::start(Backend::Colo, &json!({}))),
            LazyLock::new(|| Site::start(Backend::Kv, &json!({}))),
            LazyLock::new(|| Site::start(Backend::D1, &json!({}))),
            LazyLock::new(|| Site::start(Backend::R2, &json!({}))),
            LazyLock::new(|| Site::start(Backend::Webdis, &json!({}))),
            LazyLock::new(|| Site::start(Backend::Upstash, &json!({}))),
            LazyLock::new(|| Site::start(Backend::Memcached, &json!({}))),
            LazyLock::new(|| Site::start(Backend::Own, &json!({ "CACHE": "Store" }))),
        ];
        &SITES[ALL.iter().position(|backend| *backend == self).expect("it is one of all")]
    }
}

impl Site {
    /// With stand-ins for bindings: `{ "CACHE": "Down" }`.
    pub fn start(backend: Backend, stand_ins: &Value) -> Self {
        let origin = Origin::start();
        let server = match backend {
            Backend::Webdis => {
                let redis = Redis::start();
                Server::Webdis { webdis: Webdis::start(&redis), _redis: redis }
            }
            Backend::Upstash => {
                let redis = Redis::start();
                Server::Upstash { upstash: Upstash::start(&redis, "token"), _redis: redis }
            }
            Backend::Memcached => Server::Memcached(Memcached::start()),
            _ => Server::None,
        };
        let relay = server.address().map(Relay::before);
        let mut more = json!({
            "SITE": { "jitter": "0", "max_body": 2_048_000, "collapse": "off" },
            "CACHES": { "default": { "tiers": [backend.tier()] } },
        });
        let mut options = Options { d1: true, r2: true, stand_ins: stand_ins.clone(), ..Options::default() };
        if let Some(relay) = &relay {
            let mut redis = |protocol: &str, token: &str| {
                more["REDIS"] = json!({ "protocol": protocol, "url": format!("http://{}", relay.address) });
                options.secrets["REDIS_TOKEN"] = token.into();
            };
            match server {
                Server::Webdis { .. } => redis("webdis", Webdis::TOKEN),
                Server::Upstash { .. } => redis("upstash", "token"),
                _ => more["MEMCACHED"] = relay.address.to_string().into(),
            }
        }
        let worker = Worker::with(&vars(&origin.url(), &more), &options);
        Self { origin, worker, relay, server }
    }

    pub fn client(&self) -> Client {
        self.worker.client("site.test")
    }

    pub fn get(&self, path: &str) -> Reply {
        self.client().get(path, &[])
    }

    /// Only what is stored.
    pub fn stored(&self, path: &str) -> Reply {
        self.client().get(path, &[("Cache-Control", "only-if-cached")])
    }

    /// What memcached answers to a line.
    pub fn ask_memcached(&self, line: &str) -> String {
        let Server::Memcached(memcached) = &self.server else { panic!("there is no memcached") };
        memcached.ask(line)
    }

    /// A tier on the health page.
    pub fn health(&self, name: &str) -> Value {
        let reply = self.client().get("/_larder/health", &[("Authorization", "Bearer admin-token")]);
        let shown: Value = serde_json::from_slice(&reply.body).expect("it is JSON");
        let tiers = shown["details"]["tiers"].as_array().expect("a list").clone();
        tiers.into_iter().find(|tier| tier["name"] == name).unwrap_or_else(|| panic!("no {name} in {shown}"))
    }
}

impl Server {
    fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::None => None,
            Self::Webdis { webdis, .. } => Some(webdis.address()),
            Self::Upstash { upstash, .. } => Some(upstash.address()),
            Self::Memcached(memcached) => Some(memcached.address()),
        }
    }
}
