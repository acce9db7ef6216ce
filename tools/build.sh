#!/usr/bin/env bash
# Builds the release bundle to build/, where `main` of wrangler.toml points; with the folder of another crate, that one's to its build/.
#
#   tools/build.sh [FOLDER] [--trial] [--dev]
#
# --trial   one that a request can kill, for tests of what becomes of the others, to target/trial/
# --dev     quickly, and large
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/versions.sh

export PATH="$PWD/node_modules/.bin:$TOOLS/bin:$PATH"
# worker-build would download these.
export WASM_BINDGEN_BIN="$TOOLS/bin/wasm-bindgen" WASM_OPT_BIN="$PWD/node_modules/.bin/wasm-opt" ESBUILD_BIN="$PWD/node_modules/.bin/esbuild"

folder=. out=build profile=--release features=()
for argument; do
  case $argument in
    --trial) out=target/trial features=(--features trial) ;;
    --dev) profile=--dev ;;
    *) folder=$argument ;;
  esac
done
cd "$folder"
worker-build "$profile" --out-dir "$out" "${features[@]}"
if [ "$profile" = --release ]; then
  # Function names are a tenth of the bundle, and no visitor needs them. `make weight` does.
  [ "$out" != build ] || cp build/index_bg.wasm target/named.wasm
  wasm-opt --strip-debug --enable-{mutable-globals,sign-ext,nontrapping-float-to-int,bulk-memory,multivalue,reference-types,exception-handling} \
    "$out/index_bg.wasm" -o "$out/index_bg.wasm"
fi
# The entrance is our own, around the one that was built.
if [ -f src/edge/entry.mjs ]; then
  mv "$out/index.js" "$out/larder.js"
  "$ESBUILD_BIN" src/edge/entry.mjs --log-level=warning --bundle --format=esm --minify --alias:larder="./$out/larder.js" \
    --inject:src/edge/microtask.mjs \
    --external:*.wasm --external:cloudflare:* --outfile="$out/index.js"
  rm "$out/larder.js"
fi
