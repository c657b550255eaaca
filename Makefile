# Every target sets up what it needs in .venv and is quick the second time.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
DEV    := $(VENV)/.dev
SETUP  := $(VENV)/.run

.DEFAULT_GOAL := help
.PHONY: help demo test unit system lint types build tables bench soak fuzz clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(SETUP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(DEV): $(SETUP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

demo: $(SETUP)  ## the whole way, on an embedded collector
	@$(BIN)/hooktail demo

test: $(DEV)  ## all tests; installs nginx and logrotate by apt where it may
	@sh tests/system/install.sh
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

lint: $(DEV)  ## ruff, the layers, and expressions that an old Python reads wrongly
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/unit/test_possessive.py

types: $(DEV)  ## mypy, strict
	$(BIN)/mypy
	$(BIN)/mypy tests benchmarks

build: $(DEV)  ## the wheel and the source archive, in dist/
	rm -rf dist
	$(BIN)/python -m build --installer pip

tables: $(DEV)  ## writes the reference's tables that come from the code
	$(BIN)/python docs/tables.py

bench: $(DEV)  ## the benchmarks; tables in benchmarks/README.md
	$(BIN)/python benchmarks/run.py

soak: $(DEV)  ## the long tests; SOAK_S=seconds each (default 600)
	SOAK_S=$${SOAK_S:-600} $(BIN)/python -m pytest -m soak --timeout 0

fuzz: $(DEV)  ## fuzzes the log formats for FUZZ_S=seconds (default 300), from build/fuzz
	$(BIN)/python -m pip install --quiet --disable-pip-version-check atheris
	PYTHONPATH=tests $(BIN)/python -m fuzz.fuzz_parsers build/fuzz -max_total_time=$${FUZZ_S:-300}

clean:  ## removes what was built here
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
