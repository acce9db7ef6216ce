//! What no request can bring about, brought about on purpose, so that tests can show what becomes of the others: only in a build for
//! trials (`tools/build.sh --trial`), never in the one that is deployed.

use std::hint::black_box;

use web_sys::Request;

/// How the Worker is to die of a request, and when: `/trial/panic?at-first`; at the second try too: `/trial/panic?at-first&always`.
#[derive(Clone, Default)]
pub(super) struct Trial {
    how: String,
    moments: String,
}

impl Trial {
    /// What the URL of a request says.
    pub(super) fn of(request: &Request, again: bool) -> Self {
        let url = request.url();
        let (how, moments) = url.split_once("/trial/").and_then(|(_, how)| how.split_once('?')).unwrap_or_default();
        if again && !moments.ends_with("&always") {
            return Self::default();
        }
        Self { how: how.to_owned(), moments: moments.to_owned() }
    }

    /// The `moment` has come.
    #[expect(clippy::panic, reason = "that is the point of it")]
    pub(super) fn at(&self, moment: &str) {
        if !self.moments.split('&').any(|named| named == moment) {
            return;
        }
        match self.how.as_str() {
            "panic" => panic!("on purpose"),
            "stack" => drop(black_box(deeper(black_box(1)))),
            "memory" => take_all_memory(),
            _ => {}
        }
    }
}

#[expect(unconditional_recursion, reason = "that is the point of it")]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    deeper(depth + 1) + u64::from(frame.contains(&0))
}

fn take_all_memory() {
    loop {
        // Taken, and not touched: it is the Worker that runs out of memory, not the machine.
        std::mem::forget(black_box(Vec::<u8>::with_capacity(64 << 20)));
    }
}
