#!/usr/bin/env bash
# Packs what `wrangler deploy` would upload and fails if that is too large, compressed.
set -euo pipefail
cd "$(dirname "$0")/.."
LIMIT=400

export PATH="$PWD/node_modules/.bin:$PATH" WRANGLER_SEND_METRICS=false CI=true
output=$(wrangler deploy --dry-run --outdir .wrangler/deploy-check 2>&1) || { printf '%s\n' "$output" >&2; exit 1; }
printf '%s\n' "$output" | grep -E 'Total Upload|CACHE|env\.' || true
size=$(printf '%s\n' "$output" | sed -n 's/.*gzip: \([0-9]*\).*/\1/p' | head -n 1)
[ -n "$size" ] || { printf '%s\ndeploy-check: wrangler did not say how large the bundle is\n' "$output" >&2; exit 1; }
if [ "$size" -gt "$LIMIT" ]; then
  printf 'deploy-check: %s KiB compressed, %s are allowed\n' "$size" "$LIMIT" >&2
  exit 1
fi
printf 'ok: %s KiB compressed of %s\n' "$size" "$LIMIT"
