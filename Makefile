PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

# cost.py last: it adds up what others have measured
BENCHES := $(filter-out bench/cost.py,$(sort $(wildcard bench/[a-z]*.py))) bench/cost.py

.PHONY: help setup dev test lint bench kits pin docs
.DEFAULT_GOAL := help

help: ## Show what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: $(VENV)/.done ## Make .venv with all requirements and the project in it

$(VENV)/.done: requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tapmesh needs Python 3.11 or newer; name one with make PYTHON=python3.12")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -qy python3-venv; } \
		|| { echo "install venv first: sudo apt-get install python3-venv"; exit 2; }
	@echo "1 of 3: a Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "2 of 3: the packages of requirements.txt and requirements-dev.txt into it, about a minute"
	@$(BIN)/pip install -q --disable-pip-version-check -r requirements.txt -r requirements-dev.txt
	@echo "3 of 3: tapmesh itself"
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

dev: setup ## Run the mesh of taps.yaml on this machine; PORT=8901 at another port
	@exec $(BIN)/tapmesh dev $(if $(PORT),--port $(PORT))

test: setup ## Run all tests, two folders at a time; WORKERS=0: one after the other
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder

lint: setup ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup ## Measure every claim; prints ratios
	@missed=; for file in $(BENCHES); do echo "== $$file"; $(BIN)/python $$file || missed="$$missed $$file"; done; \
		[ -z "$$missed" ] || { echo "== missed a target, or failed:$$missed"; exit 1; }

kits: setup ## Build the kit for AWS Lambda's telemetry, a layer an architecture, into .mesh/build
	$(BIN)/python -m mesh.kits.lambda_telemetry.build

pin: setup ## Pin the layer's packages as requirements.txt has them
	$(BIN)/python -m mesh.package.pin

docs: setup ## Write the generated pages
	$(BIN)/python -m mesh.spec.reference > docs/taps-yaml.md
	$(BIN)/python -m mesh.cli.reference > docs/cli.md
