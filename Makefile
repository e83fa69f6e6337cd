# Two commands are enough: `make demo` runs the main job, `make test` passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
OLDEST := .venv-oldest

# Airflow imports over a thousand modules at each start: they must be compiled once, not every time.
unexport PYTHONDONTWRITEBYTECODE
export AIRFLOW_HOME ?= $(CURDIR)/.airflow
export DO_NOT_TRACK = 1

# Airflow's tests share one Airflow, which is slow to start; the others run side by side.
LOWER_ROOMS := $(addprefix tests/,api store sending connector properties sandbox docs)

.PHONY: help install demo test test-oldest test-large properties pictures lint ui docs bench constraints clean

help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

install: $(STAMP) ## everything into .venv

$(STAMP): setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 10) <= sys.version_info[:2] <= (3, 13) else "Python 3.10 to 3.13 is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	@echo "Installing into $(VENV) (Airflow and all it needs: about 600 MB)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt uv
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[dev]'
	@touch $@

demo: install ## send records to a local Insightly and run the CRM connector, in real Airflow
	@$(BIN)/python -m demo.run

test: install ## the whole test suite, the store's part on SQLite and on PostgreSQL where that is installed
	@$(BIN)/python -m pytest --numprocesses 2 $(LOWER_ROOMS)
	@$(BIN)/python -m pytest $(addprefix --ignore=,$(LOWER_ROOMS))
	@$(BIN)/python -m tests.postgres $(BIN)/python -m pytest --numprocesses 2 tests/store tests/sending tests/connector

properties: install ## the connector's properties over thousands of random worlds and all combinations of settings
	@PROPERTY_EXAMPLES=2000 $(BIN)/python -m pytest --numprocesses 2 tests/properties

FAULTS := INSIGHTLY_FAULT_RECORDS=1000 INSIGHTLY_FAULT_KILLS=20 INSIGHTLY_FAULT_STALL=30 INSIGHTLY_FAULT_READ_TIMEOUT=5

test-large: install ## the connector over thousands of records in Airflow's scheduler, and sends with a thousand records and faults
	@INSIGHTLY_SCHEDULER=1 INSIGHTLY_COMPANY_UNITS=10 $(BIN)/python -m pytest tests/airflow/test_scheduled_connector.py
	@INSIGHTLY_SCHEDULER=1 $(BIN)/python -m tests.postgres $(BIN)/python -m pytest tests/airflow/test_scheduled_connector.py -k "company or killed"
	@$(FAULTS) $(BIN)/python -m pytest tests/sending/test_faults.py
	@$(FAULTS) $(BIN)/python -m tests.postgres $(BIN)/python -m pytest tests/sending/test_faults.py

pictures: install ## take the pictures of the documentation anew
	@INSIGHTLY_PICTURES=1 $(BIN)/python -m pytest tests/browser/test_pictures.py

lint: install ## ruff, mypy, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

ui: install ## Airflow in the browser, with the DAGs and a local Insightly
	@$(BIN)/python -m demo.ui

# Tests that take minutes run on the newest Airflow alone; the DAGs themselves run here too, through the scheduler.
test-oldest: $(OLDEST)/installed ## what touches Airflow, on the oldest Airflow that is supported
	@$(OLDEST)/bin/python -m pytest tests/airflow tests/hooks tests/operators tests/provider tests/ui \
		-k "not killed" --ignore tests/airflow/test_connector.py

$(OLDEST)/installed: setup.py constraints-oldest.txt | install
	@echo "Installing the oldest supported Airflow into $(OLDEST)"
	@$(PYTHON) -m venv $(OLDEST)
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(OLDEST)/bin/python -c constraints-oldest.txt -e '.[test]'
	@touch $@

PIN := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 --no-annotate --no-strip-markers \
	--custom-compile-command 'make constraints' setup.py

constraints: install ## pin everything anew
	@$(PIN) --extra dev -o constraints.txt
	@echo 'apache-airflow<3.2' | $(PIN) --extra test --constraint - --exclude-newer 2026-03-20 -o constraints-oldest.txt

clean: ## forget the demo's Airflow and its records
	@rm -rf .airflow

docs: install ## bring the examples in the documentation up to date
	@$(BIN)/python tools/include_examples.py

bench: install ## what parsing, the sandbox, sending and planning cost, side by side
	@$(BIN)/python benchmarks/dag_parsing.py
	@$(BIN)/python benchmarks/sandbox.py
	@$(BIN)/python benchmarks/sending.py --records 300
	@$(BIN)/python benchmarks/connector.py 100000 1000
