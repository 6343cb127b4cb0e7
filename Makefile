# Two commands on a fresh machine: `make demo` and `make test`. Both install the tools that are missing, by name, from
# crates.io, PyPI, npm and Debian's packages. `make help` lists every target.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

NEXTEST_VERSION := 0.9.143
CARGO_DENY_VERSION := 0.20.2
CARGO_DEB_VERSION := 3.8.0
CARGO_GENERATE_RPM_VERSION := 0.21.1
CARGO ?= cargo
export CARGO_TERM_COLOR ?= auto
TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 14

.PHONY: build
build: tool-cargo ## Build everything, with the tests (unoptimised)
	$(CARGO) build --locked --workspace --all-targets

# The programs that the demo and the examples run. `--workspace` and the example `play` make cargo choose the features that
# `build` chooses: without them it would compile the AWS SDK again for `make test`.
.PHONY: programs
programs: tool-cargo ## Build only what `make demo` runs
	$(CARGO) build --locked --workspace --bin rsqlflow --bin rsqlflow-agent --bin rsql --example play

.PHONY: release
release: tool-cargo ## Build every program as it ships (optimised)
	$(CARGO) build --locked --release --bins

# `make package ARCH=aarch64` builds for another architecture: x86_64 or aarch64.
HOST_ARCH := $(shell uname -m)
ARCH ?= $(HOST_ARCH)
ifeq ($(ARCH),$(HOST_ARCH))
PACKAGE_BINARIES = $(TARGET)
else
PACKAGE_TRIPLE := $(ARCH)-unknown-linux-gnu
PACKAGE_BINARIES = $(TARGET)/$(PACKAGE_TRIPLE)
# Debian's cross compiler links, and compiles the C parts of the TLS library.
CROSS := $(ARCH)-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER ?= aarch64-linux-gnu-gcc
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER ?= x86_64-linux-gnu-gcc
endif

.PHONY: package
# The agent comes from the same build as `bench`. The functions have a separate profile, which optimises for size.
package: tool-cargo tool-cross tool-packagers ## Build what is deployed: the zip of the functions, the agent as .deb and .rpm
	$(CARGO) build --locked --release --workspace --bins $(addprefix --target ,$(PACKAGE_TRIPLE))
	$(CARGO) build --locked --profile lambda -p rsqlflow-lambdas --bin bootstrap $(addprefix --target ,$(PACKAGE_TRIPLE))
	tools/package --arch $(ARCH) --agent $(PACKAGE_BINARIES)/release --functions $(PACKAGE_BINARIES)/lambda --tools $(TARGET)/tools/bin --out target/package

.PHONY: test-package
# Not part of `test`: it needs the release build, which takes as long again. It installs the .deb, and so needs root.
test-package: package build tool-nextest tool-rpm ## Install the .deb, run a job with it, and remove it (as root)
	@if [[ $$(id -u) -ne 0 ]]; then echo "skipped: only root can install and remove packages"; else \
	RSQLFLOW_TEST_PACKAGE=$(CURDIR)/target/package $(CARGO) nextest run --locked --workspace \
		--run-ignored only -E 'binary(package)' --no-tests fail; fi

.PHONY: demo
demo: programs tool-postgres ## Run the six-script example on this machine and show the result
	examples/blog/demo

.PHONY: examples
examples: build tool-nextest tool-postgres tool-clients ## Run every example under examples/
	$(CARGO) nextest run --locked --workspace -E 'package(rsqlflow-tests) & binary(examples)' --no-tests fail

.PHONY: test
test: lint test-rust check-cdk referee ## Run everything that CI runs (the examples are among the Rust tests)

# One case: `make faults ONLY='long:agent/UpdateItem#2=cut'`. Also SEED=17, FAULT_SECONDS=300.
.PHONY: faults
faults: build ## Run thousands of small workflows under injected faults (docs/faults.md)
	$(TARGET)/debug/faults $(if $(ONLY),--only '$(ONLY)') $(addprefix --seed ,$(SEED)) $(addprefix --seconds ,$(FAULT_SECONDS))

.PHONY: faults-slice
# A different one each time. It prints its seed.
faults-slice: build ## Run four minutes of `make faults`
	$(TARGET)/debug/faults --seconds 200

.PHONY: test-rust
test-rust: build tool-nextest tool-postgres tool-clients
	$(CARGO) nextest run --locked --workspace
	$(CARGO) test --locked --workspace --doc --quiet

.PHONY: check-cdk
check-cdk: tool-cdk tool-cfn-lint ## Check the deployment without an AWS account
	cd cdk-config && CFN_LINT=$(abspath $(TARGET)/cfn-lint/bin/cfn-lint) npm run --silent check

.PHONY: referee
# To run one part: `make referee ONLY=moto`. docs/referees.md lists the parts.
referee: build tool-postgres tool-referees tool-cdk ## Compare with MiniStack and moto (docs/referees.md)
	tests/referee/run $(ONLY)

.PHONY: fuzz
SECONDS ?= 60
# `make fuzz SECONDS=600 ONLY="asl log"`. Inputs that fail become files in tests/fuzz/seeds, which the tests replay.
fuzz: tool-cargo ## Give wrong bytes to everything that reads them, for SECONDS each (60)
	$(CARGO) build --locked --workspace --bin fuzz
	$(TARGET)/debug/fuzz $(SECONDS) $(ONLY)

.PHONY: bench
# The benchmark program itself is not optimised; the programs that it measures are. In the release profile it would need
# another panic strategy, and cargo would build all its dependencies again.
bench: build tool-postgres tool-clients ## Measure the programs as they ship, and write docs/performance.md
	$(CARGO) build --locked --release --workspace --bins
	RSQLFLOW_TEST_BINARIES=$(abspath $(TARGET)/release) \
	$(CARGO) bench --locked --workspace --profile dev --bench figures -- --check \
		--json $(CURDIR)/target/bench.json --markdown $(CURDIR)/docs/performance.md

.PHONY: lint
lint: tool-cargo deny ## Check formatting, lints, and licences
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

.PHONY: deny
# Without advisories: their database is a Git repository, which a machine without internet access cannot fetch.
deny: tool-deny ## Check licences, banned crates and sources of crates
	$(TARGET)/tools/bin/cargo-deny --locked check bans licenses sources

.PHONY: clean
clean: ## Remove build results and the files of the demo
	$(CARGO) clean
	rm -rf .demo .rsqlflow

# Tools: a missing one is installed; an installed one is kept.

.PHONY: tool-cargo
tool-cargo:
	@command -v $(CARGO) >/dev/null || { echo "cargo is missing: install the Rust toolchain named in Cargo.toml (rust-version)"; exit 1; }

.PHONY: tool-nextest
tool-nextest: tool-cargo
	@command -v cargo-nextest >/dev/null || $(CARGO) install --locked cargo-nextest --version $(NEXTEST_VERSION)

.PHONY: tool-deny
tool-deny: tool-cargo
	@$(TARGET)/tools/bin/cargo-deny --version 2>/dev/null | grep -qF '$(CARGO_DENY_VERSION)' || \
	$(CARGO) install --locked --root $(TARGET)/tools cargo-deny --version $(CARGO_DENY_VERSION)

.PHONY: tool-packagers
tool-packagers: tool-cargo
	@command -v readelf >/dev/null || tools/install-debian binutils
	@command -v python3 >/dev/null || tools/install-debian python3
	@$(TARGET)/tools/bin/cargo-deb --version 2>/dev/null | grep -qF '$(CARGO_DEB_VERSION)' || \
	$(CARGO) install --locked --root $(TARGET)/tools cargo-deb --version $(CARGO_DEB_VERSION)
	@$(TARGET)/tools/bin/cargo-generate-rpm --version 2>/dev/null | grep -qF '$(CARGO_GENERATE_RPM_VERSION)' || \
	$(CARGO) install --locked --root $(TARGET)/tools cargo-generate-rpm --version $(CARGO_GENERATE_RPM_VERSION)

.PHONY: tool-cross
tool-cross: tool-cargo
	@case "$(ARCH)" in x86_64|aarch64) ;; *) echo "ARCH=$(ARCH) is not x86_64 or aarch64"; exit 1;; esac
ifdef PACKAGE_TRIPLE
	@ls "$$(rustc --print sysroot)"/lib/rustlib/$(PACKAGE_TRIPLE)/lib/libstd-* >/dev/null 2>&1 || { \
	echo "Rust's target $(PACKAGE_TRIPLE) is missing: rustup target add $(PACKAGE_TRIPLE)"; exit 1; }
	@command -v $(CROSS) >/dev/null || { \
	echo "the C compiler $(CROSS) is missing: apt-get install gcc-$(subst _,-,$(ARCH))-linux-gnu"; exit 1; }
endif

.PHONY: tool-rpm
tool-rpm:
	@command -v rpm >/dev/null || tools/install-debian rpm

.PHONY: tool-postgres
tool-postgres:
	@if ! { command -v psql && ls /usr/lib/postgresql/*/bin/postgres; } >/dev/null 2>&1; then tools/install-debian postgresql postgresql-client; fi

.PHONY: tool-clients
# The tests look for the clients in this directory.
tool-clients:
	@tools/install-clients $(TARGET)/clients

.PHONY: tool-node
# A Node.js that is too old is not replaced: somebody chose its version.
tool-node:
	@if ! { command -v node && command -v npm; } >/dev/null; then tools/install-debian nodejs npm; fi
	@node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' \
		|| { echo "node $$(node --version) is too old for the CDK: install Node.js 20 or newer"; exit 1; }

.PHONY: tool-cfn-lint
tool-cfn-lint:
	@tools/install-clients $(TARGET)/cfn-lint cdk-config/requirements.txt

.PHONY: tool-referees
tool-referees:
	@tools/install-clients $(TARGET)/referees tests/referee/requirements.txt

.PHONY: tool-cdk
# `npm ci` removes everything first, so it runs only when the installed packages differ from the lock file.
tool-cdk: tool-node
	@cd cdk-config && cmp -s package-lock.json node_modules/.installed-lock.json \
		|| { npm ci --no-audit --no-fund && cp package-lock.json node_modules/.installed-lock.json; }
