# Everything a newcomer needs: `make demo`, `make test`. Each sets itself up in .venv, from the versions pinned in constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := demo-workspace

.PHONY: help setup demo test lint types format bench lock clean
.DELETE_ON_ERROR:

help:  ## This list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP)  ## An isolated environment with everything pinned

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "error: no $(PYTHON): install Python 3.11 or newer, or name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $$($(PYTHON) --version) is too old: DOLLMA needs 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "error: $(PYTHON) has no venv or pip: on Debian, apt-get install python3-venv python3-pip" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(STAMP)  ## Build the demo corpus and say what happened and where it is
	$(BIN)/dollma build pipelines/demo/recipe.yaml --workspace $(DEMO)
	@echo
	$(BIN)/dollma versions --workspace $(DEMO)

test: $(STAMP)  ## Lint, types and every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto

lint: $(STAMP)  ## Lint alone
	$(BIN)/ruff check .

types: $(STAMP)  ## Type checker alone
	$(BIN)/mypy

format: $(STAMP)  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## Throughput beside datatrove's own blocks (makes .venv-bench; see benchmarks/speed)
	$(BIN)/python -m benchmarks.speed.build

lock: $(STAMP)  ## Write constraints.txt anew, from the newest versions that pyproject.toml allows
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check '.[dev]'
	.venv-lock/bin/python -m pip freeze --exclude dollma > constraints.txt
	rm -rf .venv-lock

clean:  ## Remove the environment and the demo's workspace
	rm -rf $(VENV) .venv-bench $(DEMO)
