//! The configuration: whatever stands there is understood whole, or refused with a path and a short word for each mistake.
#![cfg_attr(fuzzing, no_main)]

use http::Method;
use larder::policy::{Config, ConfigError, advise, is_var, read_origin};
use larder::url::CanonicalUrl;
use serde_json::{Map, Value};

#[cfg(fuzzing)]
#[allow(dead_code, reason = "another target uses it")]
mod input;
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| holds(data));

/// `data` is `[vars]` in JSON.
pub fn holds(data: &[u8]) {
    let Ok(vars) = serde_json::from_slice::<Map<String, Value>>(data) else { return };
    match Config::read(&vars) {
        Ok(config) => assert_is_whole(&vars, &config),
        Err(errors) => assert_are_said(&vars, &errors),
    }
}

fn assert_is_whole(vars: &Map<String, Value>, config: &Config) {
    assert_eq!(read_origin(vars).as_ref(), Some(&config.origin), "what passes and what is looked up go one way");
    assert!(vars.keys().all(|name| is_var(name)));
    assert!(!config.caches.is_empty() && config.hosts.iter().all(|host| !host.contains('/')));
    for target in ["/", "/static/a.css", "/a//b;c/%2e%2e/d?x=1"] {
        let url = CanonicalUrl::parse(&format!("https://site.test{target}"), None).expect("a URL");
        let policy = config.table.select(&url, &Method::GET).policy;
        assert!(config.caches.contains_key(&policy.store), "{}", policy.store);
        let _ = config.table.is_ambiguous(&url, &Method::GET);
    }
    for advice in advise(vars, config) {
        assert!(!advice.text.is_empty() && is_var(first(&advice.path)), "{advice}");
    }
    let mut more = vars.clone();
    more.insert("ORIGN".to_owned(), Value::Null);
    assert!(Config::read(&more).is_err_and(|errors| errors.len() == 1), "what is misspelt is one mistake");
}

fn assert_are_said(vars: &Map<String, Value>, errors: &[ConfigError]) {
    assert!(!errors.is_empty());
    for error in errors {
        let (path, said) = (error.path.as_str(), error.to_string());
        let stands_there = |path: &str| vars.keys().any(|name| path.starts_with(name.as_str()));
        assert!(is_var(first(path)) || stands_there(path), "{said}");
        assert!(said.chars().count() <= 2 * path.chars().count() + 400, "{said}");
    }
}

/// The variable in a path such as `ROUTES[2].ttl`.
fn first(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or_default()
}
