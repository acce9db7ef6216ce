//! What isolates and objects say to each other. Code on both sides is replaced at different moments, so an object answers what it does
//! not know with an error, and an isolate that does not understand the answer goes on alone.

use std::fmt;
use std::time::Duration;

use crate::key::CacheKey;
use crate::reason::Reason;

/// The first segment of every path.
pub const VERSION: &str = "1";

/// What an isolate asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// To be the one that fetches, for at most so long.
    Lead {
        /// What.
        key: CacheKey,
        /// How long.
        lease: Duration,
        /// The same each time one request asks, so that to ask twice is to ask once. At most 2^53.
        nonce: u64,
    },
    /// To be told what the one that fetches brings.
    Wait {
        /// What.
        key: CacheKey,
        /// Whose lease it is.
        token: u64,
        /// How long at most.
        patience: Duration,
    },
    /// Tells what it brought. A record of it is the body.
    Land {
        /// What.
        key: CacheKey,
        /// The own lease.
        token: u64,
        /// What became of it.
        word: Word,
    },
    /// To write to KV so many times.
    Spend {
        /// On which day, counted from 1970.
        day: u64,
        /// How many writes a day may have.
        limit: u32,
        /// How many are wanted.
        wanted: u32,
    },
}

/// What an isolate is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Fetch, and land with this token.
    Lead(u64),
    /// Wait for the one that has this token.
    Wait(u64),
}

/// What became of a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It was stored.
    Stored,
    /// It is not to be shared.
    Refused(Reason),
    /// The origin could not be reached.
    Unreachable,
    /// The origin did not answer in time.
    Timeout,
    /// The origin answered with an error of its own.
    Failed,
    /// Nobody knows: whoever waits may lead.
    Gone,
}

impl Ask {
    /// Path and query.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::Lead { key, lease, nonce } => format!("/{VERSION}/lead/{key}/{}/{nonce}", lease.as_millis()),
            Self::Wait { key, token, patience } => format!("/{VERSION}/wait/{key}/{token}/{}", patience.as_millis()),
            Self::Land { key, token, word } => format!("/{VERSION}/land/{key}/{token}/{word}"),
            Self::Spend { day, limit, wanted } => format!("/{VERSION}/spend/{day}/{limit}/{wanted}"),
        }
    }

    /// Reads it back; `None` if it is none that is known here.
    #[must_use]
    pub fn parse(target: &str) -> Option<Self> {
        let parts: Vec<_> = target.strip_prefix('/')?.split('/').collect();
        let millis = |text: &str| text.parse().ok().map(Duration::from_millis);
        Some(match parts.as_slice() {
            [VERSION, "lead", key, lease, nonce] => {
                Self::Lead { key: CacheKey::parse(key)?, lease: millis(lease)?, nonce: nonce.parse().ok()? }
            }
            [VERSION, "wait", key, token, patience] => {
                Self::Wait { key: CacheKey::parse(key)?, token: token.parse().ok()?, patience: millis(patience)? }
            }
            [VERSION, "land", key, token, word] => {
                Self::Land { key: CacheKey::parse(key)?, token: token.parse().ok()?, word: Word::parse(word)? }
            }
            [VERSION, "spend", day, limit, wanted] => {
                Self::Spend { day: day.parse().ok()?, limit: limit.parse().ok()?, wanted: wanted.parse().ok()? }
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lead(token) => write!(f, "lead {token}"),
            Self::Wait(token) => write!(f, "wait {token}"),
        }
    }
}

impl Role {
    /// Reads it back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ')? {
            ("lead", token) => token.parse().ok().map(Self::Lead),
            ("wait", token) => token.parse().ok().map(Self::Wait),
            _ => None,
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stored => "stored",
            Self::Refused(reason) => reason.code(),
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Failed => "failed",
            Self::Gone => "gone",
        })
    }
}

impl Word {
    /// Reads it back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "stored" => Self::Stored,
            "unreachable" => Self::Unreachable,
            "timeout" => Self::Timeout,
            "failed" => Self::Failed,
            "gone" => Self::Gone,
            code => Self::Refused(*Reason::ALL.iter().find(|reason| reason.code() == code)?),
        })
    }
}
