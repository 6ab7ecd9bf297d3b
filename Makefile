# Two commands matter: `make demo` and `make test`. Both build what they need first.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
JOBS ?= 2
BIN := .venv/bin
BUILT := .venv/.built-from-the-lock
SPARK := .venv/.spark-from-its-lock
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar off

# Compiled modules are kept, whatever the machine's habit: without them each process spends three seconds on starting.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench docs lock clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(BUILT) ## Build .venv from the lock (the others do it by themselves)

# A second call does nothing until the lock or the project's metadata change. uv (itself from the lock) installs in a
# quarter of pip's time; where it cannot reach the packages because only pip is told where they are, pip does it.
$(BUILT): requirements.lock pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	"$(PYTHON)" -m venv .venv
	@awk '/^uv==/ {in_uv = 1} in_uv {print} in_uv && !/\\$$/ {exit}' requirements.lock > .venv/uv.lock
	$(PIP) --require-hashes --no-deps -r .venv/uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements.lock \
		|| $(PIP) --require-hashes --no-deps --no-compile -r requirements.lock
	$(PIP) --no-build-isolation --no-deps -e .
	@touch $@

# PySpark is 430 MB, so only those get it who use it: `demo` and `setup` do without. Where there is no Java it could not run.
$(SPARK): requirements-spark.lock $(BUILT)
	@if [ -z "$$JAVA_HOME" ] && ! command -v java >/dev/null; then \
		echo "No Java here: what needs Spark is left out (Debian: apt install default-jre-headless)."; \
	else \
		echo "Installing PySpark (once; 430 MB)"; \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements-spark.lock \
			|| $(PIP) --require-hashes --no-deps --no-compile -r requirements-spark.lock && touch $@; \
	fi

demo: $(BUILT) ## A simulated company's year, then the server with it
	$(BIN)/leadpact demo

test: $(BUILT) $(SPARK) ## Every test (with a browser where Chromium is installed, with Spark where Java is)
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

lint: $(BUILT) ## Style, types, import contracts, templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/djlint --quiet --lint leadpact
	$(BIN)/basedpyright

format: $(BUILT) ## Put the code into its one format
	$(BIN)/ruff check --select I --fix .
	$(BIN)/ruff format .

bench: $(BUILT) $(SPARK) ## Speeds, each beside its limit or its rival
	$(BIN)/python -m bench

docs: $(BUILT) ## The documentation as a site, in site-docs/
	$(BIN)/mkdocs build --strict --site-dir site-docs

# The lock names versions and hashes, never an index: whoever installs it says where packages come from.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

lock: $(BUILT) ## Make both locks anew from requirements.in, requirements-dev.in and requirements-spark.in
	$(LOCK) requirements.in requirements-dev.in --output-file requirements.lock
	$(LOCK) --constraint requirements.lock requirements-spark.in --output-file requirements-spark.lock

clean: ## Remove what was built here (no data directories)
	rm -rf .venv .pytest_cache .ruff_cache .import_linter_cache site-docs leadpact.egg-info
