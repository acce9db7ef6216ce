# The versions that are not pinned by a lock file. The command line of wasm-bindgen has to match the crate to the letter.
WORKER_BUILD=0.8.7
WASM_BINDGEN=0.2.129
# shellcheck disable=SC2034  # read by setup.sh
CARGO_FUZZ=0.13.2 CARGO_MUTANTS=27.1.0 CARGO_DENY=0.20.2
# shellcheck disable=SC2034  # read by the scripts beside this one
TOOLS="${LARDER_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/larder/worker-build-$WORKER_BUILD-wasm-bindgen-$WASM_BINDGEN}"
