//! What there is to know of each backend before it is asked: how long to wait for it, and what it takes.

use std::time::Duration;

use crate::policy::Tier;

/// The traits of a backend. One more backend is one more row below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backend {
    /// A lookup that takes longer is a miss, unless the alias says otherwise.
    pub timeout: Duration,
    /// The largest record it takes, in bytes. What is larger is not sent there.
    pub max_record: usize,
    /// What lives less is not sent there.
    pub least_life: Duration,
    /// Whether writes are charged for, so that `admission` and `BUDGET` govern them.
    pub charges: bool,
    /// Whether it takes a key only once a second.
    pub paced: bool,
    /// Whether whoever asks sees every write that was finished before.
    pub sees_every_write: bool,
}

/// What is not limited by the backend is limited by `max_body`.
const ANY: Backend = Backend {
    timeout: Duration::from_millis(500),
    max_record: usize::MAX,
    least_life: Duration::from_secs(1),
    charges: false,
    paced: false,
    sees_every_write: true,
};

/// The traits of `tier`.
#[must_use]
pub const fn backend(tier: Tier) -> Backend {
    match tier {
        Tier::Memory => Backend { timeout: Duration::ZERO, ..ANY },
        Tier::Colo => Backend { timeout: Duration::from_millis(100), ..ANY },
        // The limits of Workers KV, which caches absence for a while too.
        Tier::Kv => Backend {
            max_record: 25 << 20,
            least_life: Duration::from_secs(60),
            charges: true,
            paced: true,
            sees_every_write: false,
            ..ANY
        },
        Tier::Redis => ANY,
        // A row is 2,000,000 bytes at most, its key included, and the record is kept as base64, which is a third longer.
        Tier::D1 => Backend { max_record: 1_499_000, charges: true, ..ANY },
        Tier::R2 => Backend { charges: true, paced: true, ..ANY },
        // An item is 1 MiB at most, its key and what the server notes beside it included.
        Tier::Memcached => Backend { max_record: (1 << 20) - 1024, ..ANY },
        Tier::Dummy => Backend { timeout: Duration::ZERO, max_record: 0, ..ANY },
    }
}
