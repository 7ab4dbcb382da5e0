# `make run` and `make test` are all the set-up there is; both are safe to repeat.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
LAKE ?= lake
JOBS ?= 2
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: run test nightly lock notebook clean help python

help:
	@echo "make run       create the environment, score the bundled sample into ./$(LAKE), print a summary"
	@echo "make test      create the environment, run format check, lint, types and all tests (in JOBS=$(JOBS) processes)"
	@echo "make nightly   the second suite, before a release: a real PostgreSQL and S3 server (apt-get install postgresql)"
	@echo "make notebook  open the analyst's notebook"
	@echo "make lock      write constraints.txt from the environment"
	@echo "make clean     remove the environment (the lake is left alone)"

python:
	@command -v $(PYTHON) >/dev/null || { echo "cx-nlp needs Python 3.11 or later: '$(PYTHON)' was not found (set PYTHON=...)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "cx-nlp needs Python 3.11 or later, $(PYTHON) is $$($(PYTHON) -V 2>&1) (set PYTHON=...)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "cx-nlp needs Python's venv module (Debian and Ubuntu: apt-get install python3-venv)"; exit 1; }

$(BIN)/python: | python
	@echo "creating the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# A stamp an extra: made again when what it installs from has changed.
$(VENV)/.run: $(BIN)/python pyproject.toml constraints.txt
	@echo "installing cx-nlp (some minutes the first time)"
	@$(PIP) --editable .
	@touch $@

# torch first and alone: with its pinned version in place, nothing pulls a build with gigabytes of CUDA.
$(VENV)/.test: $(VENV)/.run
	@echo "installing what the tests need"
	@$(PIP) torch==2.13.0
	@$(PIP) --editable '.[train,notebook,test]'
	@touch $@

run: $(VENV)/.run
	@$(BIN)/cx-nlp run --config configs/sample.yaml

test: $(VENV)/.test
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q --numprocesses $(JOBS) --dist loadfile

$(VENV)/.nightly: $(VENV)/.test
	@$(PIP) --editable '.[nightly]'
	@touch $@

nightly: $(VENV)/.nightly
	@$(BIN)/python -m pytest -q -m nightly

notebook: $(VENV)/.test
	@$(PIP) --editable '.[lab]'
	@$(BIN)/jupyter lab notebooks/01-last-night.ipynb

lock: $(VENV)/.test
	@$(BIN)/python -m pip freeze --exclude-editable | grep -v -E '^(pip|setuptools|cx-nlp|cx_nlp)( |=|@)' | sed 's/ @ .*//; s/+cpu$$//' > constraints.txt

clean:
	rm -rf $(VENV) build dist *.egg-info
