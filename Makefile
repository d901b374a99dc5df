# Everything lands in .venv and in ~/.cache/homelab; nothing on the system is changed, except that `make test` as root on
# Debian installs what tests/system-packages.txt lists.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PIPENV_VERSION := 2026.10.3
PYTEST_WORKERS ?= auto
# OpenTofu: make TERRAFORM=tofu demo
ifdef TERRAFORM
export TERRAFORM_BINARY_NAME := $(TERRAFORM)
endif
export PIPENV_VENV_IN_PROJECT := 1
export PIPENV_IGNORE_VIRTUALENVS := 1
export PIPENV_NOSPIN := 1
export PIPENV_VERBOSITY := -1
# Another environment's settings must not lead this one's Python astray, nor have it compile every module each time.
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

VENV := .venv
PY := $(VENV)/bin/python
DONE := $(VENV)/.done
# Named by the version, so that another pipenv makes it anew.
ENVIRONMENT := $(DONE)/environment-$(PIPENV_VERSION)
# A file stays with one worker: what its tests share, such as a Terraform run, is made once.
PYTEST := $(PY) -m pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help
help: ## Shows this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-24s %s\n", $$1, $$2 }'

##### Set-up: each step is done once, and again when what it depends on changes

.PHONY: setup
setup: prerequisites ## Gets everything the project needs: Python and Node packages, bindings, providers
	@$(MAKE) --jobs=2 bindings providers

.PHONY: prerequisites
prerequisites:
	@scripts/prerequisites.sh

$(ENVIRONMENT):
	@python=$$(scripts/find_python.sh) && test -n "$$python" || { scripts/prerequisites.sh; exit 1; }; \
	echo "==> Python environment: $$python"; \
	"$$python" -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check pipenv==$(PIPENV_VERSION)
	@mkdir -p $(DONE) && touch $@

# cdktf.json runs main.py with -O, for which installed packages have no bytecode yet.
COMPILED := attr attrs cattr cattrs cdktf constructs dateutil jsii pydantic typeguard yaml

$(DONE)/packages: $(ENVIRONMENT) Pipfile.lock pyproject.toml
	@echo "==> Python packages: installing (a minute the first time)"
	@$(PY) -m pipenv verify >/dev/null || { echo "Pipfile and Pipfile.lock differ: run make lock" >&2; exit 1; }
	@$(PY) -m pipenv sync --dev >$(DONE)/packages.log 2>&1 || { cat $(DONE)/packages.log >&2; exit 1; }
	@$(PY) -m compileall -q -o 1 $(COMPILED:%=$(VENV)/lib/python3*/site-packages/%)
	@touch $@

# No stamp: it looks by itself, in a moment, whether the environment and the cache still have what it made.
.PHONY: node-tools
node-tools: $(DONE)/packages
	@$(PY) -m scripts.install_node_tools

.PHONY: bindings
bindings: imports/versions.json ## Generates imports/ from schemas/ with `cdktf get`

imports/versions.json: cdktf.json $(wildcard schemas/*.json) package-lock.json | node-tools
	@echo "==> Bindings: generating imports/ (ten seconds)"
	@rm -rf imports.new
	@$(VENV)/bin/cdktf get --force --output imports.new >$(DONE)/bindings.log 2>&1 || { cat $(DONE)/bindings.log >&2; exit 1; }
	@rm -rf imports && mv imports.new imports
	@$(PY) -m compileall -q -j 0 -o 0 -o 1 imports
	@touch $@

.PHONY: providers
providers: $(ENVIRONMENT) ## Gets the Terraform providers: from the registry, or built from source
	@$(PY) -m scripts.get_providers

.PHONY: provider-docker
provider-docker: $(ENVIRONMENT) ## Gets the Docker provider, which only stacks with Docker resources need
	@$(PY) -m scripts.get_providers docker

##### Use

.PHONY: synth
synth: setup ## Synthesizes every environment into cdktf.out/
	@$(PY) -O main.py

.PHONY: demo
demo: setup ## Plans, applies, checks and destroys a small homelab on a simulated Proxmox
	@$(PY) -m simulator demo

##### Checks

.PHONY: check
check: setup ## Lints, checks the format and the types
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check --quiet || { $(PY) -m ruff format --check; exit 1; }
	@$(PY) -m mypy .
	@$(PY) -m yamllint --strict .

.PHONY: format
format: setup ## Formats the code and applies the linter's safe corrections
	@$(PY) -m ruff check --fix --quiet --exit-zero
	@$(PY) -m ruff format

.PHONY: test-fast
test-fast: setup ## Runs the small tests: seconds, no Terraform
	@$(PYTEST) -m "not system and not end_to_end and not slow"

.PHONY: test
test: setup provider-docker check ## Runs every check and every test
	@arguments=$$(scripts/system_packages.sh) || exit 1; \
	test -z "$$arguments" || $(PY) -m pytest --collect-only --quiet -m system; \
	test -n "$$arguments" || $(PY) -m tests.real_guests.root_file_system || exit 1; \
	test -n "$$arguments" || $(PY) -m tests.real_docker.images || exit 1; \
	eval "$(PYTEST) $$arguments"

.PHONY: bench
bench: setup ## Measures speed and memory, as in docs/performance.md
	@$(PY) -m benchmarks

##### Upkeep

.PHONY: lock
lock: $(ENVIRONMENT) ## Resolves Pipfile and package.json into their lock files anew
	@$(PY) -m pipenv lock
	@$(PY) -m scripts.strip_index_hosts
	@$(VENV)/bin/npm install --package-lock-only --loglevel=error

.PHONY: snapshots
snapshots: setup ## Takes the synthesized stacks as they are now for what they should be: look at the diff before you commit it
	@$(PY) -m pytest -q --snapshot-update tests/stacks/test_snapshots.py tests/stacks/test_state_backend_snapshot.py

.PHONY: docs
docs: setup ## Draws docs/environments/ anew: a chart and tables of each environment
	@for file in environments/*.yaml; do \
		name=$$(basename "$$file" .yaml); \
		$(VENV)/bin/homelab topology --environment "$$name" --format markdown --output "docs/environments/$$name.md" || exit 1; \
	done

.PHONY: schema
schema: providers ## Writes schemas/ anew from the programs of the providers in cdktf.json
	@$(PY) -m scripts.provider_schema

.PHONY: clean
clean: ## Removes what was generated, but no state: .venv, imports/, cdktf.out/, caches of tools
	@rm -rf $(VENV) imports imports.new cdktf.out .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
