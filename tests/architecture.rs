//! The shape of the house: who may know whom, and how long a file may be.
#![cfg(not(target_arch = "wasm32"))]

use std::path::{Path, PathBuf};

/// The modules, from the ground up. Each may use those of the rows before its own, and its neighbours' nothing.
const LAYERS: [&[&str]; 9] = [
    &["blob", "digest", "fields", "reason", "url"],
    &["key", "message", "name", "policy"],
    &["esi", "forward"],
    &["cache"],
    &["cells", "purge", "shield", "store"],
    &["engine"],
    &["edge"],
    &["manual"],
    &["lib"],
];

const LONGEST_FILE: usize = 500;

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// The module of the crate a file belongs to; `None` for the binary.
fn module_of(file: &Path) -> Option<String> {
    let inside = file.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("a file of the crate");
    let first = inside.components().next()?.as_os_str().to_str()?.trim_end_matches(".rs").to_owned();
    (first != "bin").then_some(first)
}

fn layer_of(module: &str) -> usize {
    LAYERS.iter().position(|row| row.contains(&module)).unwrap_or_else(|| panic!("{module} has no place in the layers"))
}

#[test]
fn nobody_uses_a_module_above_or_beside_their_own() {
    for file in rust_files("src") {
        let Some(module) = module_of(&file) else { continue };
        let text = std::fs::read_to_string(&file).expect("it can be read");
        for used in text.split("crate::").skip(1) {
            let used: String = used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if used.is_empty() || used == module {
                continue;
            }
            let (own, other) = (layer_of(&module), layer_of(&used));
            assert!(other < own, "{} uses {used}", file.display());
        }
    }
}

#[test]
fn only_the_edge_knows_the_runtime() {
    for file in rust_files("src").into_iter().filter(|file| module_of(file).is_some_and(|module| module != "edge")) {
        let text = std::fs::read_to_string(&file).expect("it can be read");
        for name in ["worker::", "js_sys", "web_sys", "wasm_bindgen"] {
            assert!(!text.contains(name), "{} names {name}", file.display());
        }
    }
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    for file in rust_files("src").into_iter().chain(rust_files("tests")) {
        let lines = std::fs::read_to_string(&file).expect("it can be read").lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", file.display());
    }
}

#[test]
fn every_file_opens_with_a_sentence_that_says_what_it_is_for() {
    for file in rust_files("src").into_iter().chain(rust_files("tests")) {
        let text = std::fs::read_to_string(&file).expect("it can be read");
        assert!(text.starts_with("//! "), "{}", file.display());
    }
}

#[test]
fn every_dependency_is_pinned_and_says_why_it_is_there() {
    for manifest in ["Cargo.toml", "tests/fuzz/Cargo.toml"] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(manifest)).expect("it is there");
        let (mut in_dependencies, mut before, mut seen) = (false, "", 0);
        for line in text.lines() {
            if line.starts_with('[') {
                in_dependencies = line.ends_with("dependencies]");
            } else if in_dependencies && !line.is_empty() && !line.starts_with('#') {
                assert!(before.starts_with("# "), "{manifest}: why {line}?");
                assert!(line.contains("\"=") || line.contains("path = "), "{manifest}: which {line}?");
                seen += 1;
            }
            before = line;
        }
        assert!(seen > 5, "{manifest}");
    }
}
