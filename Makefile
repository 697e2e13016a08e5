# Everything a person runs. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true
export DAGSTER_HOME ?= $(abspath $(or $(MILK_HOME),.milk)/dagster)

.PHONY: help install demo dev serve test lint format types check lock clean
help:  ## list what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

install: $(READY)  ## install everything, locked and hash-checked, into .venv
$(READY): requirements/dev.txt setup.cfg pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)  ## the whole graph on sample data (or WORKBOOK=file.xlsx), then the forecasts
	$(BIN)/milk demo $(if $(WORKBOOK),--workbook "$(WORKBOOK)")

dev: $(READY)  ## Dagster UI, MLflow UI and the sample publisher together, on 127.0.0.1
	$(BIN)/milk dev $(if $(WORKBOOK),--workbook "$(WORKBOOK)")

serve: $(READY)  ## the HTTP endpoint on 127.0.0.1:8080, from the champion of `make demo`
	$(BIN)/milk serve

test: $(READY)  ## all tests
	$(BIN)/pytest -n 2 --dist loadgroup

lint: $(READY)  ## ruff: rules and format; phrases that the project does not use
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python .ci/check_language.py

format: $(READY)  ## rewrite what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY)  ## mypy, strict
	$(BIN)/mypy

check: lint types test cdk-test  ## all that CI runs

include cdk/cloud.mk

UV := $(VENV)/uv/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header --generate-hashes
lock:  ## update the locked requirements
	test -x $(UV) || { $(PYTHON) -m venv $(VENV)/uv && $(VENV)/uv/bin/pip install --quiet uv; }
	$(COMPILE) setup.cfg --output-file requirements/runtime.txt
	$(COMPILE) setup.cfg --extra test --constraint requirements/runtime.txt --output-file requirements/dev.txt
	$(COMPILE) setup.cfg --extra server --extra serving --constraint requirements/runtime.txt --output-file requirements/server.txt
	$(COMPILE) requirements/cloud.in --output-file requirements/cloud.txt
	$(COMPILE) requirements/serving.in --no-emit-package scipy --constraint requirements/runtime.txt --output-file requirements/serving.txt
	$(COMPILE) setup.cfg --extra test --extra benchmark --constraint requirements/runtime.txt --output-file requirements/benchmark.txt

clean:  ## remove what runs and tests leave behind; .venv stays
	rm -rf .milk .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
