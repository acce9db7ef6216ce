#!/usr/bin/env bash
# Looks for inputs that break what tests/fuzz asserts.
#
#   tools/fuzz.sh all SECONDS     every target for so long, two at a time
#   tools/fuzz.sh TARGET          one, until it is stopped
#
# An input that does goes to the seeds of its target, where `make test` replays it from then on. There is no unsafe code, so no
# sanitizer either: that is what lets the pinned toolchain do, which is a stable one.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/versions.sh
export PATH="$TOOLS/bin:$PATH" RUST_BACKTRACE=0
built=target/fuzz/$(rustc -vV | sed -n 's/^host: //p')/release

build() { cargo fuzz build --fuzz-dir tests/fuzz --target-dir target/fuzz --sanitizer none "$@"; }

# run TARGET [OPTION…]: what it learns is kept beside the build, for the next time.
run() {
  local target=$1 learnt=target/fuzz/corpus/$1
  shift
  mkdir -p "$learnt"
  "$built/$target" "$learnt" "fixtures/fuzz/$target" -artifact_prefix="fixtures/fuzz/$target/" -max_len=4096 -timeout=60 "$@"
}

# smoke TARGET SECONDS: one line if all is well, the end of the log if not.
smoke() {
  local log=target/fuzz/$1.log
  # The same inputs each time: a check that comes out by chance is no check. `make fuzz` draws others.
  if run "$1" -seed=1 -max_total_time="$2" >"$log" 2>&1; then
    printf 'ok: %-14s %s\n' "$1" "$(sed -n 's/^Done \([0-9]*\) runs.*/\1 inputs/p' "$log")"
  else
    grep -A 12 "panicked at" "$log" || tail -n 20 "$log"
    printf 'FAILED: %s; the input is in fixtures/fuzz/%s/ now, and `make test` replays it\n' "$1" "$1"
    return 1
  fi
}

targets=(fixtures/fuzz/*/)
targets=("${targets[@]%/}")
targets=("${targets[@]##*/}")

case "${1:-}" in
  all)
    build
    export -f run smoke
    export built
    printf '%s\n' "${targets[@]}" | xargs -P 2 -I TARGET bash -c 'smoke TARGET "$1"' - "${2:-30}"
    ;;
  *)
    [ -d "fixtures/fuzz/${1:-?}" ] || { printf 'TARGET=%s: there is none; there are %s\n' "${1:-}" "${targets[*]}" >&2; exit 2; }
    build "$1"
    run "$1"
    ;;
esac
