# Everything a newcomer needs; `make` alone lists it. Each target builds what it needs in .venv, from the
# hash-pinned requirements/*.lock, and only when a lock or pyproject.toml has changed.
#   PYTHON=python3.12   which Python (3.11 or newer) the .venv is made with

PYTHON ?= python3
# HOST only from the command line: some shells export it, and the service would leave loopback.
HOST := 127.0.0.1
PORT ?= 8080
HAPI_PORT ?= 8081
K :=
ARGS :=

VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run-ready
DEV := $(VENV)/.dev-ready
BENCH := $(VENV)/.bench-ready
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input install --no-deps
# Nothing but wheels whose hash is in the lock: no stranger's setup.py runs here.
PINNED := $(PIP) --require-hashes --only-binary :all: -r
# The project itself, by the build backend already installed from the lock.
EDITABLE := $(PIP) --no-build-isolation --editable .
# The resolver, pinned so that two people get the same locks.
RELOCK_WITH := uv==0.13.9

.DEFAULT_GOAL := help
.PHONY: help run test test-hapi hapi bench check check-style check-types check-layers check-lines check-yaml check-rules check-docs \
	rules mutate-rules lock docs goldens requirements package relock browser screenshot clean FORCE
.DELETE_ON_ERROR:

help: ## list what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | \
		awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

run: $(RUN) ## start the service with its synthetic patients (HOST=127.0.0.1 PORT=8080)
	@exec $(BIN)/cds-service serve --demo --host $(HOST) --port $(PORT)

test: $(DEV) ## run the tests, a worker per core; K=expression chooses by name, ARGS=... goes to pytest
	@$(BIN)/python -m pytest -n auto --dist worksteal -m 'not hapi' $(if $(K),-k '$(K)') $(ARGS)

# Apart from `test`, whose workers would each start a JVM of a gigabyte. Here one worker has the server and one the
# validator (conftest.py there).
test-hapi: $(DEV) ## run the tests with a real HAPI FHIR server and HAPI's validator (needs a JDK and Maven)
	@$(BIN)/python -m pytest -n 2 -m hapi tests/integration/hapi $(if $(K),-k '$(K)') $(ARGS)

hapi: ## build and start a HAPI FHIR R4 server in memory, on this machine alone (HAPI_PORT=8081)
	@echo "HAPI FHIR: base URL http://127.0.0.1:$(HAPI_PORT)/fhir once it says ready; Ctrl-C stops it, and what is in it is gone"
	@exec sh tests/integration/hapi/hapi.sh serve $(HAPI_PORT)

bench: $(BENCH) ## measure speed, memory and start-up against the recorded run (ARGS='--only compute', --record)
	@$(BIN)/python -m tests.benchmarks $(ARGS)

browser: $(DEV) ## run the tests that drive Chromium
	@$(BIN)/python -m pytest -m browser $(if $(K),-k '$(K)') $(ARGS)

requirements: $(DEV) ## which tests prove which requirement of CDS Hooks (ARGS='72 76': only these)
	@$(BIN)/python -m scripts.requirements $(ARGS)

goldens: $(DEV) ## write what every fixture patient gets (fhir_fixtures/responses) anew; read the diff
	@$(BIN)/python -m scripts.goldens

screenshot: $(DEV) ## take the pictures in docs/images anew
	@$(BIN)/python -m scripts.screenshot $(ARGS)

check: check-style check-types check-layers check-lines check-yaml check-rules check-docs ## style, types, layers, file length, YAML, rule base, pages
	@echo "check: all is well"

check-style: $(DEV)
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check || { echo "ruff format would change these files: $(BIN)/ruff format"; exit 1; }

check-types: $(DEV)
	@$(BIN)/mypy --no-error-summary

check-layers: $(DEV)
	@$(BIN)/lint-imports --no-logo > $(VENV)/.layers 2>&1 || { cat $(VENV)/.layers; exit 1; }

check-lines: $(DEV)
	@$(BIN)/python scripts/line_limit.py 400 cds_service tests scripts

check-yaml: $(DEV)
	@$(BIN)/yamllint --strict cards fhir_fixtures/expected tests/conformance deploy docker-compose.yml .yamllint.yaml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml

check-rules: $(DEV)
	@$(BIN)/cds-service rules check

check-docs: $(DEV)
	@$(BIN)/python -m scripts.docs --check

rules: $(RUN) ## check the rule base and run the cases beside its rules
	@$(BIN)/cds-service rules check
	@$(BIN)/cds-service rules test

mutate-rules: $(RUN) ## change the rules on purpose; name the changes that no case notices (K=k-01: one rule)
	@$(BIN)/cds-service rules mutate $(K)

lock: $(RUN) ## write cards/cards.lock after a rule's meaning changed
	@$(BIN)/cds-service rules lock

docs: $(DEV) ## write the pages in docs/reference that are made from code and content
	@$(BIN)/python -m scripts.docs

package: $(RUN) ## build sdist, wheel and bill of materials into dist/, install them apart, run the cases, make a call
	@$(BIN)/python -m scripts.package $(ARGS)

relock: FORCE ## resolve the dependencies anew into requirements/ (UPGRADE=1: to the newest)
	@$(MAKE) --no-print-directory VENV=.venv-relock .venv-relock/.home
	@.venv-relock/bin/python -m pip --quiet --disable-pip-version-check install --only-binary :all: '$(RELOCK_WITH)'
	@sh scripts/relock.sh .venv-relock/bin/uv $(if $(UPGRADE),--upgrade)

clean: ## remove what these targets built
	@rm -rf tests/integration/hapi/target $(VENV) .venv-relock build dist .import_linter_cache .grimp_cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks
	@find cds_service tests scripts -type d -name __pycache__ -prune -exec rm -rf {} +

# ------------------------------------------------------------------------------------------------- the environment
# A stamp stands for "installed"; make rebuilds it when what it was made from is newer.
$(RUN): $(VENV)/.home requirements/run.lock requirements/build.lock pyproject.toml
	@echo "Installing what the service runs on into $(VENV) ..."
	@$(PINNED) requirements/run.lock -r requirements/build.lock
	@$(EDITABLE)
	@touch $@

$(DEV): $(VENV)/.home requirements/dev.lock pyproject.toml
	@echo "Installing what the service is developed with into $(VENV) ..."
	@$(PINNED) requirements/dev.lock
	@$(EDITABLE)
	@touch $(RUN) $@

$(BENCH): $(VENV)/.home requirements/bench.lock pyproject.toml
	@echo "Installing what the service is measured with into $(VENV) ..."
	@$(PINNED) requirements/bench.lock
	@$(EDITABLE)
	@touch $(RUN) $(DEV) $@

# Holds the place the environment was made in: in a moved or copied checkout, or after its Python went away, it
# would run the wrong code or none, so it is made anew. Left untouched, and so are the stamps, when all is well.
$(VENV)/.home: FORCE
	@sh scripts/venv.sh '$(VENV)' '$(PYTHON)'

FORCE:
