//! The table of cases: which was tried in which state of the cache, and how it ended.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::process::Command;
use std::thread;

/// Names the file that a line is added to for each trial: `make security` makes its table of them.
const TABLE: &str = "LARDER_SECURITY_TABLE";

/// How the entry stands that an attack aims at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There is none.
    Cold,
    /// It answers by itself.
    Fresh,
    /// It is stale, and answers while it is refreshed.
    StaleWhileRevalidate,
    /// It is stale, and answers because the origin fails.
    StaleIfError,
    /// It is on its way: the origin has been asked, and has not answered yet.
    Filling,
    /// No stored entry is in play.
    Any,
}

impl State {
    /// The states that an attack on an entry is tried in.
    pub const SWEEP: [Self; 5] =
        [Self::Cold, Self::Fresh, Self::StaleWhileRevalidate, Self::StaleIfError, Self::Filling];
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cold => "cold",
            Self::Fresh => "fresh",
            Self::StaleWhileRevalidate => "stale-while-revalidate",
            Self::StaleIfError => "stale-if-error",
            Self::Filling => "filling",
            Self::Any => "any",
        })
    }
}

/// Tries a case in one state: a panic in `run` is what makes it unsafe. A variant of a case is named after it, `UI-02 X-Host`.
pub fn trial(case: &str, state: State, run: impl FnOnce()) {
    let outcome = catch_unwind(AssertUnwindSafe(run));
    record(case, state, outcome.is_ok());
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

/// Tries a case in all the states at once.
pub fn sweep(case: &str, run: impl Fn(State) + Sync) {
    let run = &run;
    thread::scope(|scope| {
        let trials = State::SWEEP.map(|state| scope.spawn(move || trial(case, state, || run(state))));
        let outcomes = trials.map(thread::ScopedJoinHandle::join);
        if let Some(panic) = outcomes.into_iter().find_map(Result::err) {
            resume_unwind(panic);
        }
    });
}

/// One line, in one write: lines of tests that run side by side do not mix.
fn record(case: &str, state: State, safe: bool) {
    let Some(path) = std::env::var_os(TABLE) else { return };
    let line = format!("{case}\t{state}\t{}\n", if safe { "safe" } else { "unsafe" });
    let mut file = OpenOptions::new().append(true).create(true).open(path).expect("the table can be written to");
    file.write_all(line.as_bytes()).expect("the table can be written to");
}

/// What `make weakened` takes half an hour to use has to fit what it changes.
#[test]
fn every_class_of_attacks_has_its_weakening_and_that_still_applies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cases = std::fs::read_to_string(root.join("fixtures/security/cases.txt")).expect("there are cases");
    let classes = cases.lines().filter_map(|line| line.strip_prefix("# ")?.split(':').next());
    for class in classes {
        let patch = root.join(format!("tests/e2e/security/weakenings/{}.patch", class.to_lowercase()));
        let mut git = Command::new("git");
        let applies = git.current_dir(root).arg("apply").arg("--check").arg(&patch).status().expect("git runs");
        assert!(applies.success(), "{} does not apply", patch.display());
    }
}
