//! The reason codes: one for every decision that was not a plain hit or a plain miss. They stand in `Cache-Status` as
//! `detail=`, in the log and in the tests, and nowhere else is a reason made up.

macro_rules! reasons {
    ($($(#[doc = $meaning:literal])+ $name:ident = $code:literal,)+) => {
        /// Why something was not stored, not served or not shared.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[doc = $meaning])+ $name,)+ }

        impl Reason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The token in `detail=`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// What it means, in one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($meaning),+)),+ }
            }
        }
    };
}

reasons! {
    // The request passes.
    /// The configuration has mistakes, so every request goes to the origin and nothing is stored.
    ConfigInvalid = "config-invalid",
    /// The route says `cache = "pass"`.
    RoutePass = "route-pass",
    /// The route does not list this method, or the method is not one that can be answered from a store.
    MethodNotListed = "method",
    /// The request asks for another protocol.
    Upgrade = "upgrade",
    /// The request has a cookie that `bypass_cookie` names.
    BypassCookie = "bypass-cookie",
    /// The request carries `Authorization`, and the route is `force`, or what is stored was not marked for such requests.
    Authorization = "authorization",
    /// A looser reading of the path would select another route, or an escape in the URL is malformed.
    UrlAmbiguous = "url-ambiguous",
    /// A cookie or field that is in the key is repeated, malformed or not UTF-8.
    IdentityUnclear = "identity-unclear",
    /// The route keys cookies, and there is no `IDENTITY_KEY`.
    IdentityKeyMissing = "identity-key-missing",
    /// A cookie has a value that `cookie_class` does not list.
    ClassUnlisted = "cookie-class-unlisted",
    /// A field by which frameworks choose a representation, not in the key.
    Representation = "representation-field",
    /// A field that `vary_header` says to pass.
    HeaderBypass = "header-bypass",
    /// A field that nothing is known about; `forward_header` can declare it harmless.
    HeaderUnclassified = "header-unclassified",
    /// The request has been through this cache before.
    Loop = "loop",
    /// The route says `strict_purge`, and the ledger of purges cannot be asked.
    LedgerUnavailable = "ledger-unavailable",
    /// The Worker died at the first try, so the request goes past all of its rules.
    WorkerFailed = "worker-failed",

    // The answer is not stored.
    /// The response says `no-store`.
    NoStore = "no-store",
    /// The request says `no-store`.
    RequestNoStore = "request-no-store",
    /// The response says `private`.
    Private = "private",
    /// The response sets a cookie.
    SetCookie = "set-cookie",
    /// The response sets a cookie that was withheld from the origin, so the request was repeated with all of them.
    WithheldCookieSet = "withheld-cookie-set",
    /// The request carried a cookie that is not in the key, and the response is not marked as shared.
    CookieUnclassified = "cookie-unclassified",
    /// The response depends on cookies that are not in the key; `vary_cookie` can put them there.
    VaryCookie = "vary-cookie",
    /// The response says `Vary: *`.
    VaryAnything = "vary-star",
    /// The response's `Vary` cannot be read.
    VaryUnreadable = "vary-unreadable",
    /// The response depends on a field that the route neither forwards nor keys; `vary_header` can.
    VaryUnkeyed = "vary-unkeyed",
    /// There are already as many variants of this URL as are kept.
    VariantLimit = "variant-limit",
    /// The response states no lifetime, and the route gives it none.
    NoFreshness = "no-freshness",
    /// The response is stale already and has nothing to be validated by.
    Expired = "expired",
    /// The status is not one that may be stored here.
    StatusNotStored = "status",
    /// The answer is about a condition or a range of the request, which are in no key, and not about the page.
    Conditional = "conditional",
    /// A part of a representation that does not say which, or not as the request asked for it.
    Partial = "partial",
    /// `must-understand` with a status that is not understood.
    NotUnderstood = "not-understood",
    /// The media type does not fit the extension of the path.
    TypeMismatch = "type-mismatch",
    /// A redirect to itself.
    SelfRedirect = "self-redirect",
    /// The body is larger than `max_body`, or than the memory for bodies under way.
    TooLarge = "too-large",
    /// The body ended early.
    Truncated = "truncated",
    /// An error or an empty answer, and there is a good entry that it must not replace.
    NotReplaced = "not-replaced",
    /// The key proved unshareable a moment ago, so nobody waits for it.
    HitForMiss = "hit-for-miss",
    /// The response cannot be written down, for a field in it.
    Unrepresentable = "unrepresentable",

    // What is stored is not served as it is.
    /// The response must be validated before each use.
    NoCache = "no-cache",
    /// The request asks for validation, or for something fresher.
    RequestDirective = "request-directive",
    /// It was purged.
    Purged = "purged",
    /// It was stored under other rules for sharing.
    PolicyChanged = "policy-changed",
    /// It could not be read: another version, or damaged.
    RecordUnreadable = "record-unreadable",
    /// A tier did not answer in time, or failed.
    StoreFailed = "store-failed",
    /// Only a stored answer was asked for, and there is none to give.
    OnlyIfCached = "only-if-cached",

    // A stale answer was served.
    /// While it is being refreshed.
    StaleWhileRevalidate = "stale-while-revalidate",
    /// Because the origin failed.
    StaleIfError = "stale-if-error",
    /// Because the request accepts it.
    MaxStale = "max-stale",

    // The origin did not answer.
    /// It could not be reached, or broke off.
    OriginUnreachable = "origin-unreachable",
    /// It did not answer in time.
    OriginTimeout = "origin-timeout",
    /// It answered 304 to a request that was not conditional, or for another representation.
    UnexpectedNotModified = "unexpected-304",
    /// The origin's status is none that a response can carry.
    StatusInvalid = "status-invalid",

    // The request is refused.
    /// The host is not one of `HOSTS`.
    HostNotServed = "host-not-served",
    /// The `Host` field or the request target is not valid.
    HostInvalid = "host-invalid",
}

impl Reason {
    /// Whether an answer refused for this reason would be refused whoever had asked: the next ones need not wait for it, nor look
    /// for it far away. What only one request brought about says nothing of the others.
    #[must_use]
    pub const fn holds_for_everyone(self) -> bool {
        matches!(
            self,
            Self::NoStore
                | Self::Private
                | Self::VaryAnything
                | Self::VaryUnreadable
                | Self::VaryUnkeyed
                | Self::NoFreshness
                | Self::Expired
                | Self::StatusNotStored
                | Self::NotUnderstood
                | Self::TypeMismatch
                | Self::SelfRedirect
                | Self::WithheldCookieSet
        )
    }
}
