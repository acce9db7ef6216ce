//! `larder routes`.

use larder::policy::{CacheMode, Config, CookieClass, Esi, HeaderRule, Policy, Preset, Route, display_duration};

use super::check::check;
use super::file::Vars;

/// Prints every route, top to bottom, and what holds where none matches. `false` if the configuration has mistakes.
pub(crate) fn routes(vars: &Vars) -> bool {
    let Ok(config) = Config::read(vars) else { return check(vars) };
    if let Some(preset) = config.preset {
        print_preset(preset);
    }
    for route in &config.table.routes {
        println!("{}  {}", route.policy.name, matches(route));
        print_policy(&route.policy, &config);
    }
    println!("SITE  everything else");
    print_policy(&config.table.site, &config);
    true
}

/// What it stands for. What a route states itself counts instead, and a cookie in a route's key makes no request pass there.
fn print_preset(preset: Preset) {
    println!("PRESET  {}", preset.as_str());
    for (label, values) in [
        ("bypass_cookie", preset.bypass_cookies()),
        ("ignore_cookie", preset.ignored_cookies()),
        ("cache = \"pass\"", preset.passed_paths()),
    ] {
        println!("    {label:<14} {}", values.join(", "));
    }
    println!();
}

fn matches(route: &Route) -> String {
    let methods = route.methods.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let host = route.host.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{methods} {host}{}", route.path)
}

fn print_policy(policy: &Policy, config: &Config) {
    for (label, text) in describe(policy, config) {
        println!("    {label:<9} {text}");
    }
    println!();
}

fn describe(policy: &Policy, config: &Config) -> Vec<(&'static str, String)> {
    let mut lines = vec![("origin", policy.origin.to_string()), ("cache", cache(policy))];
    if policy.cache == CacheMode::Pass {
        return lines;
    }
    lines.push(("key", key(policy, config)));
    lines.push(("cookies", cookies(policy)));
    match policy.esi {
        Esi::Off => {}
        Esi::Marked => lines.push(("esi", "HTML that the origin marks".to_owned())),
        Esi::Always => lines.push(("esi", "all HTML".to_owned())),
    }
    lines.push(("stale", stale(policy)));
    lines.push(("store", store(policy, config)));
    lines
}

fn cache(policy: &Policy) -> String {
    let mut parts = vec![policy.cache.as_str().to_owned()];
    let lifetimes = [
        ("ttl", policy.ttl),
        ("min_ttl", policy.min_ttl),
        ("max_ttl", policy.max_ttl),
        ("browser_ttl", policy.browser_ttl),
    ];
    parts.extend(lifetimes.iter().filter_map(|(name, value)| Some(format!("{name} {}", display_duration((*value)?)))));
    parts.extend(policy.status_ttl.iter().map(|(status, ttl)| format!("{status} for {}", display_duration(*ttl))));
    if policy.cache != CacheMode::Pass {
        parts.push(format!("jitter {}", policy.jitter));
    }
    parts.extend(policy.heuristic.then(|| "heuristic".to_owned()));
    parts.join(", ")
}

fn key(policy: &Policy, config: &Config) -> String {
    let mut parts = vec!["scheme, host, path, query".to_owned()];
    parts.extend(policy.vary_cookie.iter().map(|name| format!("cookie {name}")));
    parts.extend(policy.cookie_class.iter().map(|(name, class)| match class {
        CookieClass::Present => format!("cookie {name} (present)"),
        CookieClass::OneOf(values) => format!("cookie {name} ({})", values.join(", ")),
    }));
    parts.extend(policy.vary_header.0.iter().filter_map(|(name, rule)| match rule {
        HeaderRule::Raw => Some(format!("field {name}")),
        HeaderRule::OneOf(values) => Some(format!("field {name} ({})", values.join(", "))),
        HeaderRule::Ignore | HeaderRule::Bypass => None,
    }));
    parts.extend((!config.key_prefix.is_empty()).then(|| format!("prefix {}", config.key_prefix)));
    parts.join(" + ")
}

fn cookies(policy: &Policy) -> String {
    let sent = if policy.withholds_cookies() {
        "only keyed ones reach the origin"
    } else {
        "all but ignored ones reach the origin"
    };
    let bypass: Vec<_> = policy.bypass_cookie.iter().map(ToString::to_string).collect();
    if bypass.is_empty() { sent.to_owned() } else { format!("{sent}; a request with {} passes", bypass.join(", ")) }
}

fn stale(policy: &Policy) -> String {
    let window = |window: Option<larder::fields::Seconds>| {
        window.map_or_else(|| "as the origin says".to_owned(), display_duration)
    };
    format!(
        "while revalidating: {}; if the origin fails: {}",
        window(policy.stale_while_revalidate),
        window(policy.stale_if_error)
    )
}

fn store(policy: &Policy, config: &Config) -> String {
    let alias = config.caches.get(&policy.store);
    let tiers: Vec<_> = alias.into_iter().flat_map(|alias| alias.tiers.iter().map(|tier| tier.as_str())).collect();
    format!(
        "{} ({}), bodies up to {}, misses collapsed: {}",
        policy.store,
        tiers.join(", "),
        policy.max_body,
        policy.collapse.as_str()
    )
}
