//! What kind of thing a request field is. Exact names and prefixes, in one table.

use http::HeaderName;

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

/// Names that end in `*` are prefixes. The first that fits counts.
const TABLE: &[(Class, &[&str])] = &[
    (Class::Cookie, &["cookie", "cookie2"]),
    (Class::Credentials, &["authorization"]),
    (
        Class::Negotiation,
        &[
            "accept",
            "accept-charset",
            "accept-encoding",
            "accept-language",
            "save-data",
            "dpr",
            "width",
            "viewport-width",
            "device-memory",
            "downlink",
            "ect",
            "rtt",
            "sec-ch-*",
        ],
    ),
    (
        Class::Conditional,
        &["if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range"],
    ),
    (
        Class::Tracing,
        &[
            "traceparent",
            "tracestate",
            "baggage",
            "b3",
            "x-b3-*",
            "uber-trace-id",
            "x-request-id",
            "x-correlation-id",
            "x-amzn-trace-id",
            "x-cloud-trace-context",
            "sentry-trace",
            "x-datadog-*",
        ],
    ),
    (
        Class::Browser,
        &[
            "user-agent",
            "referer",
            "origin",
            "dnt",
            "sec-fetch-*",
            "sec-gpc",
            "sec-purpose",
            "purpose",
            "upgrade-insecure-requests",
            "priority",
            "cache-control",
            "pragma",
            "date",
            "from",
            "via",
            "warning",
            "max-forwards",
            "expect",
        ],
    ),
    (Class::Content, &["content-*"]),
    (
        Class::Representation,
        &[
            "x-requested-with",
            "hx-*",
            "rsc",
            "next-*",
            "turbo-*",
            "x-pjax*",
            "x-inertia*",
            "x-nextjs-*",
            "x-now-route-matches",
            "x-matched-path",
            "x-middleware-*",
            "x-react-router-*",
            "x-remix-*",
            "x-sveltekit-*",
            "x-astro-*",
            "x-livewire*",
            "x-up-*",
            "x-unpoly-*",
            "x-turbo*",
            "x-moz",
            "x-purpose",
        ],
    ),
    (
        Class::Routing,
        &[
            "host",
            "forwarded",
            "x-forwarded",
            "x-forwarded-*",
            "x-host",
            "x-http-host-override",
            "x-original-*",
            "x-rewrite-url",
            "x-url-scheme",
            "x-scheme",
            "x-http-method*",
            "x-method-override",
            "x-real-ip",
            "x-client-ip",
            "x-cluster-client-ip",
            "true-client-ip",
            "client-ip",
            "fastly-client-ip",
            "front-end-https",
            "proxy-*",
            "x-proxy-*",
            "x-arr-*",
            "x-wap-profile",
            "x-amz-website-redirect-location",
            "destination",
            "surrogate-capability",
            "surrogate-control",
            "cdn-cache-control",
            "cloudflare-cdn-cache-control",
        ],
    ),
    (Class::Platform, &["cf-*", "cdn-loop", "x-cf-*"]),
    (Class::Own, &["larder-*"]),
];

/// The kind of the request field `name`.
#[must_use]
pub fn class_of(name: &HeaderName) -> Class {
    let name = name.as_str();
    let fits = |pattern: &&str| pattern.strip_suffix('*').map_or(name == *pattern, |prefix| name.starts_with(prefix));
    TABLE
        .iter()
        .find(|(_, patterns)| patterns.iter().any(|pattern| fits(&pattern)))
        .map_or(Class::Unknown, |(class, _)| *class)
}
