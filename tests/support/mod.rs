//! What the tests that run natively and in wasm share.
#![allow(dead_code, unused_imports, reason = "each test crate uses a part of it")]

pub mod answer;
pub mod cells;
pub mod executor;
pub mod ledger;
pub mod memcached;
pub mod origin;
pub mod shield;
pub mod stream;
pub mod webdis;
pub mod world;

/// `#[test]`, on both targets: a plain one is silently skipped in wasm.
#[cfg(not(target_arch = "wasm32"))]
pub use core::prelude::v1::test;
#[cfg(target_arch = "wasm32")]
pub use wasm_bindgen_test::wasm_bindgen_test as test;

use http::{HeaderMap, HeaderName, HeaderValue};
use larder::fields::Timestamp;

/// A moment to begin with: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub const NOW: Timestamp = Timestamp::from_millis(784_111_777_000);

/// Fields from pairs; a name may stand twice.
pub fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a field name");
        headers.append(name, HeaderValue::from_str(value).expect("a field value"));
    }
    headers
}
