//! The README: what it shows works, and what there is it shows.
#![cfg(not(target_arch = "wasm32"))]

use std::path::Path;
use std::process::Command;

use larder::policy::Tier;
use larder::reason::Reason;
use larder::store::backend;

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("the file is there")
}

/// The code blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let readme = read("README.md");
    let parts = readme.split("```").skip(1).step_by(2);
    parts.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n').map(str::to_owned)).collect()
}

#[test]
fn every_configuration_it_shows_has_no_mistakes() {
    let folder = std::env::temp_dir().join(format!("larder-readme-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for (number, block) in blocks("toml").iter().enumerate() {
        let file = folder.join(format!("{number}.toml"));
        std::fs::write(&file, block).expect("it is written");
        let output =
            Command::new(env!("CARGO_BIN_EXE_larder")).arg("check").arg(&file).output().expect("the binary runs");
        assert!(output.status.success(), "{}\n{block}", String::from_utf8_lossy(&output.stderr));
    }
    std::fs::remove_dir_all(&folder).expect("it is removed");
}

#[test]
fn the_configuration_in_the_root_has_no_mistakes() {
    for command in ["check", "routes"] {
        let output = Command::new(env!("CARGO_BIN_EXE_larder"))
            .arg(command)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_make_target_it_names_is_there() {
    let makefile = read("Makefile");
    let readme = read("README.md");
    let named = readme
        .split("make ")
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_ascii_lowercase() && c != '-').next().unwrap_or_default());
    let mut count = 0;
    for target in named.filter(|target| {
        makefile.contains(".PHONY") && readme.contains(&format!("make {target}`"))
            || ["dev", "test", "setup"].contains(target)
    }) {
        assert!(makefile.lines().any(|line| line.starts_with(&format!("{target}:"))), "make {target}");
        count += 1;
    }
    assert!(count > 5, "{count}");
}

#[test]
fn every_reason_stands_in_its_table_with_its_meaning() {
    let readme = read("README.md");
    for reason in Reason::ALL {
        let row = format!("| `{}` | {} |", reason.code(), reason.meaning().trim());
        assert!(readme.contains(&row), "{row}");
    }
}

#[test]
fn every_tier_stands_in_its_table_with_its_deadline() {
    let readme = read("README.md");
    let all = [Tier::Memory, Tier::Colo, Tier::Kv, Tier::Redis, Tier::Memcached, Tier::D1, Tier::R2, Tier::Dummy];
    for tier in all {
        let row = readme.lines().find(|line| line.starts_with(&format!("| `{}` |", tier.as_str())));
        let row = row.unwrap_or_else(|| panic!("{tier:?}"));
        let deadline = backend(tier).timeout.as_millis();
        assert_eq!(row.contains(&format!("| {deadline} ms |")), deadline > 0, "{row}");
    }
}

#[test]
fn every_route_key_stands_in_its_table() {
    let readme = read("README.md");
    let everything = read("fixtures/policies/valid/everything.toml");
    let (_, route) = everything.split_once("[[vars.ROUTES]]").expect("it has a route");
    for key in route.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.trim()) {
        assert!(readme.contains(&format!("`{key}`")), "{key}");
    }
}

#[test]
fn every_secret_of_the_example_is_one_that_is_read() {
    for name in read(".dev.vars.example")
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='))
        .map(|(name, _)| name)
    {
        assert!(larder::policy::SECRETS.contains(&name), "{name}");
    }
}

#[test]
fn the_settings_it_recommends_are_those_of_the_site_that_is_tested() {
    let site = read("fixtures/django/config/settings.py");
    for line in blocks("python").concat().lines() {
        let name = line.split(" = ").next().unwrap_or_default();
        assert!(site.contains(&format!("{name} = ")), "{name}");
    }
    assert!(site.contains("MESSAGE_STORAGE = \"django.contrib.messages.storage.session.SessionStorage\""));
}
