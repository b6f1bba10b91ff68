# Two commands for a new machine: `make gates` decides the demo promotion, `make test` runs everything that must pass
# before a change lands. What they run can be typed by hand.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The demo's gates need a tenth of what the tests need, so that is installed first, and alone.
GATES := $(VENV)/.gates
DEV := $(VENV)/.dev
PIP := $(BIN)/python -m pip --disable-pip-version-check
# A module is compiled when it is first imported; to compile all of them takes a third of an installation.
INSTALL := $(PIP) install --quiet --no-compile
# The package without its dependencies: those are pinned by the requirements file that was installed before.
PACKAGE := $(INSTALL) --no-deps --no-build-isolation --editable .
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	--no-annotate --custom-compile-command "make lock" pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help gates test check lint types docs tests quick fuzz sweep coverage mutation lock clean

help: ## List these commands.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

gates: $(GATES) ## Set up what the demo needs and decide the demo promotion.
	$(BIN)/pytest gates

test: $(DEV) ## Lint, types, documentation, tests, and the demo's gates.
	$(MAKE) --no-print-directory -j 2 lint types docs
	$(MAKE) --no-print-directory tests
	$(BIN)/pytest gates -m critical -n 2

lint: $(DEV) ## Check style and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV) ## Check types.
	$(BIN)/mypy

docs: $(DEV) ## Build the documentation.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

tests: $(DEV) ## Run the project's own tests.
	$(BIN)/pytest -n 2 --dist worksteal

quick: $(DEV) ## Run the tests that start no process and need no service.
	$(BIN)/pytest -m "not real and not slow" -n 2 -q

fuzz: $(DEV) ## Give each parser ten thousand bad documents and each command hundreds; takes an hour.
	PROMOTION_FUZZ_EXAMPLES=10000 $(BIN)/pytest tests/fuzz -n 2 --dist worksteal -q

sweep: $(DEV) ## Sabotage each fact of two trading workspaces in two profiles; takes hours.
	PROMOTION_SWEEP=all $(BIN)/pytest tests/trading_rules/test_sweep.py tests/trading_rules/test_generated.py -n 2 --dist worksteal -q

coverage: $(DEV) ## Measure what those tests reach of the core; fail below the floor.
	$(BIN)/pytest -m "not real and not slow" -n 2 -q --cov --cov-report=term

mutation: $(DEV) ## Count the wrong lines of the core that the unit tests notice; takes minutes.
	$(INSTALL) --requirement requirements/mutation.txt
	$(BIN)/python benchmarks/mutation.py --survivors

lock: $(DEV) ## Renew the pinned versions in requirements/.
	$(COMPILE) --upgrade --all-extras --group dev --output-file requirements/dev.txt
	$(COMPILE) --upgrade --extra cov --extra scan --group build --constraint requirements/dev.txt \
		--output-file requirements/gates.txt
	$(COMPILE) --upgrade --group mutation --constraint requirements/dev.txt --output-file requirements/mutation.txt

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(GATES): pyproject.toml requirements/gates.txt | $(VENV)/bin/python
	$(INSTALL) --requirement requirements/gates.txt
	$(PACKAGE)
	@touch $@

$(DEV): pyproject.toml requirements/dev.txt | $(VENV)/bin/python
	$(INSTALL) --requirement requirements/dev.txt
	$(PACKAGE)
	@touch $@ $(GATES)

clean: ## Remove what was set up and what runs wrote.
	rm -rf $(VENV) reports/promotion_gates reports/demo reports/demo.lock
