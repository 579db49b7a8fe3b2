# The house needs Go 1.26 and nothing else. `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Building must not depend on where the checkout came from.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

# The race detector needs a C compiler; without one the tests run without it.
RACE = $(shell [ "$$(go env CGO_ENABLED)" = 1 ] && echo -race)

FUZZTIME ?= 60s
BENCH    ?= .

SCHEDULES ?= 10000

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1|/' \
		| while IFS='|' read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done

.PHONY: run
run: ## start the gateway (ARGS="--config fairlead.yaml")
	go run ./cmd/fairlead serve $(ARGS)

.PHONY: test
test: lint archtest fuzz-smoke e2e ## everything that CI runs
	@[ -n "$(RACE)" ] || echo "no C compiler: the tests run without the race detector"
	go test $(RACE) ./...

.PHONY: lint
lint: ## gofmt, go build, go vet, staticcheck, go fix
	@bad=$$(gofmt -l .); [ -z "$$bad" ] || { echo "not formatted, run gofmt -w:"; echo "$$bad"; exit 1; }
	go build ./...
	go vet ./...
	go tool -modfile=tools/go.mod staticcheck ./...
	go fix -diff ./...
	@for m in bench e2e; do [ ! -f $$m/go.mod ] || (echo "go vet in $$m" && cd $$m && go vet ./...); done

.PHONY: archtest
archtest: ## the rules of the house
	go test -count=1 ./internal/archtest

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (60s)
	scripts/fuzz "$(FUZZTIME)"

.PHONY: fuzz-smoke
fuzz-smoke: ## every fuzz target for 3 seconds, less when there are many
	scripts/fuzz 3s 75

.PHONY: schedules
schedules: ## random schedules of faults in virtual time (SCHEDULES=10000)
	go test $(RACE) -count=1 -run RandomSchedules . -schedules $(SCHEDULES)

.PHONY: loads
loads: ## real traces, overload and outages in virtual time, each in full
	go test -count=1 -timeout 30m -run '429|Urgent|Overload|Loud|Healing' -v . -loads

.PHONY: e2e
e2e: ## real clients, those of them that are installed
	@if [ -f e2e/go.mod ]; then cd e2e && go test -count=1 ./...; else echo "no e2e module here"; fi

.PHONY: agents
agents: ## Claude Code, Codex and the AI SDK through the gateway; writes docs/agents.md
	cd e2e && go test -count=1 -timeout 60m -run TestAgents -v . -agents -table ../docs/agents.md

.PHONY: bench
bench: ## what the decisions cost beside other libraries, and the gateway beside a reverse proxy
	@echo "decisions of one call, with the GOGC that serve sets; other libraries beside them:"
	GOGC=400 go test -run '^$$' -bench Decisions -benchmem -count 3 .
	cd bench && GOGC=400 go test -run '^$$' -bench . -benchmem -count 3 .
	cd bench && go run ./cpu && go run ./cpu -delay && go run ./cpu -open 5000

.PHONY: bench-all
bench-all: ## every benchmark of every package (BENCH=regexp)
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: cover
cover: ## coverage of all packages by all tests, into cover.out
	go test -coverpkg=./... -coverprofile=cover.out ./...
	go tool cover -func=cover.out | tail -n 1

.PHONY: clean
clean: ## remove what was built
	rm -rf bin cover.out fairlead
	go clean ./...
