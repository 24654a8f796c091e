# `make` explains itself. The targets build what they need; everything that is built goes into bin/.

SHELL := /bin/sh
.DEFAULT_GOAL := help
# A half-written binary must not count as up to date.
.DELETE_ON_ERROR:

GO ?= go
# More flags for go test, as in: make test TESTFLAGS='-run Refresh -v'
TESTFLAGS ?=
# The package that takes longest comes first, so that the others are tested beside it and not before it.
PACKAGES ?= ./internal/e2e ./...

# The Temporal CLI: the one TEMPORAL_CLI names, else the one on PATH, else the pinned one, built into bin/. The Go code
# finds it by the same variable.
ifeq ($(TEMPORAL_CLI),)
TEMPORAL_CLI := $(shell command -v temporal 2>/dev/null)
endif
ifeq ($(TEMPORAL_CLI),)
TEMPORAL_CLI := $(CURDIR)/bin/temporal
temporal := bin/temporal
endif
export TEMPORAL_CLI

# INTERACTIVE=0 means no, like leaving it out.
interactive := $(if $(filter-out 0 no false,$(INTERACTIVE)),--interactive)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  Variables: INTERACTIVE=1, DEMO_JSON=file, DEMO_ARGS, RUN_ARGS, SANDBOX_ARGS, TESTFLAGS, PACKAGES, MESSAGES, ACCOUNTS, WAITERS, BENCHCOUNT, TEMPORAL_CLI"

# Recipes that run something to the end of the user's patience exec it, so that Ctrl-C and the exit code are its own.
.PHONY: demo
demo: build $(temporal) ## Slack bug reports become GitHub issues while everything breaks; INTERACTIVE=1 lets you reauthorize
	@exec bin/tokenkeeper demo $(interactive) $(DEMO_ARGS)

.PHONY: run
run: build $(temporal) ## Temporal dev server and worker for real Slack and GitHub, from tokenkeeper.yaml
	@exec bin/tokenkeeper run $(RUN_ARGS)

.PHONY: sandbox
sandbox: build ## Simulated Slack, GitHub and authorization server to play with
	@exec bin/tokenkeeper sandbox $(SANDBOX_ARGS)

.PHONY: build
build: ## Build bin/tokenkeeper and bin/tokenkeeper-worker
	$(GO) build -o bin/tokenkeeper ./starter
	$(GO) build -o bin/tokenkeeper-worker ./worker

# Vet is part of lint and need not run twice. -race needs a C compiler.
.PHONY: test
test: $(temporal) ## Run all tests with the race detector, those against a real Temporal server included
	CGO_ENABLED=1 $(GO) test -race -vet=off -timeout 30m $(TESTFLAGS) $(PACKAGES)

MESSAGES ?= 10000
.PHONY: proof
proof: $(temporal) ## Ten thousand messages while everything breaks: each report one issue, in order, none missing; or MESSAGES=n
	CGO_ENABLED=1 $(GO) test -vet=off -count 1 -timeout 3h -v -run '^TestEveryReportOnce$$' ./internal/e2e -messages $(MESSAGES)

ACCOUNTS ?= 1000
.PHONY: storm
storm: $(temporal) ## A thousand accounts whose tokens die at once: each is refreshed once; or ACCOUNTS=n
	CGO_ENABLED=1 $(GO) test -vet=off -count 1 -timeout 1h -v -run '^TestAsManyRefreshesAsAccounts$$' ./internal/e2e -accounts $(ACCOUNTS)

WAITERS ?= 10000
.PHONY: waiters
waiters: $(temporal) ## Ten thousand Workflows wait for one account and go on: none missed, none told twice; or WAITERS=n
	CGO_ENABLED=1 $(GO) test -vet=off -count 1 -timeout 3h -v -run '^TestAllThatWaitGoOnOnceEach$$' ./internal/e2e -waiters $(WAITERS)

# What is compared is measured in one run, so a busy machine slows both sides. Three rounds of a minute each against the
# server are enough for a median; BENCHCOUNT is how often everything else is repeated.
BENCHCOUNT ?= 6
.PHONY: bench
bench: bin/benchstat $(temporal) ## Measure against x/oauth2 and a bare Temporal Workflow, in one run; takes some minutes
	@echo "Raw figures go to bin/bench.txt."
	$(GO) test -run '^$$' -bench . -count $(BENCHCOUNT) -cpu 1,2 -timeout 30m ./connector >bin/bench.txt
	$(GO) test -run '^$$' -bench . -count $(BENCHCOUNT) -timeout 30m ./vault >>bin/bench.txt
	$(GO) test -run '^$$' -bench . -benchtime 3x -timeout 30m ./internal/e2e >>bin/bench.txt
	bin/benchstat -filter '.name:(FreshToken OR RoundTrip)' -col '/source@(x-oauth2 connector)' bin/bench.txt
	bin/benchstat -filter '-.name:(FreshToken OR RoundTrip)' bin/bench.txt

# Each input that strangers write has a fuzz test; make test runs their seeds only.
FUZZTIME ?= 30s
.PHONY: fuzz
fuzz: ## Fuzz all that strangers write, each for FUZZTIME
	@grep -ro --include='*_test.go' '^func Fuzz[A-Za-z]*' . | while IFS=: read -r file name; do \
		echo "$${name#func } in $$(dirname $$file)"; \
		$(GO) test -run '^$$' -fuzz "^$${name#func }$$" -fuzztime $(FUZZTIME) "$$(dirname $$file)" || exit 1; \
	done

.PHONY: lint
lint: lint-format lint-modules lint-vet lint-code lint-workflows lint-deploy ## Check format, modules, code, Workflow determinism, deployment files

.PHONY: lint-format
lint-format:
	@unformatted=$$(gofmt -l $$(find . -name '*.go' -not -path './bin/*')); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; fi

.PHONY: lint-modules
lint-modules:
	$(GO) mod tidy -diff

.PHONY: lint-vet
lint-vet:
	$(GO) vet ./...

.PHONY: lint-code
lint-code: bin/golangci-lint
	bin/golangci-lint config verify
	bin/golangci-lint run ./...

.PHONY: lint-workflows
lint-workflows: workflowcheck

.PHONY: workflowcheck
workflowcheck: bin/workflowcheck ## Check that Workflow code is deterministic
	bin/workflowcheck ./workflows/...

# The Compose file is checked against the specification, without an engine. A Dockerfile can be checked by BuildKit only.
.PHONY: lint-deploy
lint-deploy: bin/composecheck
	POSTGRES_PASSWORD=any VAULT_DATABASE_PASSWORD=any bin/composecheck docker-compose.yml
	@if docker buildx version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then \
		docker build --check .; \
	else \
		echo "Dockerfile not checked: that needs a Docker engine with buildx"; \
	fi

.PHONY: fmt
fmt: bin/golangci-lint ## Format all Go code
	bin/golangci-lint fmt ./...

.PHONY: tools
tools: bin/golangci-lint bin/workflowcheck bin/composecheck bin/benchstat bin/temporal ## Build the pinned tools, the Temporal CLI included

# Versions are pinned in tools/go.mod, and the Temporal CLI's in a module of its own, because its requirements and those
# of the linters exclude each other. A changed pin builds the tool again.
bin/golangci-lint: tools/go.mod tools/go.sum
	$(GO) build -C tools -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bin/workflowcheck: tools/go.mod tools/go.sum
	$(GO) build -C tools -o ../$@ go.temporal.io/sdk/contrib/tools/workflowcheck

bin/composecheck: tools/go.mod tools/go.sum tools/composecheck/main.go
	$(GO) build -C tools -o ../$@ ./composecheck

bin/benchstat: tools/go.mod tools/go.sum
	$(GO) build -C tools -o ../$@ golang.org/x/perf/cmd/benchstat

bin/temporal: tools/temporal/go.mod tools/temporal/go.sum
	@echo "Building the Temporal CLI. The first time takes some minutes."
	$(GO) build -C tools/temporal -o ../../$@ \
		-ldflags "-X github.com/temporalio/cli/temporalcli.Version=$$($(GO) list -C tools/temporal -m -f '{{slice .Version 1}}' github.com/temporalio/cli)" \
		github.com/temporalio/cli/cmd/temporal

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin
