# Skep's doors. `make run` and `make test` need git, make and Python 3.11 or newer; everything else is set up here.
SHELL := /bin/sh
.DEFAULT_GOAL := help
# Skep's own tests must not depend on what the caller's shell says about Python
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.run-stamp
DEV_STAMP := $(VENV)/.dev-stamp
NPM_STAMP := tests/npm/node_modules/.stamp
WORKERS ?= 2
PYTEST_ARGS ?=

.PHONY: help run test lint format typecheck imports check unit bench dev self docs lock clean FORCE

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

run: $(RUN_STAMP) ## set up, then the main job: run the workflows of examples/shop
	cd examples/shop && "$(CURDIR)/$(BIN)/skep" run --event workflow_dispatch

test: system $(DEV_STAMP) $(NPM_STAMP) ## set up, then all tests
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q $(PYTEST_ARGS)

check: lint typecheck unit ## format, lint, imports, types and unit tests: before every commit

unit: $(DEV_STAMP)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q tests/unit tests/architecture $(PYTEST_ARGS)

lint: $(DEV_STAMP) ## format check, ruff, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@$(MAKE) --no-print-directory imports

imports: $(DEV_STAMP)
	$(BIN)/lint-imports

format: $(DEV_STAMP) ## write the format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

typecheck: $(DEV_STAMP) ## mypy --strict over src, tests and bench
	$(BIN)/mypy

bench: $(DEV_STAMP) ## measure; prints `name value unit` (BENCH="engine journal" picks some)
	$(BIN)/python -m bench $(BENCH)

dev: system $(DEV_STAMP) $(NPM_STAMP) ## set up everything for work on Skep

self: $(RUN_STAMP) ## Skep runs its own .github/workflows/ci.yml
	$(BIN)/skep run --workflow ci.yml --event workflow_dispatch

docs: $(DEV_STAMP) ## write the reference pages from the code, then check links, decisions, named commands
	$(BIN)/python -m skep.cli.docs
	@$(BIN)/python -m pytest -q -p no:randomly tests/architecture/test_documents.py

lock: ## renew the locked requirements (needs uv; UPGRADE=--upgrade takes newer versions)
	uv pip compile $(LOCK) pyproject.toml --group build -o requirements.txt
	uv pip compile $(LOCK) pyproject.toml --group build --extra dev -c requirements.txt -o requirements-dev.txt
LOCK := $(UPGRADE) --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --universal \
	--python-version 3.11 --no-header

clean: ## remove what `make` has made
	rm -rf $(VENV) tests/npm/node_modules build src/skep.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.PHONY: system
system:
	@scripts/install-debian

$(RUN_STAMP): requirements.txt pyproject.toml scripts/make-venv
	@scripts/make-venv requirements.txt
	@touch $@

$(DEV_STAMP): requirements-dev.txt pyproject.toml scripts/make-venv
	@scripts/make-venv requirements-dev.txt
	@touch $@ $(RUN_STAMP)

$(NPM_STAMP): tests/npm/package-lock.json scripts/install-npm
	@scripts/install-npm tests/npm
	@if [ -d tests/npm/node_modules ]; then touch $@; fi
