#!/usr/bin/env bash
# Builds the release bundle to build/, where `main` of wrangler.toml points; with the folder of another crate, that one's to its build/.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/versions.sh

export PATH="$PWD/node_modules/.bin:$TOOLS/bin:$PATH"
# worker-build would download these.
export WASM_BINDGEN_BIN="$TOOLS/bin/wasm-bindgen" WASM_OPT_BIN="$PWD/node_modules/.bin/wasm-opt" ESBUILD_BIN="$PWD/node_modules/.bin/esbuild"

cd "${1:-.}"
worker-build --release
# Function names are a tenth of the bundle, and no visitor needs them. `make weight` does.
cp build/index_bg.wasm target/named.wasm
wasm-opt --strip-debug --enable-{mutable-globals,sign-ext,nontrapping-float-to-int,bulk-memory,multivalue,reference-types,exception-handling} \
  build/index_bg.wasm -o build/index_bg.wasm
