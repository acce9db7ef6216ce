#!/usr/bin/env bash
# Runs all benches: first those that count, weigh or mostly wait, in lanes side by side; then those that compare times, each alone.
# Every one is run, whatever the others missed. Fails if any did.
set -uo pipefail
cd "$(dirname "$0")/.."

lanes=("bench-scale bench-spread bench-replay" "bench-purge bench-ab bench-stampede" "bench-memory bench-growth")
alone="bench-decisions bench-esi bench-ledger bench-cells bench-peers"

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

bench() {
  local since=$SECONDS
  "${MAKE:-make}" --no-print-directory "$1" || touch "$logs/$1.missed"
  echo "== $1: $((SECONDS - since)) s"
}

for lane in "${lanes[@]}"; do
  for part in $lane; do
    bench "$part" >"$logs/$part" 2>&1
    cat "$logs/$part"
  done &
done
wait
for part in $alone; do bench "$part"; done

echo "== all: $SECONDS s"
missed=$(cd "$logs" && echo *.missed)
if [ "$missed" != '*.missed' ]; then
  echo "bench: goals are missed by ${missed//.missed/}" >&2
  exit 1
fi
