# make run    a server on 127.0.0.1:8080 with a demo user, from nothing
# make test   everything that can be checked: style, types, tests
# make coverage  the same, and which lines and branches no test comes to; takes more than twice as long
# make bench  what a hook costs beside the framework and a script in PHP, for docs/performance.md, in minutes; needs wrk
# make histories  10,000 histories of clients by chance, against what authgate says of them
# make lock   new locks from the floors in pyproject.toml

PYTHON ?= python3
PIP := .venv/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test coverage bench histories lock clean

run: .venv/.run
	scripts/run

test: .venv/.test
	scripts/check

coverage: .venv/.test
	COVERAGE=1 scripts/check

bench: .venv/.test
	.venv/bin/python bench/run.py --page

histories: .venv/.test
	.venv/bin/python bench/histories.py

lock: .venv/.venv
	$(PIP) uv
	scripts/lock

clean:
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* tests/browser/node_modules

.venv/.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "authgate needs Python 3.11 or newer; say which: make PYTHON=python3.12 ..."; exit 2; }
	$(PYTHON) -m venv .venv
	touch $@

.venv/.run: .venv/.venv requirements.lock requirements-build.lock pyproject.toml
	$(PIP) --require-hashes -r requirements.lock -r requirements-build.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	.venv/bin/python -m compileall -q authgate migrations
	touch $@

.venv/.test: .venv/.venv requirements-test.lock pyproject.toml
	$(PIP) --require-hashes -r requirements-test.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	.venv/bin/python -m compileall -q authgate migrations
	touch $@
