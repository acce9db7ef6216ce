SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup dev build test native wasm instructions e2e journeys lint security weakened fuzz fuzz-smoke mutants supply bench bench-decisions bench-growth bench-scale bench-spread bench-stampede bench-purge bench-ledger bench-cells bench-esi bench-replay bench-ab bench-peers bench-memory weight e2e-leak conformance soak deploy-check clean

SOURCES := $(shell find src -name '*.rs' -o -name '*.mjs') Cargo.toml Cargo.lock rust-toolchain.toml tools/build.sh tools/versions.sh
# The tests that are the same natively and in wasm.
BOTH := --test rfc9111 --test esi --test engine --test properties --test records --test simulation
# Random worlds of `make soak`.
SEEDS := 10000
# Of `make fuzz-smoke`, for each target.
SECONDS := 30
NODE := node_modules/.bin/node
TOOLS = $(shell . tools/versions.sh && echo $$TOOLS)

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing (skips what is there)
	@tools/setup.sh test

dev: setup build ## run Larder before the Django site of fixtures/, or before ORIGIN=http://…; REDIS=1 adds a Redis; Ctrl-C stops all of it
	@ORIGIN="$(ORIGIN)" REDIS="$(REDIS)" $(NODE) tools/dev.mjs

build: setup-build build/index.js ## build the release bundle to build/

# The second is the module as it was before it lost the names of its functions.
build/index.js target/named.wasm &: $(SOURCES)
	@tools/build.sh

target/trial/index.js: $(SOURCES)
	@tools/build.sh --trial

test: setup build native wasm instructions e2e journeys ## every test: native, wasm, instruction counts, end to end

native: setup-build
	cargo test --quiet $(BOTH) --test policy --test readme --test architecture --test fuzz
	cargo test --quiet --doc

wasm: setup-build
	PATH="$(TOOLS)/bin:$(CURDIR)/node_modules/.bin:$$PATH" cargo test --target wasm32-unknown-unknown $(BOTH)

instructions: setup ## what decisions cost, in instructions: not more than it did; WRITE=1 notes what they cost now
	cargo bench --quiet --bench instructions

e2e: setup build target/trial/index.js ## the built Worker in workerd, raw sockets on both sides
	cargo test --quiet --test e2e

security: setup build ## the published attacks on shared caches, as a table
	$(NODE) tools/security.mjs

weakened: setup build ## the same against Workers that are weakened on purpose: each has to be found out
	$(NODE) tools/weaken.mjs

journeys: setup build ## a browser, Larder and Django
	$(NODE) --test --test-reporter=spec 'tests/journeys/*.test.mjs'

lint: setup-build ## formatting, clippy on both targets, documentation
	cargo fmt --check
	cargo clippy --quiet --all-targets -- -D warnings
	cargo clippy --quiet --lib --target wasm32-unknown-unknown -- -D warnings
	cargo clippy --quiet --lib --target wasm32-unknown-unknown --features trial -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --document-private-items --lib

setup-%:
	@tools/setup.sh $*

fuzz-smoke: setup-fuzz ## what tests/fuzz asserts, with inputs that nobody thought of: each target for 30 s; SECONDS=n for more
	@tools/fuzz.sh all $(SECONDS)

fuzz: setup-fuzz ## the same for one TARGET=esi, until Ctrl-C
	@tools/fuzz.sh "$(TARGET)"

mutants: setup-mutants ## whether a test fails for whatever is changed in the decisions that share pages: an hour
	PATH="$(TOOLS)/bin:$$PATH" cargo mutants --output target

supply: setup-supply ## what dependencies bring along: licences, duplicates, sources, known vulnerabilities
	@tools/supply.sh

soak: setup-build ## ten million operations in ten thousand random worlds, nine invariants; SEEDS=n for more or fewer
	LARDER_SEEDS=$(SEEDS) cargo test --quiet --test simulation every_invariant -- --nocapture

bench: setup-bench build benches/peers/constant_rust/build/index.js ## measure everything, beside what is known; under 15 minutes
	cargo bench --quiet --no-run
	@tools/bench.sh

bench-decisions: setup-build ## how long decisions take, beside http-cache-semantics
	cargo bench --bench decisions

bench-growth: setup build ## what a request costs when routes, entries, purges, identities and bodies grow
	$(NODE) tools/bench-growth.mjs

bench-scale: setup-build ## what a million requests ask of KV, objects and Redis: a simulation of up to 300 data centres
	cargo bench --quiet --bench scale

bench-spread: setup-build ## how evenly pages that were stored at once are fetched later: a simulation
	cargo bench --quiet --bench spread

bench-esi: setup-build ## how fast pages are read for ESI markup, natively
	cargo bench --quiet --bench esi

bench-replay: setup build ## the mixed requests of a Django site: how many of them its origin sees
	$(NODE) tools/bench-replay.mjs

bench-stampede: setup build ## a thousand requests for one cold page at once: how many the origin sees
	$(NODE) tools/bench-stampede.mjs

bench-purge: setup build ## how long a purge takes to be seen, here and elsewhere
	$(NODE) tools/bench-purge.mjs

bench-cells: setup build ## what deleting 100,000 keys by pattern costs those who read meanwhile
	$(NODE) tools/bench-cells.mjs

bench-ledger: setup build ## what a hundred thousand purges cost a hit, and a Worker that begins
	$(NODE) tools/bench-ledger.mjs

bench-ab: setup build ## the known test: ab -n 100 -c 10 on a page that takes two seconds
	$(NODE) tools/bench-ab.mjs

bench-peers: setup-bench build benches/peers/constant_rust/build/index.js ## Larder beside other Workers and the floor of the runtime, in turn
	$(NODE) tools/bench-peers.mjs

bench-memory: setup-bench build ## whether the memory of the process grows over a million hits
	$(NODE) tools/bench-memory.mjs

benches/peers/constant_rust/build/index.js: benches/peers/constant_rust/Cargo.toml benches/peers/constant_rust/src/lib.rs
	@tools/build.sh benches/peers/constant_rust

weight: setup-build build target/named.wasm ## the size of the bundle, what of it is whose, and the CPU it takes to start
	$(NODE) tools/weight.mjs

e2e-leak: setup build ## memory after 3,000 clients that went away
	$(NODE) tools/e2e-leak.mjs

conformance: setup-build build ## the community's tests for HTTP caches
	$(NODE) tools/conformance.mjs

deploy-check: setup-build ## what `wrangler deploy` would upload, and whether it is small enough
	@tools/deploy-check.sh

clean:
	rm -rf build target node_modules .venv .wrangler
