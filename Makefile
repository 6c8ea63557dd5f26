# make demo   sample conformers with the shipped weights and check them     make test   run the tests
# make lint   ruff and mypy                                                 make clean  remove what these made
# make docs   build the documentation site into build/docs, running its pages
# make test-portable   the numerical tests once more, as on a processor without vector instructions
#
# Each of them first installs molediff into .venv, where that is missing or older than its requirements.
# PYTHON chooses the interpreter, PIP_ARGS goes to pip (for example an index that has a CPU build of torch),
# PYTEST_ARGS to pytest.

PYTHON ?= python3
PIP_ARGS ?=
PYTEST_ARGS ?= --numprocesses=auto --maxprocesses=4 --dist=worksteal

BIN := .venv/bin
INSTALLED := .venv/.installed
DEMO := outputs/demo

.PHONY: demo test test-portable lint docs clean

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "molediff needs Python 3.10 or later; name one: make PYTHON=python3.11")'
	@echo "Installing molediff into .venv (a few minutes the first time)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e ".[all,dev]"
	@touch $@

demo: $(INSTALLED)
	$(BIN)/python scripts/sample.py data/demo.smi num_conformers=10 output=$(DEMO)/conformers.sdf
	$(BIN)/python scripts/evaluate.py references=data/demo.sdf output=$(DEMO)/report
	@echo "Conformers: $(DEMO)/conformers.sdf (one line a molecule: $(DEMO)/status.csv)"
	@echo "How good they are, beside RDKit's, on 20 held-out molecules: $(DEMO)/report/report.html"

# One thread a process: the tests run in parallel instead.
test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS)

# Another order of summation, other last bits. NumPy is told to leave out all that it could choose beyond its baseline.
PORTABLE := tests/golden tests/core tests/sampling tests/particles/test_energies.py tests/particles/test_mmff.py \
	tests/particles/test_diagnostics.py tests/evaluation/particles/metrics tests/evaluation/conformers/metrics \
	tests/evaluation/images/metrics tests/networks/test_equivariant.py tests/networks/test_layers.py \
	tests/networks/test_unet.py tests/images/test_pixels.py tests/images/test_generator.py
DISPATCHED := import numpy._core._multiarray_umath as m; print(*m.__cpu_dispatch__)

test-portable: $(INSTALLED)
	OMP_NUM_THREADS=1 ATEN_CPU_CAPABILITY=default NPY_DISABLE_CPU_FEATURES="$$($(BIN)/python -c '$(DISPATCHED)')" \
		$(BIN)/python -m pytest -m "not slow" $(PYTEST_ARGS) $(PORTABLE)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy molediff

docs: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e ".[docs]"
	PATH="$(CURDIR)/$(BIN):$$PATH" OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -W --keep-going -q docs build/docs
	@echo "The site: build/docs/index.html"

clean:
	rm -rf .venv build/docs $(DEMO) *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
