SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup setup-build dev build test native wasm e2e journeys lint bench bench-decisions bench-spread bench-stampede bench-purge bench-ledger bench-cells bench-esi bench-replay bench-ab bench-peers e2e-leak conformance security weakened soak deploy-check clean

SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock rust-toolchain.toml tools/build.sh tools/versions.sh
# The tests that are the same natively and in wasm.
BOTH := --test rfc9111 --test esi --test engine --test properties --test records --test simulation
# Random worlds of `make soak`.
SEEDS := 10000
NODE := node_modules/.bin/node
TOOLS = $(shell . tools/versions.sh && echo $$TOOLS)

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing (skips what is there)
	@tools/setup.sh test

setup-build:
	@tools/setup.sh build

dev: setup build ## run Larder before the Django site of fixtures/, or before ORIGIN=http://…; REDIS=1 adds a Redis; Ctrl-C stops all of it
	@ORIGIN="$(ORIGIN)" REDIS="$(REDIS)" $(NODE) tools/dev.mjs

build: setup-build build/index.js ## build the release bundle to build/

build/index.js: $(SOURCES)
	@tools/build.sh

test: setup build native wasm e2e journeys ## every test: native, wasm, end to end

native: setup-build
	cargo test --quiet $(BOTH) --test policy --test readme --test architecture
	cargo test --quiet --doc

wasm: setup-build
	PATH="$(TOOLS)/bin:$(CURDIR)/node_modules/.bin:$$PATH" cargo test --target wasm32-unknown-unknown $(BOTH)

e2e: setup build ## the built Worker in workerd, raw sockets on both sides
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
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --document-private-items --lib

soak: setup-build ## ten million operations in ten thousand random worlds, nine invariants; SEEDS=n for more or fewer
	LARDER_SEEDS=$(SEEDS) cargo test --quiet --test simulation every_invariant -- --nocapture

bench: bench-decisions bench-spread bench-esi bench-replay bench-stampede bench-purge bench-ledger bench-cells bench-ab bench-peers ## measure, beside what is known

bench-decisions: setup-build ## how long decisions take, beside http-cache-semantics
	cargo bench --bench decisions

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

bench-peers: setup build benches/peers/constant_rust/build/index.js ## Larder beside other Workers and the floor of the runtime, in turn
	$(NODE) tools/bench-peers.mjs

benches/peers/constant_rust/build/index.js: benches/peers/constant_rust/Cargo.toml benches/peers/constant_rust/src/lib.rs
	@tools/build.sh benches/peers/constant_rust

e2e-leak: setup build ## memory after 3,000 clients that went away
	$(NODE) tools/e2e-leak.mjs

conformance: setup-build build ## the community's tests for HTTP caches
	$(NODE) tools/conformance.mjs

deploy-check: setup-build ## what `wrangler deploy` would upload, and whether it is small enough
	@tools/deploy-check.sh

clean:
	rm -rf build target node_modules .venv .wrangler
