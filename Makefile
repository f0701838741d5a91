# Two commands: `make run` shows the product, `make test` checks it. Both install what they need first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: install run test test-slow lint types layers lock clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml sdk/python/pyproject.toml constraints.txt
	@echo "Installing into $(VENV) (the first time takes a few minutes: PyTorch is large)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt "pip>=24"
	@echo "  PyTorch"
	@$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	@echo "  everything else"
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e sdk/python -e ".[torch,dev]"
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

test: lint types layers
	$(BIN)/pytest

test-slow: install
	$(BIN)/pytest -m slow

lock:
	$(BIN)/pip freeze --exclude-editable | grep -v -e '^torch==' -e '^greatrouter' > constraints.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
