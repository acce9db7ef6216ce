//! Redis over HTTP: what is sent, and what an answer means. One dialect is Webdis, the other Upstash's REST API.
//!
//! Bytes go through Webdis as they are. Upstash takes commands as JSON, so there a value is kept as base64 text; what is read may be
//! either.

mod upstash;
mod webdis;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use crate::blob::Blob;
use crate::policy::{Redis, RedisProtocol};

/// An HTTP request to a gateway.
#[derive(Debug, Clone)]
pub struct Call<B> {
    /// GET, PUT or POST.
    pub method: Method,
    /// Absolute.
    pub url: String,
    /// Credentials among them.
    pub headers: HeaderMap,
    /// The body, if it has one.
    pub body: Option<B>,
}

/// The gateway answered something that is no good answer: refused, out of order, not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisError(pub String);

/// One Redis: where it is and how to speak to it.
#[derive(Debug, Clone)]
pub struct Server<'a> {
    /// From the configuration.
    pub redis: &'a Redis,
    /// The secret.
    pub token: Option<&'a str>,
}

impl Server<'_> {
    /// Asks for a value.
    #[must_use]
    pub fn get<B: Blob>(&self, key: &str) -> Call<B> {
        match self.redis.protocol {
            RedisProtocol::Webdis => webdis::get(self, key),
            RedisProtocol::Upstash => upstash::command(self, &["GET", key]),
        }
    }

    /// The value; `None` if there is none.
    ///
    /// # Errors
    ///
    /// When the gateway or Redis refused.
    pub fn read_get<B: Blob>(&self, status: StatusCode, body: &B) -> Result<Option<B>, RedisError> {
        let value = match self.redis.protocol {
            RedisProtocol::Webdis => webdis::read_get(status, body)?,
            RedisProtocol::Upstash => upstash::read_text(status, body)?.map(|text| B::from_bytes(text.into())),
        };
        Ok(value.map(decoded))
    }

    /// Sets a value for so many seconds, at least one. `None` if it is more than the gateway takes.
    #[must_use]
    pub fn set<B: Blob>(&self, key: &str, value: &B, seconds: u64) -> Option<Call<B>> {
        let seconds = seconds.max(1).to_string();
        match self.redis.protocol {
            RedisProtocol::Webdis => Some(webdis::set(self, key, value, &seconds)),
            RedisProtocol::Upstash => {
                let fits = value.len() <= upstash::MAX_VALUE;
                fits.then(|| {
                    let text = BASE64_STANDARD.encode(value.read(0..value.len()));
                    upstash::command(self, &["SET", key, &text, "EX", &seconds])
                })
            }
        }
    }

    /// Removes values.
    #[must_use]
    pub fn delete<B: Blob>(&self, keys: &[String]) -> Call<B> {
        match self.redis.protocol {
            RedisProtocol::Webdis => webdis::delete(self, keys),
            RedisProtocol::Upstash => {
                let commands: Vec<_> = keys.iter().map(|key| ["DEL", key.as_str()]).collect();
                upstash::pipeline(self, &commands)
            }
        }
    }

    /// Whether a value was set.
    ///
    /// # Errors
    ///
    /// When it was not.
    pub fn read_set<B: Blob>(&self, status: StatusCode, body: &B) -> Result<(), RedisError> {
        match self.redis.protocol {
            RedisProtocol::Webdis => webdis::read_ok(status, body).map(drop),
            RedisProtocol::Upstash => upstash::read_text(status, body).map(drop),
        }
    }

    /// How many of `count` values were there to be removed.
    ///
    /// # Errors
    ///
    /// When one of them could not be removed.
    pub fn read_delete<B: Blob>(&self, status: StatusCode, body: &B, count: usize) -> Result<u64, RedisError> {
        match self.redis.protocol {
            RedisProtocol::Webdis => webdis::read_ok(status, body),
            RedisProtocol::Upstash => upstash::read_pipeline(status, body, count),
        }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let credentials = self.token.and_then(|token| {
            let value = match self.redis.protocol {
                RedisProtocol::Webdis => format!("Basic {}", BASE64_STANDARD.encode(token)),
                RedisProtocol::Upstash => format!("Bearer {token}"),
            };
            HeaderValue::from_str(&value).ok()
        });
        if let Some(mut value) = credentials {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.redis.url.trim_end_matches('/'))
    }
}

/// A value as it was set: base64 text is taken apart; whatever is none stays as it is.
fn decoded<B: Blob>(value: B) -> B {
    let is_text =
        |bytes: &[u8]| bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    if !is_text(&value.read(0..value.len().min(8))) {
        return value;
    }
    match BASE64_STANDARD.decode(value.read(0..value.len())) {
        Ok(bytes) => B::from_bytes(Bytes::from(bytes)),
        Err(_) => value,
    }
}

/// What can be said of an answer that is no good one: its status, and Redis' own word for the error. The rest may be anything, a value
/// of somebody's too.
fn refusal(status: StatusCode, error: Option<&str>) -> RedisError {
    let code =
        error.and_then(|text| text.split(' ').next()).filter(|code| code.bytes().all(|byte| byte.is_ascii_uppercase()));
    RedisError(format!("{} {}", status.as_u16(), code.unwrap_or("not understood")))
}
