# Everything a newcomer needs: `make demo`, `make test`. Each sets itself up in .venv, from the versions pinned in constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := demo-workspace
# What tests of OCR need besides Python: Tesseract, its models, and typefaces for the pages that they print.
DEBIAN := tesseract-ocr tesseract-ocr-aze tesseract-ocr-aze-cyrl tesseract-ocr-eng tesseract-ocr-fra tesseract-ocr-rus \
  fonts-cmu fonts-dejavu-core fonts-freefont-ttf fonts-liberation fonts-linuxlibertine fonts-oldstandard fonts-paratype djvulibre-bin chromium

# Some images forbid bytecode. Then each of the hundreds of processes that tests start would compile every library anew, which takes twice as long as what is tested.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup system demo test gate-speed lint types format bench lock clean
.DELETE_ON_ERROR:

help:  ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## An isolated environment with everything pinned

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "error: no $(PYTHON): install Python 3.11 or newer, or name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $$($(PYTHON) --version) is too old: DOLLMA needs 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "error: $(PYTHON) has no venv or pip: on Debian, apt-get install python3-venv python3-pip" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

system:  ## Tesseract, its models, typefaces and Chromium from Debian's packages, where they are missing (as root)
	@missing=$$(for package in $(DEBIAN); do dpkg -s $$package >/dev/null 2>&1 || echo $$package; done); \
	if [ -z "$$missing" ]; then exit 0; \
	elif ! command -v apt-get >/dev/null || [ "$$(id -u)" != 0 ]; then \
	  echo "warning: not installed:" $$missing "- tests of OCR and of pages in a browser are skipped; on Debian: sudo apt-get install" $$missing >&2; \
	else apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi

demo: $(STAMP)  ## Build the demo corpus and say what happened and where it is
	$(BIN)/dollma build pipelines/demo/recipe.yaml --workspace $(DEMO)
	@echo
	$(BIN)/dollma versions --workspace $(DEMO)

# Kernels are compiled beside the type checker. A module's tests stay together, so that what it builds for them is built once.
test: $(STAMP) system  ## Lint, types and every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -c 'import pipelines.engines.preload' & $(BIN)/mypy && wait $$!
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

gate-speed: $(STAMP)  ## Speed of pre-training beside run_mlm, against its pinned floors
	$(BIN)/python -m benchmarks.speed.pretrain --gate tests/gates/pretrain.yaml

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
