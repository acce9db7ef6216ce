//! Counts the instructions of work by callgrind: unlike time, they do not depend on what else the machine does.
//!
//! A bench runs itself once more under valgrind, which writes down what it counted at each call of [`boundary_for_callgrind`].

#![allow(dead_code, reason = "each bench asks a part of it")]

use std::env;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

/// The allocator that the Worker has too: that of the C library costs something else in each of its versions.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// Says that this process is the one whose instructions are counted.
const COUNTED: &str = "LARDER_COUNTED";

/// What is counted is the mean of so many.
const TIMES: u64 = 100;

/// Before it, so that nothing is done for the first time.
const WARM_UP: u64 = 10;

/// Work with a name.
pub struct Case {
    name: String,
    work: Box<dyn FnMut()>,
}

impl Case {
    /// What `work` comes to is not thrown away before it is there.
    pub fn new<T>(name: impl Into<String>, mut work: impl FnMut() -> T + 'static) -> Self {
        Self { name: name.into(), work: Box::new(move || drop(black_box(work()))) }
    }
}

/// What was counted.
pub struct Counts {
    /// The processor, as far as it makes a difference: what is known at run time decides how bytes are hashed, searched and copied.
    pub processor: String,
    /// Instructions of each case, in their order.
    pub instructions: Vec<(String, u64)>,
}

/// Counts the instructions of all cases. `make` runs in the counted process only, and is not counted itself.
pub fn count(make: impl FnOnce() -> Vec<Case>) -> Counts {
    if env::var_os(COUNTED).is_some() {
        run(make());
        std::process::exit(0);
    }
    let folder = env::temp_dir().join(format!("larder-callgrind-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let counts = run_under_valgrind(&folder);
    fs::remove_dir_all(&folder).expect("it is removed");
    counts
}

/// In the counted process: tells the processor and the names, and does the work.
fn run(cases: Vec<Case>) {
    println!("{}", processor());
    for mut case in cases {
        (0..WARM_UP).for_each(|_| (case.work)());
        boundary_for_callgrind();
        (0..TIMES).for_each(|_| (case.work)());
        boundary_for_callgrind();
        println!("{}", case.name);
    }
}

/// Where one count ends and the next begins. Valgrind knows it by its name.
#[inline(never)]
fn boundary_for_callgrind() {
    black_box(());
}

fn run_under_valgrind(folder: &Path) -> Counts {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg("--dump-before=*boundary_for_callgrind*")
        .arg(format!("--callgrind-out-file={}", folder.join("counts").display()))
        .arg(env::current_exe().expect("this program"))
        .env(COUNTED, "1")
        .output()
        .unwrap_or_else(|error| panic!("valgrind: {error}; `make setup` installs it"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).expect("text");
    let mut lines = told.lines().map(str::to_owned);
    let processor = lines.next().expect("the processor");
    // Two files for each case, numbered from 1: what came before it, and itself.
    let read = |(at, name)| (name, total(&folder.join(format!("counts.{}", 2 * (at + 1)))) / TIMES);
    Counts { processor, instructions: lines.enumerate().map(read).collect() }
}

/// The sum at the end of a file of callgrind's.
fn total(file: &Path) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    total.and_then(|total| total.trim().parse().ok()).unwrap_or_else(|| panic!("{} has no total", file.display()))
}

/// As valgrind shows it to the program.
fn processor() -> String {
    #[cfg(target_arch = "x86_64")]
    let extension = if std::is_x86_feature_detected!("avx2") { ", AVX2" } else { "" };
    #[cfg(not(target_arch = "x86_64"))]
    let extension = "";
    format!("{}{extension}", env::consts::ARCH)
}
