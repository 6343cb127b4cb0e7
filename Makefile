# Two commands on a fresh machine: `make demo` and `make test`. Both install what they miss, by name, from
# crates.io, PyPI and Debian's packages.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

NEXTEST_VERSION := 0.9.143
CARGO ?= cargo
export CARGO_TERM_COLOR ?= auto
TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help
help: ## Show what can be made
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 14

.PHONY: build
# The tests too: another selection of packages has other features, and would build the SDK a second time.
build: tool-cargo ## Build everything (unoptimised)
	$(CARGO) build --locked --workspace --all-targets

.PHONY: release
release: tool-cargo ## Build every binary as it ships
	$(CARGO) build --locked --release --bins

.PHONY: demo
demo: build tool-postgres ## Run the six-script example on this machine and show what happened
	examples/blog/demo

.PHONY: test
test: lint test-rust ## Everything that CI runs

.PHONY: test-rust
test-rust: build tool-nextest tool-postgres tool-clients
	$(CARGO) nextest run --locked --workspace
	$(CARGO) test --locked --workspace --doc --quiet

.PHONY: referee
# A part alone: `make referee ONLY=moto`. The parts are in docs/referees.md.
referee: build tool-postgres tool-referees tool-cdk ## Deploy to MiniStack and have moto play the machines: docs/referees.md
	tests/referee/run $(ONLY)

.PHONY: bench
# The same selection of packages twice, or the SDK is built twice.
bench: tool-cargo tool-postgres ## Measure the binaries as they ship, and write docs/performance.md
	$(CARGO) build --locked --release --workspace --bins
	$(CARGO) bench --locked --workspace --bench figures -- --check \
		--json $(CURDIR)/target/bench.json --markdown $(CURDIR)/docs/performance.md

.PHONY: lint
lint: tool-cargo ## Formatting, lints, licences
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny check; \
	else echo "cargo-deny is not installed: licences and advisories were not checked"; fi

.PHONY: clean
clean: ## Remove what was built and what the demo left
	$(CARGO) clean
	rm -rf .demo .rsqlflow

# What is missing is installed; what is there is left alone.

.PHONY: tool-cargo
tool-cargo:
	@command -v $(CARGO) >/dev/null || { echo "cargo is missing: install the Rust toolchain named in Cargo.toml (rust-version)"; exit 1; }

.PHONY: tool-nextest
tool-nextest: tool-cargo
	@command -v cargo-nextest >/dev/null || $(CARGO) install --locked cargo-nextest --version $(NEXTEST_VERSION)

.PHONY: tool-postgres
tool-postgres:
	@if ! { command -v psql && ls /usr/lib/postgresql/*/bin/postgres; } >/dev/null 2>&1; then tools/install-debian postgresql postgresql-client; fi

.PHONY: tool-clients
# Where the tests look for it.
tool-clients:
	@tools/install-clients $(TARGET)/clients

.PHONY: tool-referees
tool-referees:
	@tools/install-clients $(TARGET)/referees tests/referee/requirements.txt

.PHONY: tool-cdk
# `npm ci` only where what is installed is not what the lock file says: it removes everything first.
tool-cdk:
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or newer"; exit 1; }
	@cd cdk-config && cmp -s package-lock.json node_modules/.installed-lock.json \
		|| { npm ci --no-audit --no-fund && cp package-lock.json node_modules/.installed-lock.json; }
