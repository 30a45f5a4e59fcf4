# Six words: setup, demo, test, fix, check, docs. Each does all the set-up that it needs.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.set-up

.PHONY: setup demo test fix check docs
.DEFAULT_GOAL := setup

setup: $(STAMP)

# The lock constrains every install, so that nothing replaces torch. torchvision must be absent:
# its wheels bring another torch, and a mismatched one breaks packages that import it when present.
$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is too old: Delineate needs Python 3.11 or newer. Run: make PYTHON=python3.12"; exit 1; }
	@echo "Setting up .venv; this takes some minutes, once."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint requirements.lock --editable '.[dev]'
	@$(BIN)/python -c 'from importlib.metadata import version as v; from importlib.util import find_spec as f; import sys; sys.exit(v("torch").split("+")[0] != "2.13.0" and "torch must be 2.13.0, not " + v("torch") + ". Remove .venv and run make again." or f("torchvision") is not None and "torchvision must be absent. Remove .venv and run make again." or 0)'
	@touch $@

demo: setup
	$(BIN)/delineate demo

test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest

fix: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup
	$(BIN)/python docs/build.py
