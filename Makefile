# Two commands for a fresh machine: `make gates` decides the demo promotion, `make test` runs
# everything that must hold before a change lands. What they run can be typed by hand.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help gates test check lint types tests quick coverage mutation clean

help: ## List these commands.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

gates: $(INSTALLED) ## Set everything up and decide the demo promotion.
	$(BIN)/pytest gates

test: $(INSTALLED) lint types tests ## Lint, types, tests, and the demo's gates.
	$(BIN)/pytest gates -m critical -n 2

lint: $(INSTALLED) ## Check style and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## Check types.
	$(BIN)/mypy

tests: $(INSTALLED) ## Run the project's own tests.
	$(BIN)/pytest -n 2 --dist worksteal

quick: $(INSTALLED) ## Run the tests that start no process and need no service.
	$(BIN)/pytest -m "not real and not slow" -n 2 -q

coverage: $(INSTALLED) ## Measure what those tests reach of the core; fail below the floor.
	$(BIN)/pytest -m "not real and not slow" -n 2 -q --cov --cov-report=term

mutation: $(INSTALLED) ## Count the wrong lines of the core that the unit tests notice; takes minutes.
	$(BIN)/python -m pip install --quiet --group mutation
	$(BIN)/python benchmarks/mutation.py --survivors

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[all]' --group dev
	@touch $@

clean: ## Remove what was set up and what runs wrote.
	rm -rf $(VENV) reports/promotion_gates reports/demo reports/demo.lock
