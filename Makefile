# Everything that is done to this tree by hand or by CI. `make help` says what there is.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-print-directory --no-builtin-rules

PYTHON ?= $(shell command -v python3.11 || command -v python3)

BUF_VERSION         := v1.75.0
GEN_GO_VERSION      := v1.36.12
GEN_GO_GRPC_VERSION := v1.6.2
GEN_CONNECT_VERSION := v1.21.1
GOLANGCI_VERSION    := v2.15.0
VERSITYGW_VERSION   := v1.8.0
CONFLUENT_PYTHON    := 2.16.1

tools     := $(CURDIR)/.tools
generated := '*.pb.go' '*.connect.go' '*_pb2.py' '*_pb2.pyi'
version   := $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' sdk-python/src/pyudf/__init__.py)
# Which pyudf it is, for the linker: the version of the package, and the commit, with a + if files have changed since.
identity   = -X main.version=$(version) -X main.commit=$(shell git describe --always --abbrev=12 --dirty=+ --exclude='*' 2>/dev/null)
go-code   := ./cmd/... ./engine/... ./udfworker/...

##@ The two to begin with

.PHONY: demo
demo: ## The main job on real weather and the embedded broker: Go, Python 3.11 and gcc are all it needs
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "pyudf needs Python 3.11 or newer: install it, or name it as in make demo PYTHON=/path/to/python3.11"; exit 1; }
	@$(MAKE) -s -j2 build .venv/.runtime
	@examples/weather/demo.sh

.PHONY: test
test: ## All that CI runs, in its order; also needs Java 17 and Maven, for the real Kafka
	@.ci/part setup $(MAKE) setup
	@.ci/part generate $(MAKE) generate && .ci/part check-clean $(MAKE) check-clean
	@.ci/part lint $(MAKE) lint
	@.ci/part test-go $(MAKE) test-go
	@.ci/part test-python $(MAKE) test-python
	@.ci/part integration $(MAKE) integration

##@ Building

.PHONY: help
help: ## This text
	@awk -F':.*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## bin/pyudf, the command and the engine in one program (TAGS=clouds: with Google's and Azure's object stores)
	@test -e bin/pyudf || echo "Building bin/pyudf; the first time takes a minute or two."
	@go build -tags "$(TAGS)" -ldflags "$(identity)" -o bin/pyudf ./cmd/pyudf

# Same commit, same bytes: no paths of this machine, and the time of the commit on every file.
.PHONY: wheel
wheel: .venv/.dev ## dist/pyudf-*.whl, the package with the command in it, for pip install (TAGS=clouds as for build)
	@go build -trimpath -tags "$(TAGS)" -ldflags "-s -w $(identity)" -o build/wheel/pyudf ./cmd/pyudf
	@cd sdk-python && SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) PYUDF_WHEEL_PROGRAM=$(CURDIR)/build/wheel/pyudf \
		../.venv/bin/python -m hatchling build -t wheel -d $(CURDIR)/dist >/dev/null
	@du -h dist/*.whl

.PHONY: venv
venv: .venv/.dev ## .venv with the SDK as it stands in this tree and all that its tests need

.venv/bin/python:
	@$(PYTHON) -m venv .venv

.venv/.runtime: sdk-python/pyproject.toml | .venv/bin/python
	@.venv/bin/pip install -q -e sdk-python
	@touch $@

.venv/.dev: sdk-python/pyproject.toml | .venv/bin/python
	@.venv/bin/pip install -q -e 'sdk-python[dev]'
	@touch $@ .venv/.runtime

.venv/.bench-$(CONFLUENT_PYTHON): .venv/.runtime
	@.venv/bin/pip install -q -e 'sdk-python[pandas,pyarrow]' confluent-kafka==$(CONFLUENT_PYTHON)
	@touch $@

.PHONY: kafka
kafka: .kafka/.fetched ## .kafka/jars: a real Kafka broker for the integration tests and the benchmark

.kafka/.fetched: integration/kafkatest/pom.xml
	@command -v mvn java >/dev/null || { echo "A real Kafka needs Java 17 and Maven; on Debian: apt-get install openjdk-17-jdk-headless maven"; exit 1; }
	@rm -rf .kafka/jars
	@mvn -q -B -f $< dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/.kafka/jars
	@touch $@

.PHONY: tools
tools: $(tools)/.buf-$(BUF_VERSION) $(tools)/.gen-go-$(GEN_GO_VERSION) $(tools)/.gen-go-grpc-$(GEN_GO_GRPC_VERSION) $(tools)/.gen-connect-$(GEN_CONNECT_VERSION) $(tools)/.golangci-$(GOLANGCI_VERSION) ## .tools: the generators and the linter, each in its own version

install-tool = mkdir -p $(tools) && GOBIN=$(tools) go install $(1) && touch $@

$(tools)/.buf-$(BUF_VERSION):
	@$(call install-tool,github.com/bufbuild/buf/cmd/buf@$(BUF_VERSION))

$(tools)/.gen-go-$(GEN_GO_VERSION):
	@$(call install-tool,google.golang.org/protobuf/cmd/protoc-gen-go@$(GEN_GO_VERSION))

$(tools)/.gen-go-grpc-$(GEN_GO_GRPC_VERSION):
	@$(call install-tool,google.golang.org/grpc/cmd/protoc-gen-go-grpc@$(GEN_GO_GRPC_VERSION))

$(tools)/.gen-connect-$(GEN_CONNECT_VERSION):
	@$(call install-tool,connectrpc.com/connect/cmd/protoc-gen-connect-go@$(GEN_CONNECT_VERSION))

$(tools)/.golangci-$(GOLANGCI_VERSION):
	@$(call install-tool,github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION))

.PHONY: object-store
object-store: $(tools)/.versitygw-$(VERSITYGW_VERSION) ## .tools/versitygw: a server with S3's API for the tests of snapshots

$(tools)/.versitygw-$(VERSITYGW_VERSION):
	@$(call install-tool,github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW_VERSION))

.PHONY: docs
docs: venv ## build/site, the documentation as a site; a broken link or reference fails
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build -q --strict

##@ The parts of the test

# A program with the race detector would sleep for a second at its end, and the tests start hundreds.
export GORACE := atexit_sleep_ms=0

.PHONY: setup
setup: tools venv kafka object-store ## Everything that the parts need

.PHONY: generate
generate: tools venv ## Go and Python from proto/
	@PATH=$(tools):$$PATH buf generate --exclude-path proto/pyudf/control
	@PATH=$(tools):$$PATH buf generate --template buf.gen.control.yaml --path proto/pyudf/control
	@.venv/bin/python -m grpc_tools.protoc -I proto --python_out=sdk-python/src --pyi_out=sdk-python/src $$(find proto -name '*.proto' -not -path '*/control/*' | sort)

.PHONY: check-clean
check-clean: ## Fails if generated code is not as committed or staged; with CI=true if anything is not
	@.ci/check-clean $(generated)

.PHONY: lint
lint: tools venv ## Go, protobuf, Python and the documentation: style, types, links and who imports whom
	@$(tools)/golangci-lint run ./...
	@go build -tags clouds ./engine/snapshot
	@$(tools)/buf lint
	@.venv/bin/ruff check -q . && .venv/bin/ruff format -q --check .
	@cd sdk-python && ../.venv/bin/mypy && ../.venv/bin/lint-imports
	@$(MAKE) docs
	@for dir in $(sort $(dir $(wildcard examples/*/*.py))) integration/bench/apps integration/testdata; do (cd $$dir && $(CURDIR)/.venv/bin/mypy --config-file $(CURDIR)/mypy.ini .); done

.PHONY: test-go
test-go: venv object-store kafka ## Go's unit tests, with the race detector, in random order
	@go test -race -shuffle=on -timeout 20m $(go-code)

.PHONY: test-python
test-python: venv build ## The SDK's tests, the examples in its documentation, and those of examples/
	@cd sdk-python && PYUDF_BIN=$(CURDIR)/bin/pyudf ../.venv/bin/pytest -q

.PHONY: integration
integration: venv kafka ## The promises, each on the embedded broker and on a real Kafka
	@go test -race -shuffle=on -count=1 -timeout 60m ./integration/...

.PHONY: crash
crash: venv kafka ## Crashes at every point of a commit and at random moments, of nodes and brokers (KILLS=100 SEED=7)
	@go test -race -count=1 -timeout 60m -v ./integration -run 'Crash|E4|E5|ANode|SameNode|NodesThat|MidstOf' -kills $(or $(KILLS),100) -seed $(or $(SEED),0)

.PHONY: soak
soak: venv kafka ## Load for MINUTES=15 with a crash every 30 s: counts must be exact and memory flat
	@go test -count=1 -timeout $$(($(or $(MINUTES),15) + 15))m -v ./integration -run Soak -soak $(or $(MINUTES),15)m -seed $(or $(SEED),0)

##@ Measuring

# Without Maven's repositories the benchmark runs, and says that Kafka Streams is not here.
.kafka/.streams: integration/bench/kstreams/pom.xml
	@rm -rf .kafka/streams
	@mvn -q -B -f $< dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/.kafka/streams && touch $@ || rm -rf .kafka/streams

.PHONY: bench
bench: build kafka .kafka/.streams .venv/.bench-$(CONFLUENT_PYTHON) ## Ours beside bare loops (RUNS=3 RECORDS=1000000 PART=map, latency, win, rekey, session, agg, state, eos, recovery or replay; RECOVERY_KEYS=10000000)
	@go build -o bin/bench ./integration/bench && go build -o bin/passthrough ./integration/bench/passthrough
	@bin/bench -runs $(or $(RUNS),3) -records $(or $(RECORDS),1000000) -recovery-keys $(or $(RECOVERY_KEYS),10000000) -part "$(PART)"

##@ Cleaning

.PHONY: clean
clean: ## Removes what was built and fetched
	@rm -rf bin build dist .demo .kafka .tools .venv
