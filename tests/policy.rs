//! The configuration files in `fixtures/policies`, through the command line, as its users see it.
#![cfg(not(target_arch = "wasm32"))]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn larder(command: &str, file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_larder")).arg(command).arg(file).output().expect("the binary runs")
}

fn fixtures(kind: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/policies").join(kind);
    let files =
        std::fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it can be read").path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn every_valid_configuration_passes() {
    for file in fixtures("valid", "toml").into_iter().chain(fixtures("valid", "jsonc")) {
        for command in ["check", "routes"] {
            let output = larder(command, &file);
            assert!(output.status.success(), "{command} {}: {}", file.display(), text(&output.stderr));
        }
    }
}

#[test]
fn every_invalid_configuration_is_refused_with_the_message_beside_it() {
    for file in fixtures("invalid", "toml") {
        let expected = std::fs::read_to_string(file.with_extension("expected")).expect("a message stands beside it");
        for command in ["check", "routes"] {
            let output = larder(command, &file);
            assert_eq!(output.status.code(), Some(1), "{command} {}", file.display());
            let stderr = text(&output.stderr);
            let found: Vec<_> = stderr.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
            assert_eq!(found, expected.lines().collect::<Vec<_>>(), "{}", file.display());
        }
    }
}

#[test]
fn what_is_not_yet_active_says_so() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/policies/valid/everything.toml");
    let output = text(&larder("check", &file).stdout);
    assert!(output.contains("note: WARM: not yet active"), "{output}");
    for path in ["ROUTES[0].ttl", "ROUTES[0].esi", "MEMCACHED", "ZONE_ID", "PRESET"] {
        assert!(!output.contains(&format!("{path}: not yet active")), "{path} in {output}");
    }
}

#[test]
fn a_variable_over_the_limit_is_measured() {
    let folder = std::env::temp_dir().join(format!("larder-policy-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("large.toml");
    let routes: String =
        (0..200).map(|number| format!("[[vars.ROUTES]]\npath = \"/a/rather/long/path/{number}/*\"\n")).collect();
    std::fs::write(&file, format!("[vars]\nORIGIN = \"https://origin.example.com\"\n{routes}")).expect("it is written");
    let output = text(&larder("check", &file).stdout);
    std::fs::remove_dir_all(&folder).expect("it is removed");
    assert!(
        output.contains("note: ROUTES: is ")
            && output.contains("Cloudflare takes 5120 per variable; move routes to ROUTES_2"),
        "{output}"
    );
}

#[test]
fn what_would_go_unnoticed_is_pointed_out() {
    let folder = std::env::temp_dir().join(format!("larder-unnoticed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("wrangler.toml");
    for (vars, expected) in [
        ("MEMCACHED = \"10.0.0.1:11211\"", "MEMCACHED: is in no alias of CACHES"),
        (
            "ZONE_ID = \"0123456789abcdef0123456789abcdef\"",
            "ZONE_ID: is purged along only with the secret CF_API_TOKEN",
        ),
        ("CF_API = \"http://api.example.com\"", "CF_API: is not https"),
    ] {
        std::fs::write(&file, format!("[vars]\nORIGIN = \"https://o.test\"\n{vars}\n")).expect("it is written");
        let output = text(&larder("check", &file).stdout);
        assert!(output.contains(&format!("note: {expected}")), "{vars}: {output}");
    }
    std::fs::remove_dir_all(&folder).expect("it is removed");
}

#[test]
fn a_route_that_is_never_reached_is_pointed_out() {
    let folder = std::env::temp_dir().join(format!("larder-unreached-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("wrangler.toml");
    std::fs::write(
        &file,
        "[vars]\nORIGIN = \"https://o.test\"\n[[vars.ROUTES]]\npath = \"*\"\n[[vars.ROUTES]]\npath = \"/a\"\n",
    )
    .expect("it is written");
    let output = text(&larder("check", &file).stdout);
    std::fs::remove_dir_all(&folder).expect("it is removed");
    assert!(output.contains("note: ROUTES[1]: is never reached: ROUTES[0] matches everything before it"), "{output}");
}

#[test]
fn a_file_that_is_not_there_is_an_error_that_says_what_to_give() {
    let output = larder("check", Path::new("/nonexistent/wrangler.toml"));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("give the path of a wrangler configuration"));
}

#[test]
fn a_preset_says_what_it_stands_for_and_gives_way_to_what_a_route_says() {
    let folder = std::env::temp_dir().join(format!("larder-preset-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("wrangler.toml");
    for (preset, expected) in [
        (
            "django",
            ["bypass_cookie  sessionid, messages, django_language", "ignore_cookie  csrftoken", "GET HEAD /admin/*"],
        ),
        ("wagtail", ["bypass_cookie  sessionid, messages", "ignore_cookie  csrftoken", "GET HEAD /django-admin/*"]),
        (
            "wordpress",
            ["bypass_cookie  wordpress_logged_in_*", "ignore_cookie  wordpress_test_cookie", "GET HEAD /wp-login.php"],
        ),
    ] {
        let config = format!(
            "[vars]\nORIGIN = \"https://o.test\"\nPRESET = \"{preset}\"\n\
             [[vars.ROUTES]]\npath = \"/own/*\"\nbypass_cookie = [\"draft\"]\n\
             [[vars.ROUTES]]\npath = \"/keyed/*\"\nvary_cookie = [\"sessionid\"]\n"
        );
        std::fs::write(&file, config).expect("it is written");
        let output = text(&larder("routes", &file).stdout);
        for line in expected {
            assert!(output.contains(line), "{line} in {output}");
        }
        let of = |route: &str| {
            let (_, rest) = output.split_once(&format!("{route}\n")).expect("it is there");
            rest.lines().find(|line| line.contains("cookies")).expect("it says so").to_owned()
        };
        assert!(of("/own/*").ends_with("a request with draft passes"), "{output}");
        assert!(!of("/keyed/*").contains("sessionid"), "{output}");
    }
    std::fs::remove_dir_all(&folder).expect("it is removed");
}
