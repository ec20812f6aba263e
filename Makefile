# Two commands: `make demo` shows the product with synthetic calls, `make test` proves it.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test quick lint assets messages lock clean

demo: .venv/.installed assets
	$(BIN)/hotline demo $(if $(filter 0,$(SERVE)),--no-serve)

test: .venv/.testing assets
	$(BIN)/pytest --numprocesses 2 --dist worksteal

# Without browser, services and speech models: the one to run while working.
quick: .venv/.testing assets
	$(BIN)/pytest --numprocesses 2 -m "not browser and not service and not slow"

lint: .venv/.testing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

assets: .venv/.installed
	$(BIN)/python -m web.assets
	$(BIN)/python -m web.i18n compile
	$(BIN)/python -m scoring.ready

messages: .venv/.testing
	$(BIN)/python -m web.i18n update

# A new set of pinned versions, for every Python and system that is supported.
lock:
	$(PIP) uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --no-header --no-annotate pyproject.toml -o constraints.txt

clean:
	rm -rf .venv web/node_modules web/static/vendor build *.egg-info

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing pinned packages into .venv (once; a few minutes) ..."
	$(PIP) --editable .
	@touch $@

.venv/.testing: .venv/.installed
	$(PIP) --editable '.[test,postgresql,redis,s3]'
	@touch $@
