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
//! <!-- end of cases -->
