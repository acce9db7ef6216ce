//! What an attacker tries, and in which states of the cache it was tried.
//!
//! These are cases that others have published: on how to make a shared cache keep an attacker's page, show one visitor's page to another,
//! or fail. Each is played against the Worker in workerd, by an attacker, a victim and an origin on raw sockets; it is safe if the victim
//! gets what it would have got without the attacker, whatever a status field says.
//!
//! An attack on a stored page is tried in five states: the page is not there (cold), is there (fresh), is stale and answers while it is
//! refreshed, is stale and answers because the origin fails, or is on its way, with the victim there first and with the attacker there
//! first. Where no stored page is in play the state is "any". A trial is one case, or one variant of it, in one state.
//!
//! `make security` runs them and fails if this table is not what it saw. `make weakened` breaks the Worker on purpose, in one place for each
//! class (`tests/e2e/security/weakenings`), and fails unless that makes a case of the class unsafe.
//!
//! <!-- cases: by make security -->
//! ## What the key does not hold
//!
//! | case | what is tried | states | trials |
//! |---|---|---|---:|
//! | UI-01 | A foreign host in `X-Forwarded-Host` ends up in the links of a shared page | all five | 90 |
//! | UI-02 | The other fields in which proxies tell of host, port, scheme, path and client | all five | 275 |
//! | UI-03 | More than a thousand field names, each echoed by the origin | all five | 1331 |
//! | UI-05 | A field that names another URL, and an origin that routes by it | all five | 40 |
//! | UI-06 | A port in a field, and a redirect to it | all five | 30 |
//! | UI-07 | Fields by which frameworks send a piece of a page in place of the page | all five | 80 |
//! | UI-09 | `Accept`, and an origin that negotiates without saying so | all five | 20 |
//! | UI-10 | `Accept-Language`, and an origin that translates without saying so | all five | 30 |
//! | UI-11 | `Origin`, and an answer that permits that origin alone | all five | 15 |
//! | UI-13 | A `Host` that holds user information, a path, a query or two ports | any | 16 |
//! | UI-14 | Two `Host` lines, and a target that names another host than `Host` does | cold, any | 8 |
//! | UI-15 | A host that nobody serves here | any | 8 |
//!
//! ## URLs, queries and keys
//!
//! | case | what is tried | states | trials |
//! |---|---|---|---:|
//! | KN-01 | Queries that differ in a value | all five | 5 |
//! | KN-02 | An ignored parameter that smuggles in another one behind a semicolon | all five | 15 |
//! | KN-03 | An ignored parameter with markup that the page repeats | all five | 15 |
//! | KN-05 | Spellings of an ignored parameter that are not its name | all five | 60 |
//! | KN-06 | Ignored parameters that hold a delimiter of queries | all five | 35 |
//! | KN-07 | Sorted queries, and an origin to which order matters | all five | 5 |
//! | KN-09 | Spellings of a path: escapes, case, slashes at the end and doubled | all five | 5 |
//! | KN-10 | Dot segments and backslashes that lead out of a route | cold | 23 |
//! | KN-11 | Fragments in a target, and escaped ones | all five | 25 |
//! | KN-13 | Characters that have no place in a URL, broken escapes, escaped line ends | all five | 156 |
//! | KN-14 | Parts of a key that could run into each other | all five | 11 |
//! | KN-15 | URLs longer than a key may be | all five | 10 |
//! | KN-17 | A GET with a body | all five | 41 |
//! | KN-18 | Another method in a field or a parameter | all five | 160 |
//! | KN-19 | A query that looks like the path of a payload | all five | 5 |
//!
//! ## A private page under a public name
//!
//! | case | what is tried | states | trials |
//! |---|---|---|---:|
//! | WD-01 | An extension behind the URL of an account | all five | 80 |
//! | WD-02 | The same where extensions are what decides | all five | 55 |
//! | WD-03 | A delimiter before the extension | all five | 340 |
//! | WD-05 | An escaped slash that leads into a public folder | all five | 50 |
//! | WD-06 | Dot segments that lead from a public folder to an account | all five | 75 |
//! | WD-07 | A well-known file name behind the URL of an account | all five | 61 |
//! | WD-09 | An answer to `Authorization` without a word on caching | all five | 25 |
//! | WD-10 | The page of an application in place of a script that is gone | all five | 25 |
//! | WD-11 | Cloudflare's own cache beneath the Worker; here, what the Worker asks the runtime for and tells the zone, since no zone runs locally | any | 3 |
//!
//! ## One visitor's answer for another
//!
//! | case | what is tried | states | trials |
//! |---|---|---|---:|
//! | XU-01 | An answer that sets a cookie | all five | 45 |
//! | XU-02 | An answer that sets a cookie and calls itself public | all five | 40 |
//! | XU-03 | A cookie named in `no-cache` or `private` | all five | 30 |
//! | XU-05 | A cookie in an early hint | all five | 5 |
//! | XU-06 | An answer to `Authorization` that does not say it may be shared | all five | 40 |
//! | XU-07 | An answer to `Authorization` that does | all five | 31 |
//! | XU-09 | `Vary: Cookie` where cookies are not in the key | all five | 45 |
//! | XU-10 | `Vary: Cookie` for a visitor whose cookies do not matter | all five | 35 |
//! | XU-11 | Cookie values that are not text | all five | 15 |
//! | XU-13 | Cookies that two parsers read in two ways | all five | 106 |
//! | XU-14 | A session that is minted for whoever comes first | all five | 10 |
//! | XU-15 | Fifty users at once before a page that is fetched for each | filling | 1 |
//! | XU-17 | A preview beside the fill of the public page | all five | 15 |
//! | XU-18 | Signed out, while the old page may still be used in case of errors | stale-if-error | 5 |
//! | XU-19 | A client that asks for what is staler than the origin permits | all five | 55 |
//! | XU-21 | A picture that depends on who asks | all five | 10 |
//! | XU-22 | A cookie value longer than a key, and more values than are kept | cold, fresh, any | 3 |
//!
//! ## An error that stays
//!
//! | case | what is tried | states | trials |
//! |---|---|---|---:|
//! | CP-01 | A field larger than the origin takes | all five | 95 |
//! | CP-02 | Control characters in a field | all five | 165 |
//! | CP-03 | Another method in a field, refused by the origin for a while | all five | 160 |
//! | CP-05 | A refused request while a good page is stored | all five | 65 |
//! | CP-06 | An empty answer in place of a page | all five | 63 |
//! | CP-07 | A condition of the client's that the origin answers with an error | all five | 400 |
//! | CP-09 | An `Accept-Encoding` that means nothing, or too much | all five | 110 |
//! | CP-10 | Fields about the connection, the body and the hop | all five | 80 |
//! | CP-11 | Credentials of another scheme, refused by the origin | all five | 40 |
//! | CP-13 | A redirect to itself | all five | 106 |
//! | CP-14 | A firewall's refusal of one client | all five | 100 |
//! | CP-15 | A page about maintenance after a burst of errors | all five | 5 |
//!
//! ## What the origin says about storing
//!
//! | case | what is tried | states | trials |
//! |---|---|---|---:|
//! | ST-01 | Directives in capitals | all five | 60 |
//! | ST-02 | Directives with odd arguments | all five | 220 |
//! | ST-03 | Directives over many lines, and many of them | all five | 30 |
//! | ST-05 | Two lifetimes in one answer | all five | 30 |
//! | ST-06 | Lifetimes that are no numbers, or too large | all five | 88 |
//! | ST-07 | An `Age` that is negative, broken, huge or there twice | all five | 40 |
//! | ST-09 | `Vary: *` in company | all five | 80 |
//! | ST-10 | Fields addressed to one kind of cache | all five | 32 |
//! | ST-11 | Fields of the origin's in a request | all five | 30 |
//! | ST-13 | No lifetime but a date of last change | all five | 5 |
//! | ST-14 | A status that has to be understood | all five | 15 |
//! | ST-15 | A lifetime beside older fields that contradict it | cold | 2 |
//! | ST-17 | Fields of one connection in what is stored | cold, fresh | 2 |
//!
//! ## Methods, validators, ranges
//!
//! | case | what is tried | states | trials |
//! |---|---|---|---:|
//! | MR-01 | Answers to other methods than GET | all five | 114 |
//! | MR-02 | HEAD before GET | all five | 10 |
//! | MR-03 | HEAD answered from what GET stored | fresh | 2 |
//! | MR-05 | `Location` and `Content-Location` that would invalidate elsewhere | fresh | 7 |
//! | MR-06 | A 304 that nobody asked for | all five | 11 |
//! | MR-07 | A conditional request that is redirected, and a 304 from there | stale-while-revalidate, stale-if-error | 10 |
//! | MR-09 | Another user's entity tag | all five | 20 |
//! | MR-10 | One strong entity tag for bytes that differ | fresh | 1 |
//! | MR-11 | A byte of a large object, again and again | cold | 4 |
//! | MR-13 | Ranges that overflow, end before they begin, or count in other units | cold, fresh, stale-while-revalidate | 10 |
//! | MR-14 | A range of an object that has changed | all five | 10 |
//!
//! ## Vary and variants
//!
//! | case | what is tried | states | trials |
//! |---|---|---|---:|
//! | VA-01 | A field that is absent, and one that is empty | fresh | 122 |
//! | VA-02 | A field in two lines | fresh | 24 |
//! | VA-03 | A `Vary` that changes from answer to answer | fresh | 12 |
//! | VA-05 | A `Vary` that is huge or cannot be read | any | 10 |
//! | VA-06 | As many variants as there are browsers | fresh | 3 |
//! | VA-07 | Content codings, and clients that do not take them | all five | 10 |
//!
//! ## Fragments
//!
//! | case | what is tried | states | trials |
//! |---|---|---|---:|
//! | ES-01 | Markup in what a visitor sent | cold, fresh, any | 9 |
//! | ES-02 | Includes of hosts inside | cold, fresh, any | 63 |
//! | ES-03 | Variables in the address of an include | cold, fresh | 14 |
//! | ES-05 | Includes without end | any | 6 |
//! | ES-06 | A private fragment on a shared page | all five | 7 |
//! | ES-07 | Fields of a fragment | cold, fresh | 2 |
//! | ES-09 | Markup in a fragment | cold, fresh | 4 |
//! | ES-10 | A fragment that fails | cold, fresh | 20 |
//! | ES-11 | Markup that is broken, or cut anywhere | any | 115 |
//! | ES-13 | Credentials on the way to another host | cold, fresh | 2 |
//!
//! ## Purges, the low-level cache, and who may see what
//!
//! | case | what is tried | states | trials |
//! |---|---|---|---:|
//! | AD-01 | Purges by methods and fields without a token | all five | 41 |
//! | AD-02 | Tokens that are almost right, or in the wrong place | any | 22 |
//! | AD-03 | A secret that is missing or empty | any | 150 |
//! | AD-05 | Spellings of reserved paths | any | 15 |
//! | AD-06 | Reserved answers in a cache | any | 10 |
//! | AD-07 | Requests that another site's page sends | fresh | 12 |
//! | AD-09 | Patterns that cost too much, and purges that are too large | fresh, any | 29 |
//! | AD-10 | A purge of a host that is not one's own, and a token that only purges: there are no tenants | fresh, any | 7 |
//! | AD-11 | A thousand purges a second | fresh | 1 |
//! | AD-13 | A user's page by the name of its entry | fresh, any | 13 |
//! | AD-14 | One entry's record under the key of another | fresh | 1 |
//! | AD-15 | Markup in what we answer ourselves: there is no dashboard, and no answer of ours is HTML | any | 15 |
//! | AD-17 | Keys and tags in what anybody sees | all five | 50 |
//! | AD-18 | What an error tells | cold, fresh, any | 23 |
//!
//! ## Exhaustion
//!
//! | case | what is tried | states | trials |
//! |---|---|---|---:|
//! | RX-01 | URLs without end, each asked for once | cold | 2 |
//! | RX-02 | Ten thousand visitors before one page that is not there yet | filling | 2 |
//! | RX-03 | Ten thousand visitors before one page that cannot be shared | any | 2 |
//! | RX-05 | Bodies that unpack to far more than they are | cold | 10 |
//! | RX-06 | Bodies that never end | filling | 2 |
//! | RX-07 | Bodies and heads too large for a store | cold, any | 6 |
//! | RX-09 | An origin that leads back to the cache | cold | 4 |
//! | RX-10 | Clients that read slowly, or stop | fresh | 1 |
//! | RX-11 | Names that collide in a table | fresh | 2 |
//!
//! ## Bytes on the wire
//!
//! | case | what is tried | states | trials |
//! |---|---|---|---:|
//! | PI-01 | A line end in a field of the origin's | all five | 25 |
//! | PI-02 | Fields that are no text | cold, fresh, stale-while-revalidate | 108 |
//! | PI-03 | An escaped line end that the origin repeats in a field | cold, fresh | 10 |
//! | PI-05 | Requests whose length can be read in two ways | cold, any | 18 |
//! | PI-06 | Answers that break off, or whose length is wrong | all five | 130 |
//!
//! ## What reaches a store
//!
//! | case | what is tried | states | trials |
//! |---|---|---|---:|
//! | BS-01 | Paths that look like commands | cold | 28 |
//! | BS-02 | Bodies and fields that look like the format they are kept in | fresh | 10 |
//! | BS-03 | The store's token | any | 2 |
//! | BS-05 | A record that is damaged, cut, spliced or foreign: records are not signed | fresh | 18 |
//! | BS-06 | A store that redirects, or answers without end | any | 8 |
//! | BS-07 | Names of entries in listings | any | 2 |
//!
//! ## What can be told from outside
//!
//! | case | what is tried | states | trials |
//! |---|---|---|---:|
//! | SC-01 | Whether somebody has visited their page | all five | 35 |
//! | SC-02 | Whether anybody has asked for a URL | fresh | 3 |
//! | SC-03 | Which reserved paths there are | any | 72 |
//!
//! <!-- end of cases -->
