# make solve    a venv, the package, and a 64x64 netlist solved
# make quick    ruff, and a sample of the tests: under a minute
# make lint     ruff, mypy --strict, import rules
# make test     the extras, ngspice where it can be had, and every test
# make lowest   the sample with the lowest versions that pyproject.toml promises
# make pythons  the sample with every other Python that is here
# make coverage the kernels' lines that tests reach, run as Python
# make dist     wheel and sdist in dist/, each tried in an environment of its own, the wheel with every Python that is here
# make bounds   what kernels may cost, counted anew: after a change that is meant
# make docs     the documentation site, in docs/_build/html; a warning and a dead link are errors
# make stale    the pages of results whose code has changed since they were measured
VENV ?= .venv
PYTHON ?= python3
PYTHONS ?= /usr/bin/python3 python3.12 python3.13
CONSTRAINTS ?= constraints.txt
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check -q

.PHONY: solve quick lint test lowest pythons sample coverage docs dist bounds stale ngspice clean

solve: $(VENV)/.core
	$(VENV)/bin/xbarsim solve --netlist examples/crossbar_64x64.sp

quick: $(VENV)/.all
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/python -m pytest --quick -n 2 --durations=5 --durations-min=2 $(PYTEST_ARGS)

lint: $(VENV)/.all
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

test: $(VENV)/.all ngspice
	$(VENV)/bin/python -m pytest -n 2 $(PYTEST_ARGS)

lowest:
	@$(MAKE) --no-print-directory sample VENV=$(VENV)-lowest CONSTRAINTS=constraints-lowest.txt

pythons:
	@for python in $(PYTHONS); do \
	  if [ "$$($$python -V 2>&1)" = "$$($(VENV)/bin/python -V 2>&1)" ]; then echo "$$python is that of $(VENV)"; \
	  elif $$python -c 'import ensurepip' 2>/dev/null; then \
	    $(MAKE) --no-print-directory sample VENV=$(VENV)-$${python##*/} PYTHON=$$python || exit 1; \
	  else echo "$$python is not here, or makes no environments: left out"; fi; \
	done

# Without networks: torch is larger than all else together. Compiled kernels go by Python, not by numba's version:
# each venv has its own.
sample: $(VENV)/.sample
	$(VENV)/bin/python -m pip list --disable-pip-version-check | grep -E '^(numpy|scipy|numba|click) '
	NUMBA_CACHE_DIR=$(abspath $(VENV))/numba $(VENV)/bin/python -m pytest --quick -n 2 $(PYTEST_ARGS)

bounds: $(VENV)/.all ngspice
	$(VENV)/bin/python validation/counts.py --renew

stale:
	$(PYTHON) validation/stale.py

coverage: export NUMBA_DISABLE_JIT = 1
coverage: $(VENV)/.all
	$(VENV)/bin/python -m coverage run -m pytest -q -W ignore::RuntimeWarning $(addprefix tests/solvers/test_,problems.py properties.py effective.py floating.py newton_convergence.py)
	$(VENV)/bin/python -m coverage run --append tests/uncompiled_cases.py /dev/null
	$(VENV)/bin/python -m coverage report --show-missing

docs: $(VENV)/.docs
	$(VENV)/bin/python -m sphinx -W --keep-going -q -c docs $(SPHINX_ARGS) . docs/_build/html
	$(VENV)/bin/python docs/_ext/check_links.py docs/_build/html
	@echo "docs/_build/html/index.html"

# What a user installs: in an environment with nothing else, outside of the checkout.
TRIED = cd / && "$$folder/bin/xbarsim" solve -q --netlist $(CURDIR)/examples/crossbar_64x64.sp >/dev/null \
  && "$$folder/bin/xbarsim" info --clear-cache -q >/dev/null
dist: $(VENV)/.all
	rm -rf dist
	$(VENV)/bin/python -m build -q -o dist .
	@for package in dist/*.whl dist/*.tar.gz; do for python in $(PYTHON) $(PYTHONS); do \
	  $$python -c 'import ensurepip' 2>/dev/null || continue; \
	  case $$package in *.gz) [ $$python = $(PYTHON) ] || continue;; esac; \
	  folder=$$(mktemp -d) && $$python -m venv $$folder && \
	  $$folder/bin/python -m pip --disable-pip-version-check -q install -c $(CONSTRAINTS) $$package && \
	  ( $(TRIED) ) && echo "$$package runs with $$($$python --version)" || exit 1; \
	  rm -rf $$folder; \
	done; done

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(VENV)/bin/python pyproject.toml $(CONSTRAINTS)
	$(PIP) install -c $(CONSTRAINTS) -e .
	@touch $@

$(VENV)/.all: $(VENV)/.core
	$(PIP) install -c $(CONSTRAINTS) -e '.[all]'
	@touch $@

$(VENV)/.docs: $(VENV)/.core
	$(PIP) install -c $(CONSTRAINTS) -e '.[docs]'
	@touch $@

$(VENV)/.sample: $(VENV)/bin/python pyproject.toml $(CONSTRAINTS)
	$(PIP) install -c $(CONSTRAINTS) -e '.[plot,spice,study,test]'
	@touch $@

# ngspice and valgrind come from the system's packages; without them the tests that compare with the one, or count
# work by the other, are left out, and say so.
ngspice:
	@command -v ngspice >/dev/null && command -v valgrind >/dev/null || { \
	  if [ "$$(id -u)" = 0 ]; then SUDO=; else SUDO="sudo -n"; fi; \
	  if command -v apt-get >/dev/null && $$SUDO true 2>/dev/null; then \
	    $$SUDO apt-get update -qq && $$SUDO apt-get install -y -qq ngspice libngspice0 valgrind >/dev/null; \
	  fi; }
	@for program in ngspice valgrind; do \
	  command -v $$program >/dev/null || echo "$$program is not here and could not be installed: its tests are left out"; \
	done

clean:
	rm -rf $(VENV) $(VENV)-* docs/_build docs/gallery build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
