#!/usr/bin/env bash
# What dependencies bring along: licences, duplicates and sources always; known vulnerabilities where the lists of them can be reached.
# Of npm's list only the log tells: none of those packages reaches a visitor.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/versions.sh
export PATH="$TOOLS/bin:$PATH"

cargo deny --log-level error --offline check --hide-inclusion-graph licenses bans sources
printf 'ok: licences, duplicates and sources of the crates\n'

# Its builds would fill in what is missing without a word.
cargo metadata --locked --format-version 1 --manifest-path tests/fuzz/Cargo.toml >/dev/null ||
  { printf 'tests/fuzz/Cargo.lock is behind: `make fuzz-smoke` completes it\n' >&2; exit 1; }

if timeout 60 cargo deny --log-level error fetch db >/dev/null 2>&1; then
  cargo deny --log-level error check --hide-inclusion-graph advisories
  printf 'ok: no known vulnerability in the crates\n'
else
  printf 'note: known vulnerabilities of the crates were not looked at: https://github.com/rustsec/advisory-db cannot be reached\n'
fi

found=$(timeout 60 npm audit 2>&1) || true
printf '%s\n' "$found" | tail -n 20
grep -q 'vulnerabilit' <<<"$found" || printf 'note: known vulnerabilities of the npm packages were not looked at: the registry does not say\n'
