# Every target sets up what it needs; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Tests start battlectl a thousand times: where nothing is kept, each of them compiles the whole package anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup run test test-fast torture lint types schema lock bench golden truth detect soundness demo-envoy clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "battlectl needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,lint]'
	touch $@

setup: $(READY) ## make .venv with everything battlectl and its tests import

run: setup ## run the main scenario on the embedded lab; the report is in results/latest
	$(BIN)/battlectl run scenarios/provider-failover.yml

test: setup ## all tests; real parts that are missing are skipped by name (in CI: a failure)
	$(BIN)/pytest -m quiet
	$(BIN)/pytest -m 'not quiet' -n 5 --dist loadfile --no-loadscope-reorder --durations=25

test-fast: setup ## only the tests in virtual time
	$(BIN)/pytest -m 'not real' -n 2 --dist loadfile

torture: setup ## end battlectl at random moments of chaotic runs, and call a lab's API at random; ARGS="--kills 10 --seed 2", see ARGS=--help
	.ci/install-real
	$(BIN)/python -m tests.torture $(ARGS)
	BATTLECTL_STATEFUL_SECONDS=60 $(BIN)/pytest -q tests/lab/toxiproxy/test_state_machine.py

lint: setup ## ruff: lint and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy --strict
	$(BIN)/mypy

golden: setup ## rewrite tests/golden from what the renderers print now; review it as a diff
	$(BIN)/pytest -q tests/test_golden.py tests/report/test_streams.py tests/lab/gateway/test_defects_table.py --rewrite-golden

schema: setup ## rewrite config/*.schema.json from the models
	$(BIN)/battlectl schema scenario > config/scenario.schema.json
	$(BIN)/battlectl schema target > config/target.schema.json

lock: ## write constraints.txt anew from the newest versions that pyproject.toml allows
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet --disable-pip-version-check '.[test,lint]'
	$(VENV)-lock/bin/pip freeze --exclude battlectl > constraints.txt
	rm -rf $(VENV)-lock

bench: setup ## processor time per request and per notification, beside other clients
	.ci/install-real --bench
	$(BIN)/python tests/bench/run.py
	$(BIN)/python tests/bench/ws_run.py

truth: setup ## 20 seeds of random chaos on the lab, every figure against the gateway's own record: about 20 minutes
	BATTLECTL_TRUTH_SEEDS="$$(seq -s ' ' 0 19)" $(BIN)/pytest -q -s tests/real/test_truth.py

detect: setup ## plant every defect and see whether it is named; ARGS="--only NAME", see ARGS=--help
	$(BIN)/python -m tests.matrix detect $(ARGS)

soundness: setup ## the sound gateway under every scenario, ten seeds: nothing may accuse it
	$(BIN)/python -m tests.matrix soundness $(ARGS)

demo-envoy: setup ## kill a real node behind Envoy while battlectl watches; ARGS=--no-retries takes its retries away
	$(BIN)/python -m tests.real.demo $(ARGS)

clean: ## remove what the other targets made, results included
	rm -rf $(VENV) .real results/* .mypy_cache .ruff_cache .pytest_cache .hypothesis
