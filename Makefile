# The front door. `make run` and `make test` need git, make, python3 (3.11 or newer) and python3-venv; nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 8000

TEMPLATES := find src -path '*/templates/*' -name '*.html'
DJADE     := $(BIN)/djade --target-version 5.2

.PHONY: help run setup test check check-types check-suite fix bench bench-intelmq bench-large bench-notices bench-pages i18n docs pictures lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: setup  ## set up, load the demo country and serve it
	@$(BIN)/tocsin demo --port $(PORT)

setup: $(VENV)/.product  ## the product only: leaves .venv/bin/tocsin

$(VENV)/.product: requirements.lock pyproject.toml
	@PYTHON="$(PYTHON)" tools/set-up-venv $(VENV) requirements.lock
	@touch $@

$(VENV)/.tools: requirements-dev.lock $(VENV)/.product
	@PYTHON="$(PYTHON)" tools/set-up-venv $(VENV) requirements-dev.lock
	@touch $@

test: $(VENV)/.tools  ## set up all that tests need and run every test, on SQLite and on PostgreSQL
	@tools/install-test-system
	@tools/run-tests

check: $(VENV)/.tools  ## format, lint, types, layers, templates, translations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(TEMPLATES) -exec $(DJADE) --check {} +
	@$(MAKE) --no-print-directory --output-sync --jobs 2 check-types check-suite

check-types:
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

check-suite:
	@$(BIN)/python -m pytest -q -p no:cacheprovider -n 2 --dist worksteal tests/architecture tests/language tests/docs

fix: $(VENV)/.tools  ## let the tools put right what they can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(TEMPLATES) -exec $(DJADE) {} + || $(TEMPLATES) -exec $(DJADE) --check {} +

bench: $(VENV)/.tools  ## measure against the targets: a table, and bench/results/run.json
	@$(BIN)/python -m bench run

bench-large: $(VENV)/.tools  ## the same at 10 million rows, and dashboards over 100 million observations
	@$(BIN)/python -m bench large

bench-notices: $(VENV)/.tools  ## the plan of all notices about 100,000 findings, on SQLite and on PostgreSQL
	@tools/install-test-system
	@$(BIN)/python -m bench notices

bench-pages: $(VENV)/.tools  ## the web pages with a million findings stored, on SQLite and on PostgreSQL
	@tools/install-test-system
	@$(BIN)/python -m bench pages

bench-intelmq: $(VENV)/.tools  ## install IntelMQ and Redis and measure both on the same files (TOCSIN_TEST_SCHEMA=DIR)
	@tools/install-test-system --bench
	@$(BIN)/python -m bench intelmq

i18n: $(VENV)/.tools  ## bring new texts into the catalogues and compile them; names what is not translated
	@$(BIN)/python tools/catalogues.py

docs: $(VENV)/.tools  ## check that every setting, command and link in the documents holds
	@$(BIN)/python -m pytest -q tests/docs

pictures: $(VENV)/.tools  ## pictures of every page into pictures/; of an instance that runs: ADDRESS=… SIGN_IN=LINK
	@tools/install-test-system --pictures
	@$(BIN)/python -m tools.pictures pictures --address "$(ADDRESS)" --sign-in "$(SIGN_IN)"

lock: $(VENV)/.tools  ## renew the locked dependencies
	@tools/lock-requirements $(BIN)

clean:  ## remove what the targets made, but never var/
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
