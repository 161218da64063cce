# Everything a fresh machine needs is Python 3.11+ and make.
ifndef PYTHON
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3; do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
endif
VENV := .venv
BIN := $(VENV)/bin
DEMO := build/demo

.PHONY: demo test setup checkov checkov-if-possible lint conformance benchmark lock golden man clean

demo: setup  ## generate and check a real example, ending with the summary report
	@rm -rf $(DEMO) && mkdir -p $(DEMO) && cp fixtures/apps/voting-app/groundplan.yaml $(DEMO)/
	$(BIN)/groundplan generate --spec $(DEMO)/groundplan.yaml
	$(BIN)/groundplan check --spec $(DEMO)/groundplan.yaml
	$(BIN)/groundplan report --spec $(DEMO)/groundplan.yaml

test: setup checkov-if-possible  ## the whole test suite; what needs an absent tool is skipped and says so
	$(BIN)/pytest -q -n auto

checkov-if-possible: setup
	@$(BIN)/python -m generator.checkers.provision >/dev/null || echo "checkov could not be set up: its comparisons will be skipped" >&2

checkov: setup  ## checkov's own environment in the user's cache, as `groundplan check` makes it
	$(BIN)/python -m generator.checkers.provision

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml tests/requirements.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found; install it, or name it with PYTHON=…" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

lint: setup  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

conformance: setup  ## the slow comparisons with the real tools
	$(BIN)/pytest -q -m slow

benchmark: setup  ## our figures beside the peers', in one run
	$(BIN)/python benchmarks/run.py

lock: setup  ## pin the development environment anew
	cd generator/checkers && ../../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --only-binary :all: --custom-compile-command "make lock" checkov-requirements.in -o checkov-requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra dev pyproject.toml -o tests/requirements.lock

golden: setup  ## rewrite the expected trees; read the difference before you keep it
	$(BIN)/pytest -q tests/test_golden.py --update-golden

man: setup  ## write the manual page anew, from the commands
	$(BIN)/python -m generator.manpage > generator/groundplan.1.new && mv generator/groundplan.1.new generator/groundplan.1

clean:
	rm -rf $(VENV) build dist
