# What one does with this repository; `make` alone lists it. Works from a path with spaces.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON := .venv/bin/python
# Test processes side by side: one more than cores, because most of the time goes into waiting for Docker.
PROCESSES ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$(( n < 8 ? n + 1 : 8 )))
PROTOS := $(wildcard agents/contracts/*.proto)
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard axion_deploy/locale/*/LC_MESSAGES/*.po))
# Tools that only read the settings need some: this reaches no server.
CHECK_ENV := DATABASE_URL=postgres://axion@127.0.0.1:1/axion REDIS_URL=redis://127.0.0.1:1/0 KAFKA_BROKERS= \
	AXION_SECRET_KEY=unused AXION_ENCRYPTION_KEYS=1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
# Servers that `make services` found or started.
SERVICES_ENV := set -a; . .services/env; set +a;

# Or each process of the tests would compile all of them, and all of ours, anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

.PHONY: setup
setup: .venv/.installed $(CATALOGUES) ## .venv with exactly what requirements.lock pins, and the pages' languages compiled
	@:

# What pages are read from; without it they are English.
%.mo: %.po .venv/.installed
	@$(PYTHON) -m babel.messages.frontend --quiet compile --input-file "$<" --output-file "$@"

.venv/.installed: requirements.lock
	@bash axion_deploy/provision/python.sh .venv requirements.lock
	@touch $@

.PHONY: services
services: setup ## real PostgreSQL, Redis, Kafka and Docker for the tests; configured ones (DATABASE_URL, REDIS_URL, KAFKA_BROKERS) first
	@$(PYTHON) -m tests.servers up

.PHONY: services-stop
services-stop: setup ## end the servers that `make services` started here, and no others
	@$(PYTHON) -m tests.servers down

.PHONY: lint
lint: setup ## style, types, layers, migrations and compiled protos; changes nothing
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(CHECK_ENV) $(PYTHON) -m mypy
	$(PYTHON) .venv/bin/lint-imports
	$(CHECK_ENV) $(PYTHON) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; $(call compile-protos,$$folder); \
	for file in "$$folder"/agents/contracts/*; do \
		cmp "$$file" "agents/contracts/$${file##*/}" || { echo "compiled protos are stale: run make proto" >&2; exit 1; }; \
	done

.PHONY: test
test: setup services ## all tests on the real servers; ARGS="-k name -x" goes to pytest
	@rm -f .pytest_cache/v/cache/lastfailed
	@$(SERVICES_ENV) $(PYTHON) -m pytest --numprocesses $(PROCESSES) --dist loadscope --no-loadscope-reorder --durations 20 $(ARGS) \
		|| $(PYTHON) -m tests.alone $$?

.PHONY: demo
demo: setup ## deploy the sample project to the local Docker engine and leave it open; ONCE=1 checks it and cleans up, CLUSTER=1 takes three servers
	@$(PYTHON) -m axion_deploy.demo $(if $(ONCE),--once) $(if $(CLUSTER),--cluster)

.PHONY: bench
bench: setup services ## the figures we hold ourselves to, as ratios; ROW=name: one alone; JSON=FILE writes them down
	@$(SERVICES_ENV) $(PYTHON) -m tests.bench $(if $(ROW),--row "$(ROW)") $(if $(JSON),--json "$(JSON)")

.PHONY: docs
docs: setup ## the operators' pages, into build/docs; the control plane serves them under /docs/
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs --quiet build --strict --clean

.PHONY: format
format: setup ## put imports and layout in order
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format

.PHONY: messages
messages: setup ## bring axion_deploy/locale up to date with the sentences of code and templates
	$(CHECK_ENV) $(PYTHON) manage.py collect_messages

.PHONY: proto
proto: setup ## compile agents/contracts/*.proto
	@$(call compile-protos,.)

.PHONY: lock
lock: setup build/uv/bin/uv ## pin and hash what pyproject.toml asks for; UPGRADE=1 takes newer versions
	$(COMPILE-LOCK) --extra dev pyproject.toml -o requirements.lock
	$(COMPILE-LOCK) --extra service pyproject.toml -o requirements-service.lock
	$(COMPILE-LOCK) --extra runner pyproject.toml -o requirements-runner.lock
	$(COMPILE-LOCK) --extra docs pyproject.toml -o requirements-docs.lock

# Without the registry's address, and good for every Python and system we support.
COMPILE-LOCK = build/uv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	$(if $(UPGRADE),--upgrade)

build/uv/bin/uv:
	@$(PYTHON) -m venv build/uv
	@build/uv/bin/python -m pip install -q --disable-pip-version-check uv==0.13.9

# $(call compile-protos,FOLDER): from the repository root, or the compiled files would import a top-level module.
compile-protos = $(PYTHON) -m grpc_tools.protoc -I . --python_out="$(1)" --pyi_out="$(1)" --grpc_python_out="$(1)" $(PROTOS)
