# make demo   sample conformers with the shipped weights and check them     make test   run the tests
# make lint   ruff and mypy                                                 make clean  remove what these made
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

.PHONY: demo test lint clean

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

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy molediff

clean:
	rm -rf .venv $(DEMO) *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
