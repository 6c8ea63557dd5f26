# make demo   conformers of molecules that people know, with pages to look at     make test   run the tests
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
	@mkdir -p $(DEMO)
	@echo "1. Small molecules drawn from noise, with energies of the method whose minima the weights know"
	$(BIN)/molediff conformers data/demo.smi -n 10 --energies gfn2 --rank -o $(DEMO)/small.sdf --report $(DEMO)/small.html --overwrite
	@echo "2. Drugs that people know: different conformers near their minima, in order of energy"
	$(BIN)/molediff conformers data/demo_drugs.smi -n 20 --preset minima -o $(DEMO)/drugs.sdf --report $(DEMO)/drugs.html --overwrite
	@echo "3. How near 50 conformers come to the crystal: six drugs and natural products that no weights have seen"
	rm -rf $(DEMO)/crystals
	$(BIN)/molediff benchmark crystal --set references=data/demo_crystals.sdf --set 'num_conformers=[50]' --set 'rivals=[ETKDGv3]' \
		--set 'presets=[crystal]' --set folder=$(DEMO)/crystals -o $(DEMO)/crystals.json --overwrite
	@echo "4. How near ten conformers come to B3LYP geometries: 20 molecules that the weights have not seen"
	$(BIN)/molediff evaluate --weights qm9_b3lyp --references data/demo.sdf -o $(DEMO)/report
	@echo "Pages to look at, molecules that turn: $(DEMO)/small.html, $(DEMO)/drugs.html and $(DEMO)/report/report.html"

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
