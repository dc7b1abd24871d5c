# Each target stands alone: the first one run creates .venv and installs what the lock names.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
UV_VERSION := 0.13.9
RESOLVE := build/lock/bin/uv pip compile --universal --python-version 3.11 --group build --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet

.PHONY: help demo test style kernels soak bench docs lock clean

help:
	@echo "make demo   make a small recording, import it, replay it, print what was there"
	@echo "make test   style, types, layers and tests"
	@echo "make soak   the tests that take minutes"
	@echo "make bench  the figures of the README"
	@echo "make docs   write the pages anew that follow from the source"
	@echo "make lock   resolve requirements.lock anew from pyproject.toml"
	@echo "make clean  remove .venv and every cache; data/ stays"

demo: $(INSTALLED)
	$(BIN)/hfptm demo

# Types and kernels take a core for a minute each, so both at once. Files of tests go in their order,
# which has the long ones first: a long one that begins last would leave a core idle.
test: $(INSTALLED)
	$(MAKE) --jobs 2 style kernels
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

style: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

kernels: $(INSTALLED)
	$(BIN)/python -m tests.kernels

soak: $(INSTALLED)
	$(BIN)/python -m pytest -m "soak or fuzz_long"

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.replay
	$(BIN)/python -m benchmarks.engine
	$(BIN)/python -m benchmarks.sandbox
	$(BIN)/python -m benchmarks.normaliser
	$(BIN)/python -m benchmarks.execution
	$(BIN)/python -m benchmarks.catalog

docs: $(INSTALLED)
	$(BIN)/python -m docs.generate

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "hfptm needs Python 3.11 or later: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# The resolver gets an environment of its own: nothing in the project needs it. What a server installs
# is the same, without what only tests, desktops and clusters need.
lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet uv==$(UV_VERSION)
	$(RESOLVE) --extra test --extra s3 --extra keyring --extra ray --extra tune \
		--upgrade --output-file requirements.lock pyproject.toml
	$(RESOLVE) --extra s3 --constraint requirements.lock --output-file deploy/requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
