# Every target needs only git, make and any Node ≥ 20 with npm; Node 26 comes as a dependency (`make setup`).
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := node_modules/.bin
# Programs run under the checkout's own Node, never the system's.
NODE := $(BIN)/node
SEED ?= 1
SEEDS ?= 1
IMAGE ?= docker.io/local/tidemark:$(shell sed -n 's/^  "version": "\(.*\)",/\1/p' package.json)
OUT ?= .cache/tidemark-image.tar

.PHONY: help
help: ## This list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install Node 26 and the dependencies, and the tidemark command for npx
	@node .ci/setup.mjs

.PHONY: test
test: setup ## All tests (T=path or name: only those)
	@$(NODE) --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js $(T)

.PHONY: check
check: setup ## Format, lint, types and the repository's own rules
	@$(BIN)/biome check . && echo "format: clean"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/oxlint --type-aware --deny-warnings && echo "lint: clean"
	@$(BIN)/tsc -p . && echo "types: clean"
	@$(MAKE) --no-print-directory test T=test/tidy

.PHONY: format
format: setup ## Write every file as the formatter wants it
	@$(BIN)/biome check --write .

.PHONY: demo
demo: setup ## The main job on real data: three brokers, a killed leader, nothing lost (INPUT=file for your own)
	@$(NODE) examples/demo/main.ts $(if $(INPUT),--input "$(INPUT)")

.PHONY: e2e
e2e: setup ## Kill, freeze and restart real processes while clients write; then count what is there
	@$(NODE) --disable-warning=TimeoutNegativeWarning test/e2e/failover.ts

.PHONY: e2e-kubernetes
e2e-kubernetes: setup ## On a real Kubernetes of three nodes: install, kill, lose, roll, scale (S="2 6": only these)
	@$(NODE) --disable-warning=TimeoutNegativeWarning test/e2e/kubernetes/main.ts $(S)

.PHONY: kube-up
kube-up: setup ## A real Kubernetes of three nodes on this machine (root, Debian): eval "$$(make -s kube-up)"
	@$(NODE) test/e2e/kubernetes/cluster/main.ts up

.PHONY: kube-down
kube-down: setup ## Take that Kubernetes away, and all that a killed run of it left
	@$(NODE) test/e2e/kubernetes/cluster/main.ts down

.PHONY: sim
sim: setup ## Simulate SEEDS seeds from SEED on
	@$(NODE) test/simulation/main.ts --seed $(SEED) --seeds $(SEEDS)

.PHONY: sim-smoke
sim-smoke: setup ## Simulate twenty seeds
	@$(NODE) test/simulation/main.ts --seed 1 --seeds 20

.PHONY: sim-ci
sim-ci: setup ## Simulate what CI simulates: 2,000 seeds, and enough must have happened in them
	@$(NODE) test/simulation/ci.ts

.PHONY: sim-plants
sim-plants: setup ## Show that the simulation can fail: every planted bug must break an invariant
	@$(NODE) test/simulation/plants.ts

.PHONY: crds
crds: setup ## Write crds/ and docs/resources.md out of the schemas in operator/resources/
	@$(NODE) test/crds/write.ts

.PHONY: test-crds
test-crds: setup ## Ask a real API server whether it takes what it must and refuses what it must
	@$(NODE) test/crds/main.ts

.PHONY: protocol
protocol: setup ## Compare our declarations of the protocol with Kafka's own, field by field (needs Maven)
	@$(NODE) test/protocol/compare-with-kafka.ts

.PHONY: bench
bench: setup ## Tidemark against Apache Kafka, one table; writes docs/benchmarks.md (ARGS=--quick while developing)
	@$(NODE) bench/main.ts $(ARGS)

.PHONY: conformance
conformance: setup ## Clients of others, feature by feature; writes docs/compatibility.md (ARGS="--clients kafkajs" to choose)
	@$(NODE) --disable-warning=TimeoutNegativeWarning test/conformance/main.ts $(ARGS)

.PHONY: conformance-ci
conformance-ci: setup ## The part of conformance that CI runs: two minutes, every cell of it must work
	@$(NODE) --disable-warning=TimeoutNegativeWarning test/conformance/main.ts --ci

.PHONY: dump-check
dump-check: setup ## Apache Kafka's DumpLogSegments over files that our brokers wrote (needs Java and Maven)
	@$(NODE) test/dump-log-segments.ts

.PHONY: image
image: setup ## The image as a tar, without Docker (IMAGE=name:tag, OUT=file)
	@mkdir -p $(dir $(OUT)) && $(NODE) charts/image/build.ts $(OUT) $(IMAGE)

.PHONY: chart
chart: setup ## Write what the chart takes from elsewhere: CRDs, README, dashboards
	@$(NODE) charts/generate/main.ts

.PHONY: chart-lint
chart-lint: setup ## Render the chart with several sets of values and check what it promises (needs helm, or Go to build it)
	@$(NODE) charts/lint.ts

.PHONY: rules-check
rules-check: setup ## Every alert fires by its fault and clears without it, in Prometheus' own evaluation (needs promtool)
	@$(NODE) charts/rules/main.ts

.PHONY: panels-check
panels-check: setup ## Every panel about brokers, asked of a real Prometheus that scrapes a cluster (needs Prometheus)
	@$(NODE) charts/dashboards/main.ts

.PHONY: hooks
hooks: ## Run `make check` before every commit of this checkout
	@git config core.hooksPath .githooks

.PHONY: clean
clean: ## Remove what make made: dependencies, caches, data of `tidemark up`
	rm -rf node_modules .cache coverage tidemark-data

.PHONY: ci
ci: ## All that has to be green before a change lands
	@.ci/run
