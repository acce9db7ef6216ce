#!/usr/bin/env bash
# Builds the release bundle to build/, where `main` of wrangler.toml points; with the folder of another crate, that one's to its build/.
# With --dev behind the folder the build is quick, and the bundle large.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/versions.sh

export PATH="$PWD/node_modules/.bin:$TOOLS/bin:$PATH"
# worker-build would download these.
export WASM_BINDGEN_BIN="$TOOLS/bin/wasm-bindgen" WASM_OPT_BIN="$PWD/node_modules/.bin/wasm-opt" ESBUILD_BIN="$PWD/node_modules/.bin/esbuild"
# A request whose client goes away is finished: dropped halfway it would leak what it holds.
export RUN_TO_COMPLETION=1

cd "${1:-.}"
worker-build "${2:---release}"
[ "${2:-}" != --dev ] || exit 0
# Function names are a tenth of the bundle, and no visitor needs them.
wasm-opt --strip-debug --enable-{mutable-globals,sign-ext,nontrapping-float-to-int,bulk-memory,multivalue,reference-types,exception-handling} \
  build/index_bg.wasm -o build/index_bg.wasm
