# Plumbline. On a machine with Python 3.11 and make: `make run`.
# Other interpreter: make PYTHON=/path/to/python3.11 ...
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder --max-worker-restart 0 --durations=25
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

.DEFAULT_GOAL := help
.PHONY: help setup run ui status test test-nightly test-spark bench clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.base ## install into .venv, nothing else

run: $(VENV)/.base ## run the main job; makes and uses the sandbox exchange
	@$(BIN)/plumbline run $(ARGS)

ui: $(VENV)/.base ## open Dagster on the same instance
	@$(BIN)/plumbline ui $(ARGS)

status: $(VENV)/.base ## print the last run's accounting again
	@$(BIN)/plumbline status $(ARGS)

test: $(VENV)/.dev $(VENV)/.duckdb1 ## run the tests
	$(PYTEST) -m "not nightly and not spark" $(ARGS)

test-nightly: $(VENV)/.dev $(VENV)/.duckdb1 ## run the tests that take many runs of the main job, or a long one
	$(PYTEST) -m nightly $(ARGS)

test-spark: $(VENV)/.spark ## run the tests that build on Spark as well (needs Java 17)
	$(BIN)/pytest -m spark $(ARGS)

bench: $(VENV)/.dev ## run the benchmarks
	$(BIN)/python -m benchmarks $(ARGS)

clean: ## remove the data directory (PLUMBLINE_HOME, default .plumbline); keeps .venv
	rm -rf "$${PLUMBLINE_HOME:-.plumbline}"

# The DuckDB of today's BI tools, beside ours: a test reads the published marts with it.
$(VENV)/.duckdb1: requirements/duckdb1.lock | $(VENV)/bin/python
	@$(BIN)/python -m venv $(VENV)/duckdb1
	@$(VENV)/duckdb1/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

# A stamp per lock file: installed once, and again when the lock or pyproject.toml changes.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Plumbline needs Python 3.11; say where it is: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base $(VENV)/.dev $(VENV)/.spark: $(VENV)/.%: requirements/%.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing $< into $(VENV) ..."
	@$(INSTALL) --require-hashes -r $<
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@
