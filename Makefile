# Everything happens in .venv, made on first use. `make help` lists the targets.
PYTHON ?= python3
PROFILE ?= auto
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help book test lint serve clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 8
	@echo
	@echo 'make book [PROFILE=auto|smoke|cpu|gpu] [ONLY=part/lecture] [SEEDS=A-B, at least 8] [FRESH=1]'

.venv/installed: requirements.txt pyproject.toml
	@echo "Setting up .venv (a few minutes the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "dlnotes needs Python 3.11 to 3.13, got: $$($(PYTHON) --version); set PYTHON=python3.12, say" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

book: .venv/installed ## Run the lectures, judge their claims, build the site
	@$(BIN)/dlnotes build --profile $(PROFILE) \
	  $(if $(ONLY),--only $(ONLY)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(FRESH),--fresh)

test: .venv/installed ## Run all tests
	@echo "Running the tests; those that need what this machine lacks are skipped and say so"
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -rs

lint: .venv/installed ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

serve: .venv/installed ## Show the built site on http://localhost:8000
	@$(BIN)/python -m http.server 8000 --bind 127.0.0.1 --directory _build/html

clean: ## Remove everything that was built (the environment stays)
	rm -rf _build
