# `make help` lists the targets. Each of them first sets up what it needs, once: a virtual
# environment in .venv, made again when requirements.lock changes.

# Another Python: `make PYTHON=python3.13 clean test`.
PYTHON ?= python3

PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input -qq
LOCALE := src/toutdoux/locale
POT := build/toutdoux.pot
BABEL := $(PY) -m babel.messages.frontend -q
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" build/lock/bin/pip-compile -q --upgrade \
	--generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host --no-emit-options
export PYTHONUTF8 := 1

# $(call apt,PACKAGES): as root on Debian, installs; elsewhere it fails, and the caller says what to do.
apt = [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	&& echo Installing $(1) with apt-get \
	&& apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
	apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $(1) >/dev/null

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-tools check bench messages format lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: .venv/ready ## play the demo semester, write its report in build/demo, and on a terminal open its pages
	@mkdir -p build
	@.venv/bin/toutdoux demo --out build/demo
	@if [ -t 0 ] && [ -t 1 ]; then .venv/bin/toutdoux serve --demo; fi

test: .venv/ready test-tools ## the tests, without the slow ones
	@$(PY) -m pytest -m "not slow"

test-slow: .venv/ready test-tools ## the slow tests
	@$(PY) -m pytest -m slow

check: .venv/ready ## style, types, layers, translations
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@TOUTDOUX_SECRET_KEY=check $(PY) -m mypy
	@.venv/bin/lint-imports --no-logo
	@$(PY) tools/check_messages.py

bench: .venv/ready ## the benchmarks, in one table
	@$(PY) bench/run.py

# These functions mark messages beside gettext's own; tools/check_messages.py knows them as well.
messages: .venv/ready ## collect what is to be translated, and compile the translations
	@mkdir -p build
	@$(BABEL) extract -F pyproject.toml -k say -k say_n:1,2 -k word -k _word -k _ -k _n:1,2 -c TRANSLATORS: \
		--add-location=file --sort-by-file --project=toutdoux \
		--copyright-holder="the toutdoux contributors" --msgid-bugs-address= -o $(POT) src/toutdoux
	@[ -f $(LOCALE)/fr/LC_MESSAGES/toutdoux.po ] \
		|| $(BABEL) init -D toutdoux -i $(POT) -d $(LOCALE) -l fr
	@$(BABEL) update -D toutdoux -i $(POT) -d $(LOCALE) \
		--ignore-obsolete --ignore-pot-creation-date --no-fuzzy-matching
	@$(BABEL) compile -D toutdoux -d $(LOCALE)
	@$(BABEL) compile -D toutdoux-formal -d $(LOCALE)

format: .venv/ready ## put the code in its style
	@.venv/bin/ruff check --fix-only .
	@.venv/bin/ruff format .

lock: ## take the newest dependencies into requirements.lock and tests/chat/synapse.lock
	@echo "Renewing requirements.lock and tests/chat/synapse.lock"
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip --disable-pip-version-check -qq install pip-tools
	@$(COMPILE) --extra dev -o requirements.lock pyproject.toml
	@echo matrix-synapse | $(COMPILE) --allow-unsafe -o tests/chat/synapse.lock -

clean: ## remove everything make wrote
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# What requirements.lock names, from scratch, so that nothing it dropped lingers.
.venv/installed: requirements.lock
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here: toutdoux needs Python 3.11 or newer (make PYTHON=... names another)." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("toutdoux needs Python 3.11 or newer, and $(PYTHON) is %d.%d: make PYTHON=... names another." % sys.version_info[:2])'
	@# Debian keeps the part of Python that makes virtual environments in a package apart.
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(call apt,python3-venv); } \
		|| { echo "$(PYTHON) can't make virtual environments here: on Debian, type  apt-get install python3-venv  as root." >&2; exit 1; }
	@echo "Setting up .venv with what requirements.lock names (once; it takes a minute)"
	@$(PYTHON) -m venv --clear .venv
	@$(PIP) install --require-hashes -r requirements.lock
	@touch $@

# toutdoux itself, read straight from src/; pyproject.toml holds its command and its version.
.venv/ready: .venv/installed pyproject.toml src/toutdoux/__init__.py
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# The Matrix server that tests talk to, in an environment of its own: nothing of it is toutdoux's.
build/synapse/ready: tests/chat/synapse.lock
	@echo "Setting up build/synapse, a Matrix server for the tests (once; it takes a minute)"
	@$(PYTHON) -m venv --clear build/synapse
	@build/synapse/bin/python -m pip --disable-pip-version-check --no-input -qq \
		install --require-hashes -r tests/chat/synapse.lock
	@touch $@

# Some tests look at pages in a browser and at PDFs with poppler, or have Gemini clients of other makers
# browse the capsule; without them those tests are skipped.
# What drives the browser, Playwright, carries a Node.js that needs libatomic1: not on every Debian.
# After .venv/ready, so that two apt-get never run at once under make -j.
test-tools: .venv/ready
	@missing=; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	command -v pdftotext >/dev/null || missing="$$missing poppler-utils"; \
	command -v amfora >/dev/null || missing="$$missing amfora"; \
	command -v bombadillo >/dev/null || missing="$$missing bombadillo"; \
	$(PY) -m playwright --version >/dev/null 2>&1 || missing="$$missing libatomic1"; \
	[ -z "$$missing" ] || { $(call apt,$$missing); } \
		|| echo "Missing here:$$missing. The tests that need them are skipped (on Debian, as root: apt-get install$$missing)."
	@$(MAKE) -s build/synapse/ready \
		|| echo "There is no Matrix server here: the tests that need one are skipped (make build/synapse/ready)."
