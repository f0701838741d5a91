# Two commands: `make run` shows the product, `make test` checks it. Both install what they need first.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: install run test test-slow soak lint types layers lock clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml sdk/python/pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "GreatRouter needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "Installing into $(VENV): two to three minutes the first time, most of it PyTorch"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --disable-pip-version-check -c constraints.txt -e sdk/python -e ".[torch,postgres,redis,dev]" \
		| grep --line-buffered -E '^ *(Downloading .*(kB|MB|GB)|Building|Installing collected|ERROR)' | cut -c1-110; \
		test $${PIPESTATUS[0]} -eq 0
	@touch $(INSTALLED)

run: install
	@$(BIN)/greatrouter demo $(if $(ONCE),--once)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

layers: install
	$(BIN)/lint-imports

# A file's tests share their servers, so each file runs in one process; four hold 4 GB.
test: lint types layers
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

test-slow: install
	$(BIN)/pytest -m slow

# 100 kills on each database; SOAK_SEED=... makes the same requests and the same moments again.
soak: install
	SOAK_KILLS=$${SOAK_KILLS:-100} $(BIN)/pytest -m "slow or not slow" -v -rP tests/soak

lock:
	$(BIN)/pip freeze --exclude-editable | sed 's/^\(torch==[0-9.]*\)+.*/\1/' | grep -v '^greatrouter' > constraints.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
