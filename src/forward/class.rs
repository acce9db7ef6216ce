//! What kind of thing a request field is, by its name or the beginning of it.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderName};

/// The kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Cookies have rules of their own.
    Cookie,
    /// `Authorization`.
    Credentials,
    /// What the client can read, speaks and shows.
    Negotiation,
    /// Preconditions and ranges: evaluated here too.
    Conditional,
    /// Names of the request in other systems.
    Tracing,
    /// What every browser sends and no page should depend on.
    Browser,
    /// About the body, which a request for a page has none of.
    Content,
    /// By which frameworks choose between a page and a piece of it.
    Representation,
    /// By which a proxy says what the request was before it came; dropped and set anew.
    Routing,
    /// Added by the platform at its edge.
    Platform,
    /// Our own.
    Own,
    /// Anything else.
    Unknown,
}

/// The kind of the request field `name`.
#[must_use]
pub fn class_of(name: &HeaderName) -> Class {
    BY_NAME.get(name).copied().or_else(|| by_prefix(name.as_str())).unwrap_or(Class::Unknown)
}

/// A map of fields, since that finds a well-known name without comparing letters.
static BY_NAME: LazyLock<HeaderMap<Class>> = LazyLock::new(|| {
    let named = |(class, names): &(Class, &[&'static str])| {
        names.iter().map(|name| (HeaderName::from_static(name), *class)).collect::<Vec<_>>()
    };
    NAMES.iter().flat_map(named).collect()
});

#[rustfmt::skip]
const NAMES: &[(Class, &[&str])] = &[
    (Class::Cookie, &["cookie", "cookie2"]),
    (Class::Credentials, &["authorization"]),
    (Class::Negotiation, &[
        "accept", "accept-charset", "accept-encoding", "accept-language", "save-data", "dpr", "width", "viewport-width", "device-memory",
        "downlink", "ect", "rtt",
    ]),
    (Class::Conditional, &["if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range"]),
    (Class::Tracing, &[
        "traceparent", "tracestate", "baggage", "b3", "uber-trace-id", "x-request-id", "x-correlation-id", "x-amzn-trace-id",
        "x-cloud-trace-context", "sentry-trace",
    ]),
    (Class::Browser, &[
        "user-agent", "referer", "origin", "dnt", "sec-gpc", "sec-purpose", "purpose", "upgrade-insecure-requests", "priority",
        "cache-control", "pragma", "date", "from", "via", "warning", "max-forwards", "expect",
    ]),
    (Class::Representation, &["x-requested-with", "rsc", "x-now-route-matches", "x-matched-path", "x-moz", "x-purpose"]),
    (Class::Routing, &[
        "host", "forwarded", "x-forwarded", "x-host", "x-http-host-override", "x-rewrite-url", "x-url-scheme", "x-scheme",
        "x-method-override", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "client-ip", "fastly-client-ip",
        "front-end-https", "x-wap-profile", "x-amz-website-redirect-location", "destination", "surrogate-capability",
        "surrogate-control", "cdn-cache-control", "cloudflare-cdn-cache-control",
    ]),
    (Class::Platform, &["cdn-loop"]),
];

fn by_prefix(name: &str) -> Option<Class> {
    PREFIXES
        .iter()
        .find(|(_, prefixes)| prefixes.iter().any(|prefix| name.starts_with(prefix)))
        .map(|(class, _)| *class)
}

#[rustfmt::skip]
const PREFIXES: &[(Class, &[&str])] = &[
    (Class::Platform, &["cf-", "x-cf-"]),
    (Class::Browser, &["sec-fetch-"]),
    (Class::Negotiation, &["sec-ch-"]),
    (Class::Tracing, &["x-b3-", "x-datadog-"]),
    (Class::Content, &["content-"]),
    (Class::Own, &["larder-"]),
    (Class::Routing, &["x-forwarded-", "x-original-", "x-http-method", "proxy-", "x-proxy-", "x-arr-"]),
    (Class::Representation, &[
        "hx-", "next-", "turbo-", "x-pjax", "x-inertia", "x-nextjs-", "x-middleware-", "x-react-router-", "x-remix-", "x-sveltekit-",
        "x-astro-", "x-livewire", "x-up-", "x-unpoly-", "x-turbo",
    ]),
];
