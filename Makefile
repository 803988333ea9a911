# SPDX-License-Identifier: Apache-2.0
# The front door. Meson and ninja do the building; this file names what people do, and keeps each
# kind of build in a folder of its own under build/. `make` alone lists the targets.

BUILD  := build
PREFIX ?= /usr/local
UNITDIR ?= $(PREFIX)/lib/systemd/system
JOBS   ?= $(shell nproc 2>/dev/null || echo 2)
NINJA  := ninja -j$(JOBS) -C
export NETRA_BIN := $(CURDIR)/$(BUILD)/release/src/netra

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@printf 'netra: make TARGET\n\n'
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' Makefile | awk -F'\t' '{printf "  %-14s %s\n", $$1, $$2}'

# --- build and run ------------------------------------------------------------------------------

.PHONY: deps build web image run demo demo-stop serve dev install clean
deps: ## install what building, testing and checking need (Debian, Ubuntu)
	@tools/install_deps.sh build test check

build: ## the release program: build/release/src/netra
	@tools/install_deps.sh build
	@test -x $(BUILD)/release/src/netra || echo "building netra (release): half a minute the first time"
	@tools/build_page.sh --if-possible
	@tools/configure.sh --if-missing $(BUILD)/release
	@$(NINJA) $(BUILD)/release --quiet src/netra

web: ## the page only: build/web
	@tools/install_deps.sh build
	@tools/build_page.sh

image: ## the container image: build/image (OCI layout, SBOM); no engine and no root needed
	@tools/install_deps.sh build image
	@tools/build_page.sh
	@JOBS=$(JOBS) tools/image.sh

run: build ## run it: make run ARGS='ask "Why so expensive?" --data usage.csv'
	@$(NETRA_BIN) $(ARGS)

demo: build ## the main job on sample records: prints a full report, leaves a server with its page
	@tools/demo.sh

demo-stop: ## end the server that make demo left running
	@tools/demo_server.sh stop

serve: build ## the server in the foreground: make serve ARGS='--listen 127.0.0.1:0'
	@$(NETRA_BIN) serve $(ARGS)

dev: build ## rebuild, restart the demo's server, print a link to its page
	@tools/demo_server.sh restart
	@node tools/demo_ask.mjs "$$(tools/demo_server.sh url)" $(BUILD)/demo/token

install: build ## install program and systemd units under PREFIX (/usr/local), below DESTDIR if set
	@install -d "$(DESTDIR)$(PREFIX)/bin"
	@install -m 0755 "$(NETRA_BIN)" "$(DESTDIR)$(PREFIX)/bin/netra"
	@install -d "$(DESTDIR)$(UNITDIR)"
	@for unit in netra.service netra.socket; do \
	  sed 's|/usr/local/bin/|$(PREFIX)/bin/|' deploy/systemd/$$unit >"$(DESTDIR)$(UNITDIR)/$$unit" && \
	  chmod 0644 "$(DESTDIR)$(UNITDIR)/$$unit" || exit 1; done
	@echo "installed $(DESTDIR)$(PREFIX)/bin/netra, units in $(DESTDIR)$(UNITDIR)"

clean: ## remove everything that was built
	@rm -rf "$(BUILD)"

# --- tests --------------------------------------------------------------------------------------

.PHONY: test unit e2e asan tsan valgrind fuzz bench soak soak-hour coverage
test: ## the whole suite: unit, fuzz replay, e2e, and all of the first two under ASan+UBSan
	@tools/install_deps.sh build test
	@tools/run_tests.py release e2e asan

unit: ## unit tests and fuzz replay of the release build only
	@tools/install_deps.sh build test
	@tools/run_tests.py release

e2e: ## the real program from the outside (tests/e2e)
	@tools/install_deps.sh build test
	@tools/run_tests.py e2e

asan: ## unit tests and fuzz replay under AddressSanitizer and UBSan
	@tools/install_deps.sh build test
	@tools/run_tests.py asan

tsan: ## unit tests and fuzz replay under ThreadSanitizer
	@tools/install_deps.sh build test
	@tools/run_tests.py tsan

valgrind: ## unit tests and fuzz replay under valgrind (slow)
	@tools/install_deps.sh build test valgrind
	@tools/run_tests.py valgrind

fuzz: ## fuzz with libFuzzer: make fuzz TARGET=json SECONDS=60 (no TARGET: each in turn)
	@tools/install_deps.sh build check
	@tools/fuzz.sh "$(TARGET)" "$(or $(SECONDS),60)"

bench: ## measure: a table of every benchmark against memory bandwidth
	@tools/install_deps.sh build test
	@tools/bench.sh

soak: ## 10,000 WebSockets on 100 runs for a minute, a tenth of them dropping: make soak CLIENTS=5000
	@tools/install_deps.sh build test
	@tools/configure.sh --if-missing $(BUILD)/release
	@$(NINJA) $(BUILD)/release --quiet src/netra tests/soak/soak
	@$(BUILD)/release/tests/soak/soak --clients $(or $(CLIENTS),10000)

soak-hour: ## runs, uploads, logins and sockets for an hour; memory must stay flat: make soak-hour MINUTES=5
	@tools/install_deps.sh build test
	@tools/configure.sh --if-missing $(BUILD)/release
	@$(NINJA) $(BUILD)/release --quiet src/netra
	@node tests/soak/hour.mjs --minutes $(or $(MINUTES),60)

coverage: ## line coverage of src/ by the unit tests
	@tools/install_deps.sh build test
	@tools/run_tests.py coverage
	@tools/coverage.py $(BUILD)/coverage

# --- checks -------------------------------------------------------------------------------------

.PHONY: check check-static fmt format-check lint layers docs-check web-check werror hooks
check: check-static test ## what CI runs: static checks, -Werror build, the whole suite

check-static: format-check layers lint docs-check web-check werror ## the checks that run no program of ours

fmt: ## format every C and C++ file
	@tools/install_deps.sh check
	@tools/format.sh --write

format-check: ## fail where make fmt would change something
	@tools/install_deps.sh check
	@tools/format.sh --check

layers: ## rooms include only lower rooms; pure rooms stay pure
	@tools/check_layers.py --self-test
	@tools/check_layers.py

lint: ## banned functions, cleanups, headers, complexity, cppcheck, clang-tidy
	@tools/install_deps.sh build test check
	@tools/configure.sh --if-missing $(BUILD)/release
	@tools/lint.sh

docs-check: build ## links and tables in the documents agree with the code
	@tools/check_docs.py --self-test
	@tools/check_docs.py

web-check: ## types and unit tests of the page
	@tools/install_deps.sh build
	@tools/build_page.sh
	@cd web && npm run --silent check && npm run --silent test

werror: ## build everything with warnings as errors
	@tools/install_deps.sh build test
	@tools/configure.sh $(BUILD)/werror -Dwerror=true -Dtests=enabled
	@$(NINJA) $(BUILD)/werror --quiet all
	@echo "werror: builds without a warning"

hooks: ## install the pre-commit hook (format, layers, banned functions)
	@hooks=$$(git rev-parse --git-path hooks) && mkdir -p "$$hooks" && \
	  install -m 0755 tools/pre-commit "$$hooks/pre-commit" && echo "installed $$hooks/pre-commit"
