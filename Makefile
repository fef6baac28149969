# `make` alone lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=

.PHONY: help setup run test check format lock connector docs fuzz drill bench benchsync bench-sweep bench-scoring clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

setup: ## virtual environment in .venv with everything the lock file names (quick when up to date)
	@cli/dev/setup.sh

run: setup ## PostgreSQL, Temporal, worker, API and the demo on this machine; Ctrl-C stops all of it
	@$(BIN)/playkeeper dev

# --tb=native: pytest's own form parses the test's source, and when a finalizer that parses runs in between (an abandoned play), Python
# before 3.13 ends in a SystemError that takes the whole run with it.
test: setup check ## the checks and all tests
	@$(BIN)/pytest -n $${PYTEST_WORKERS:-2} --tb=native $(PYTEST_ARGS)

check: setup ## format, lint, types, import directions, house rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/pytest -q tests/house

format: setup ## let the formatter and the linter mend what they can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: setup ## resolve the dependencies of pyproject.toml anew into the two lock files
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header -c requirements.lock --extra local --extra dev pyproject.toml -o requirements-dev.lock

connector: setup ## begin a new connector: make connector NAME=zendesk
	@$(BIN)/python -m cli.dev.new_connector $(NAME)
	@$(BIN)/ruff check -q --fix . && $(BIN)/ruff format -q .

docs: setup ## write the pages of docs/ that are made from the code
	@$(BIN)/python -m cli.reference
	@$(BIN)/python -m cli.dev.reference
	@$(BIN)/python -m api.reference

fuzz: setup ## 100,000 broken playbooks against the compiler
	@$(BIN)/python -m tests.fuzz

drill: setup ## kill workers, Temporal and PostgreSQL under load and count what was lost or repeated
	@$(BIN)/python -m tests.drill

benchsync: setup ## a sync of 100,000 accounts whose worker is killed twice: time, memory, and what was lost or repeated
	@$(BIN)/python -m bench.sync

bench-sweep: setup ## sweeps of 100,000 and 1,000,000 accounts against the bare query and the bare starts
	@$(BIN)/python -m bench.sweep

bench-scoring: setup ## the gates of scoring beside what was measured; DATA=file LABEL=churn judges another table
	@$(BIN)/python -m bench.scoring $(if $(DATA),--data $(DATA)) $(if $(LABEL),--label $(LABEL))

bench: setup ## ratios against a hand-written workflow, and the virtual clock
	@$(BIN)/python -m bench

clean: ## remove the virtual environment and the caches; your data in .playkeeper stays
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
