# Needs only make and a Python >= 3.11 with venv; everything else is installed into .venv, pinned by hash.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PINS := requirements/dev.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
AREA ?= fit
ROW ?=
WORKERS ?= 2
# A peer whose python is named in ANSATZ_PEER_… needs no environment here.
PEERS := $(if $(ANSATZ_PEER_DEEPXDE),,benchmarks/peers/.venv-deepxde/.installed)
PEERS += $(if $(ANSATZ_PEER_JINNS),,benchmarks/peers/.venv-jinns/.installed)
NANOGPT := $(if $(ANSATZ_PEER_NANOGPT),,benchmarks/peers/.venv-nanogpt/.installed)
PYTHAE := $(if $(ANSATZ_PEER_PYTHAE),,benchmarks/peers/.venv-pythae/.installed)
SB3 := $(if $(ANSATZ_PEER_SB3),,benchmarks/peers/.venv-sb3/.installed)
SEARCHERS := $(if $(ANSATZ_PEER_MCTX),,benchmarks/peers/.venv-mctx/.installed)
SEARCHERS += $(if $(ANSATZ_PEER_OPEN_SPIEL),,benchmarks/peers/.venv-open_spiel/.installed)
SNAPPY := $(if $(ANSATZ_PEER_SNAPPY),,benchmarks/peers/.venv-snappy/.installed)

export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.PHONY: help setup tour test lint bench bench-solve bench-generate bench-play bench-unknot corpus policy docs lock clean

help:  ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile

setup: $(STAMP)  ## Make the virtual environment, once

$(STAMP): pyproject.toml $(PINS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ansatz needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + "; name another: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes --only-binary :all: -r $(PINS)
	$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

tour: $(STAMP)  ## Two answers on real data, as pages in tour/
	$(BIN)/python -m ansatz.cli.tour

test: $(STAMP) lint  ## Check the style, the types, the layers, and run every test
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --quiet

lint: $(STAMP)  ## Check the style, the types and the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: $(STAMP)  ## Measure the bars of an area: AREA=fit, one row of it: ROW=3
	$(BIN)/python -m benchmarks.run $(AREA) $(ROW)

bench-solve: $(STAMP) $(PEERS)  ## Make the peers' environments and measure every bar of solve
	$(BIN)/python -m benchmarks.run solve $(ROW)

bench-generate: $(STAMP) $(NANOGPT) $(PYTHAE)  ## Make the peers' environments and measure the bars of generate
	$(BIN)/python -m benchmarks.run generate $(ROW)

bench-unknot: $(STAMP) $(SNAPPY)  ## Make the peers' environment and measure the bars of unknot
	$(BIN)/python -m benchmarks.run unknot $(ROW)

bench-play: $(STAMP) $(SB3) $(SEARCHERS)  ## Make the peers' environments and measure the bars of play
	$(BIN)/python -m benchmarks.run play $(ROW)

corpus: $(STAMP)  ## Untie the hard unknots and the knots to 10 crossings, with certificates
	$(BIN)/python -m benchmarks.corpus

policy: $(STAMP)  ## Make the fresh hard diagrams and train the policy for untying that come with the package
	$(BIN)/python -m benchmarks.unknot_policy

benchmarks/peers/.venv-%/.installed: benchmarks/peers/%.txt
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip --disable-pip-version-check --quiet install -r $<
	@touch $@

docs: $(STAMP)  ## Build the documentation into site/; its chapters are executed
	$(BIN)/python -m benchmarks.page
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lock: $(STAMP)  ## Pin the dependencies anew, for Python 3.11 to 3.13
	$(BIN)/python -m requirements.lock

clean:  ## Remove what the other targets made, but for the environment
	rm -rf site tour build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis
