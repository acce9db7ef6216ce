//! Every fault has a test: here by its number, or elsewhere by what the table of this module names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// All that may fail, by number.
const FAULTS: [u32; 53] = [
    1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 16, 17, 18, 19, 21, 22, 23, 24, 26, 27, 28, 29, 31, 32, 33, 34, 36, 37, 38,
    39, 41, 42, 43, 44, 46, 47, 48, 49, 51, 52, 53, 54, 56, 57, 58, 59, 61, 62, 63, 64, 66,
];

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).expect("it can be read")
}

fn tests_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("it can be read").path());
    entries.flat_map(|path| if path.is_dir() { tests_of(&path) } else { vec![path] }).collect()
}

/// The numbers at the start of a test's name: `f_49_57_a_client…` is for two.
fn numbers(name: &str) -> impl Iterator<Item = u32> {
    name.split('_')
        .skip(1)
        .map_while(|word| if word == "f" { Some(None) } else { word.parse().ok().map(Some) })
        .flatten()
}

/// Numbers that end-to-end tests are named by.
fn named() -> BTreeSet<u32> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e");
    let files =
        tests_of(&folder).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let text: String = files.map(read).collect();
    text.split("#[test]\nfn ").skip(1).filter(|test| test.starts_with("f_")).flat_map(numbers).collect()
}

/// Rows of the table: number, file and test.
fn tabled() -> Vec<(u32, String, String)> {
    let documentation = read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/faults/mod.rs"));
    let rows = documentation.lines().filter_map(|line| line.strip_prefix("//! | F-"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let (file, test) = cells[3].trim_matches('`').split_once("::").expect("file and test");
        (cells[0].parse().expect("a number"), file.to_owned(), test.to_owned())
    })
    .collect()
}

#[test]
fn every_fault_is_shown_here_or_where_the_table_says() {
    let mut shown = named();
    for (number, file, test) in tabled() {
        let text = read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(&file));
        assert!(text.contains(&format!("fn {test}()")), "F-{number:02}: {file} has no {test}");
        shown.insert(number);
    }
    assert_eq!(shown, BTreeSet::from(FAULTS));
}
