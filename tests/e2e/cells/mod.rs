//! The low-level cache: one table of cases for values in Durable Objects, in Redis behind webdis, and in Redis behind Upstash's dialect.

mod leases;
mod sweeps;
mod verbs;

use serde_json::{Value, json};

use crate::support::{Client, Options, Origin, Redis, Reply, Upstash, Webdis, Worker, vars};

const ADMIN: &str = "Bearer admin-token";

/// One Worker, and an alias of each kind.
struct Site {
    worker: Worker,
    redis: Redis,
    _gateways: (Webdis, Upstash),
}

/// One alias of it.
#[derive(Clone, Copy)]
struct Cache {
    client: Client,
    alias: &'static str,
}

/// The aliases, and whether each is in the Redis of the site.
const ALIASES: [(&str, bool); 3] = [("objects", false), ("webdis", true), ("upstash", true)];

impl Site {
    fn start() -> Self {
        let redis = Redis::start();
        let gateways = (Webdis::start(&redis), Upstash::start(&redis, "upstash-token"));
        let more = json!({
            "KEY_PREFIX": "prod",
            "REDIS": {
                "webdis": { "protocol": "webdis", "url": gateways.0.url() },
                "upstash": { "protocol": "upstash", "url": gateways.1.url() },
            },
            "CACHES": {
                "objects": { "tiers": ["memory", "colo"] },
                "webdis": { "tiers": ["redis"], "redis": "webdis", "key_prefix": "w[1]" },
                "upstash": { "tiers": ["memory", "redis"], "redis": "upstash", "key_prefix": "u", "version": 7 },
                "short": { "tiers": ["memory"], "default_ttl": 7 },
                "nowhere": { "tiers": ["dummy"] },
            },
        });
        let mut options = Options::default();
        options.secrets["REDIS_TOKEN_WEBDIS"] = Webdis::TOKEN.into();
        options.secrets["REDIS_TOKEN_UPSTASH"] = "upstash-token".into();
        options.secrets["PURGE_TOKEN"] = "purge-token".into();
        let worker = Worker::with(&vars(&Origin::start().url(), &more), &options);
        Self { worker, redis, _gateways: gateways }
    }

    fn cache(&self, alias: &'static str) -> Cache {
        Cache { client: self.worker.client("site.test"), alias }
    }

    fn caches(&self) -> impl Iterator<Item = Cache> {
        ALIASES.map(|(alias, _)| self.cache(alias)).into_iter()
    }
}

impl Cache {
    fn ask(&self, method: &str, path: &str, body: impl AsRef<[u8]>) -> Reply {
        self.ask_as(ADMIN, method, path, body)
    }

    fn ask_as(&self, authorisation: &str, method: &str, path: &str, body: impl AsRef<[u8]>) -> Reply {
        let body = body.as_ref();
        let head = format!(
            "{method} /_larder/cache/{}/{path} HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\
             Authorization: {authorisation}\r\nContent-Length: {}\r\n\r\n",
            self.alias,
            body.len()
        );
        self.client.raw(&[head.as_bytes(), body].concat())
    }

    /// The same, page after page.
    fn page_by_page(&self, method: &str, path: &str) {
        let mut cursor = String::new();
        loop {
            let (_, page) = self.json(method, &format!("{path}{cursor}"), &Value::Null);
            let Some(next) = page["cursor"].as_str() else { return };
            cursor = format!("?cursor={}", escaped(next));
        }
    }

    fn get(&self, key: &str) -> Option<Vec<u8>> {
        let reply = self.ask("GET", &format!("keys/{key}"), "");
        (reply.status == 200).then_some(reply.body)
    }

    fn set(&self, key: &str, value: impl AsRef<[u8]>) {
        assert_eq!(self.ask("PUT", &format!("keys/{key}"), value).status, 204, "{} {key}", self.alias);
    }

    fn json(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = self.ask(method, path, body);
        (reply.status, serde_json::from_slice(&reply.body).unwrap_or_default())
    }
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
