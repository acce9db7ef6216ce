#!/usr/bin/env bash
# Installs what is missing, skips what is there, and says in one line what it does and how long that takes.
#
#   tools/setup.sh build    what it takes to build and run the Worker
#   tools/setup.sh test     that, and the Django site, a browser, a load generator, valgrind, and Redis with a gateway
#   tools/setup.sh bench    that, and the caches that Larder is measured beside
#   tools/setup.sh fuzz     cargo-fuzz
#   tools/setup.sh mutants  cargo-mutants
#   tools/setup.sh supply   cargo-deny
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/versions.sh

say() { printf '  %-58s %s\n' "$1" "${2:-}"; }
fail() { printf 'setup: %s\n       try: %s\n' "$1" "$2" >&2; exit 1; }

# installs NAME EXPECTED COMMAND…: runs the command, its output kept aside, and shows that only if it fails.
installs() {
  local name=$1 expected=$2 log started=$SECONDS
  shift 2
  log=$(mktemp)
  say "installing $name" "about $expected"
  if ! "$@" >"$log" 2>&1; then
    tail -n 25 "$log" >&2
    fail "$name could not be installed" "$*"
  fi
  rm -f "$log"
  say "installed $name" "$((SECONDS - started)) s"
}

require() { command -v "$1" >/dev/null || fail "there is no $1" "$2"; }

rust_target() {
  require rustup "curl https://sh.rustup.rs | sh   (https://rustup.rs)"
  local toolchain
  toolchain=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
  rustup run "$toolchain" rustc --version >/dev/null 2>&1 ||
    installs "Rust $toolchain" "1 min" rustup toolchain install "$toolchain" --profile minimal -c clippy -c rustfmt
  rustup target list --installed --toolchain "$toolchain" | grep -qx wasm32-unknown-unknown ||
    installs "Rust's WebAssembly target" "10 s" rustup target add wasm32-unknown-unknown --toolchain "$toolchain"
}

# is_of VERSION PROGRAM: a subcommand of cargo may say only behind its own name which one it is.
is_of() {
  local name=${2##*/cargo-}
  [ -x "$2" ] && { "$2" --version || "$2" "$name" --version; } 2>/dev/null | grep -qF "$1"
}

cargo_tool() {
  local crate=$1 version=$2 binary=$3 expected=$4 there
  # A matching one that is there already does as well.
  there=$(command -v "$binary" || true)
  mkdir -p "$TOOLS/bin"
  is_of "$version" "$TOOLS/bin/$binary" && return
  if is_of "$version" "$there"; then
    ln -sf "$there" "$TOOLS/bin/$binary"
    return
  fi
  installs "$crate $version" "$expected" cargo install "$crate" --version "$version" --locked --root "$TOOLS"
}

cargo_tools() {
  cargo_tool worker-build "$WORKER_BUILD" worker-build "3 min"
  cargo_tool wasm-bindgen-cli "$WASM_BINDGEN" wasm-bindgen "2 min"
  cargo_tool wasm-bindgen-cli "$WASM_BINDGEN" wasm-bindgen-test-runner "2 min"
}

node_packages() {
  require npm "your system's package manager: install nodejs and npm"
  # Not `npm ci`: that insists on the builds for every platform, and some registries do not have them all. The versions are those of
  # the lock file either way.
  [ node_modules/.package-lock.json -nt package-lock.json ] ||
    installs "npm packages" "30 s" npm install --no-save --no-audit --no-fund
  [ "$(node_modules/.bin/node --version | cut -d. -f1 | tr -d v)" -ge 22 ] ||
    fail "the npm package node did not bring Node 22" "rm -rf node_modules && npm install --no-save --foreground-scripts"
}

python_packages() {
  require python3 "your system's package manager: install python3 with venv"
  [ .venv/installed -nt fixtures/django/requirements.txt ] && return
  installs "Django and gunicorn" "20 s" bash -c \
    'python3 -m venv .venv && .venv/bin/pip install --quiet -r fixtures/django/requirements.txt && touch .venv/installed'
}

# debian PROGRAM PACKAGE EXPECTED
debian() {
  debian_lacks "$1" "$2" || return 0
  installs "$2" "$3" bash -c "${AS_ROOT[*]} apt-get update -q && ${AS_ROOT[*]} apt-get install -qy --no-install-recommends $2"
}

# debian_server PROGRAM PACKAGE EXPECTED: the program, without the service that Debian makes of it.
debian_server() {
  debian_lacks "$1" "$2" || return 0
  installs "$2" "$3" "${AS_ROOT[@]}" tools/debian-server.sh "$2"
}

debian_lacks() {
  ! command -v "$1" >/dev/null || return 1
  command -v apt-get >/dev/null || fail "there is no $1" "your system's package manager: install $2"
}

AS_ROOT=()
[ "$(id -u)" -eq 0 ] || AS_ROOT=(sudo)

debian_programs() {
  debian chromium chromium "1 min"
  debian ab apache2-utils "10 s"
  debian wrk wrk "10 s"
  debian valgrind valgrind "20 s"
  debian_server redis-server redis-server "10 s"
  debian_server webdis webdis "10 s"
  debian_server memcached memcached "10 s"
}

debian_caches() {
  debian_server nginx nginx "10 s"
  debian_server varnishd varnish "30 s"
}

case "${1:-test}" in
  fuzz) rust_target; require c++ "your system's package manager: install g++"; cargo_tool cargo-fuzz "$CARGO_FUZZ" cargo-fuzz "1 min" ;;
  mutants) rust_target; cargo_tool cargo-mutants "$CARGO_MUTANTS" cargo-mutants "2 min" ;;
  supply) rust_target; cargo_tool cargo-deny "$CARGO_DENY" cargo-deny "3 min" ;;
  build) rust_target; cargo_tools; node_packages ;;
  test) rust_target; cargo_tools; node_packages; python_packages; debian_programs ;;
  bench) rust_target; cargo_tools; node_packages; python_packages; debian_programs; debian_caches ;;
  *) fail "unknown part: $1" "tools/setup.sh build" ;;
esac
