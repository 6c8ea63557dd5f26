"""The house keeps its shape: who may import whom, what stays out of the package, how long a file may be.

Read from the source by `ast`, so that imports inside functions count and nothing needs to run.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import PACKAGE, ROOT

FILES = sorted(PACKAGE.rglob("*.py"))

DOMAINS = ("molecules", "particles", "images")
BELOW = {"runtime", "core", "networks", "sampling", "training"}
MAY_IMPORT = {
    "runtime": {"runtime"},
    "core": {"core"},
    "networks": {"networks", "core", "runtime"},
    "sampling": {"sampling", "networks", "core", "runtime"},
    "training": BELOW,
    **{domain: {domain, *BELOW} for domain in DOMAINS},
    "evaluation": {"evaluation", *DOMAINS, *BELOW},
    "commands": {"commands", "evaluation", *DOMAINS, *BELOW},
}
SUBJECTS = ("conformers", "images", "particles", "mathematics", "whole")
"""Of evaluation: they share its room `report`, and none imports another."""

MAX_LINES = 300
MAX_SOLVER_LINES = 110


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported_modules(source: str, package: str) -> Iterator[str]:
    """Full names of all modules that a file of `package` imports, and of what it imports from them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*parents, *filter(None, [node.module])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def imports_of(path: Path) -> set[str]:
    package = ".".join(path.relative_to(ROOT).parent.parts)
    return set(imported_modules(path.read_text(encoding="utf-8"), package))


def parts_imported(path: Path) -> set[str]:
    """Parts of the house ("core", "networks", ...) that a file imports; of a file at the root its own name."""
    ours = (name.split(".") for name in imports_of(path) if name.startswith("molediff."))
    return {name[1] for name in ours if is_part(name[1])}


def is_part(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def third_parties(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports_of(path)} - set(sys.stdlib_module_names) - {"molediff"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import molediff.core.path as p", "molediff.core.path"),
        ("from molediff import networks", "molediff.networks"),
        ("from ..networks import graph", "molediff.networks.graph"),
        ("from . import path", "molediff.core.path"),
        ("def f():\n    from hydra.utils import instantiate", "hydra.utils.instantiate"),
    ],
)
def test_every_kind_of_import_is_seen(source, expected):
    assert expected in imported_modules(source, "molediff.core")


def test_every_folder_has_its_place():
    folders = {path.relative_to(PACKAGE).parts[0] for path in FILES if path.parent != PACKAGE}
    assert folders <= set(MAY_IMPORT), f"say in MAY_IMPORT whom {folders - set(MAY_IMPORT)} may import"


def test_no_file_stands_at_the_root_of_the_package():
    """But what Python asks for there: `__main__.py` is `python -m molediff`."""
    assert [path.name for path in FILES if path.parent == PACKAGE] == ["__init__.py", "__main__.py"]


def test_the_arrows_run_one_way():
    wrong = {}
    for path in FILES:
        own = path.relative_to(PACKAGE).parts[0]
        if own in MAY_IMPORT:  # molediff/__init__.py may name what it offers, __main__.py the command
            wrong[name_of(path)] = parts_imported(path) - MAY_IMPORT[own]
    assert {path: parts for path, parts in wrong.items() if parts} == {}


def test_subjects_of_evaluation_share_the_report_alone():
    wrong = {}
    for subject in SUBJECTS:
        for path in sorted((PACKAGE / "evaluation" / subject).rglob("*.py")):
            rooms = {
                name.split(".")[2] for name in imports_of(path) if name.startswith("molediff.evaluation.")
            }
            wrong[name_of(path)] = rooms - {subject, "report"}
    assert {path: rooms for path, rooms in wrong.items() if rooms} == {}


def test_the_package_knows_no_config_and_no_script():
    """Hydra and the parser of command lines are for commands; a notebook can use the package without a config."""
    commands = PACKAGE / "commands"
    for path in FILES:
        barred = {"scripts", "tests"} | (
            set() if commands in path.parents else {"hydra", "omegaconf", "typer"}
        )
        assert third_parties(path).isdisjoint(barred), name_of(path)


def test_core_imports_torch_alone():
    """And SciPy's assignment, in the one place that uses it."""
    users: dict[str, list[str]] = {}
    for path in sorted((PACKAGE / "core").rglob("*.py")):
        for module in third_parties(path):
            users.setdefault(module, []).append(name_of(path))
    assert set(users) <= {"torch", "scipy"}, users
    assert all(len(files) == 1 for module, files in users.items() if module != "torch"), users


def test_networks_know_no_chemistry():
    for path in sorted((PACKAGE / "networks").rglob("*.py")):
        assert third_parties(path).isdisjoint({"rdkit", "pytorch_lightning", "qm9pack"}), name_of(path)


def test_nothing_executable_is_loaded():
    """`torch.load` only with weights_only=True, and no pickle."""
    for path in FILES:
        assert "pickle" not in {name.split(".")[0] for name in imports_of(path)}, name_of(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                assert keywords.get("weights_only") == "True", f"{name_of(path)}, line {node.lineno}"


def test_a_file_fits_on_a_few_screens():
    solvers = PACKAGE / "core" / "solvers"
    too_long = {}
    for path in [*FILES, *sorted((ROOT / "scripts").glob("*.py"))]:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > (MAX_SOLVER_LINES if path.parent == solvers else MAX_LINES):
            too_long[name_of(path)] = lines
    assert too_long == {}


def test_no_drawer_for_odds_and_ends():
    drawers = {"utils.py", "helpers.py", "misc.py", "common.py"}
    assert not [name_of(path) for path in FILES if path.name in drawers]
