"""Every domain runs on the same diffusion classes, and no domain has mathematics of its own."""

import ast

import pytest
from places import PACKAGE

from molediff.core.model import DiffusionModel
from molediff.core.objective.score_matching import DenoisingScoreMatching
from molediff.core.paths import Path as NoisingPath
from molediff.core.solvers import Solver
from molediff.core.target import Target
from molediff.images import generator as of_images
from molediff.molecules import generator as of_molecules
from molediff.networks.pretrained import load_model

OUTSIDE = sorted(
    file
    for part in ("molecules", "particles", "images", "networks", "training", "sampling", "evaluation")
    for file in (PACKAGE / part).rglob("*.py")
)

COEFFICIENTS = {
    "alpha",
    "sigma",
    "log_alpha",
    "log_sigma",
    "dlog_alpha_dt",
    "dlambda_dt",
    "diffusion_squared",
    "drift",
}
"""Methods of a path. Who calls several of them in one function is writing a formula that belongs in core."""

MATHEMATICS = (NoisingPath, Target, Solver, DiffusionModel, DenoisingScoreMatching)


def formulas(source: str) -> list[str]:
    """Functions of a file that noise, convert or weight by themselves, with what they take from the path."""
    found = []
    for function in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)):
        used = {
            call.func.attr
            for call in ast.walk(function)
            if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr in COEFFICIENTS
        }
        if len(used) > 1 or function.name in COEFFICIENTS:
            found.append(f"{function.name}: {', '.join(sorted(used))}")
    return found


def bases(source: str) -> set[str]:
    """Last names of all classes that a file derives from."""
    classes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef))
    return {ast.unparse(base).split(".")[-1] for node in classes for base in node.bases}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(p, t): return p.alpha(t) * x + p.sigma(t) * eps", ["f: alpha, sigma"]),
        ("def log_alpha(t): return -t", ["log_alpha: "]),
        (
            "class P:\n    def g(self, t): return self.path.drift(t) - self.path.dlambda_dt(t)",
            ["g: dlambda_dt, drift"],
        ),
        ("def f(p, t): return p.sigma(t) * noise", []),
        ("def f(p, t): return p.lambda_(t)", []),
    ],
)
def test_a_formula_is_seen(source, found):
    assert formulas(source) == found


def test_no_formula_of_diffusion_outside_core():
    found = {str(path.relative_to(PACKAGE)): formulas(path.read_text(encoding="utf-8")) for path in OUTSIDE}
    assert len(found) > 100
    assert {path: functions for path, functions in found.items() if functions} == {}


def test_no_class_of_diffusion_is_derived_from_outside_core():
    names = {kind.__name__ for kind in MATHEMATICS}
    found = {
        str(path.relative_to(PACKAGE)): bases(path.read_text(encoding="utf-8")) & names for path in OUTSIDE
    }
    assert {path: derived for path, derived in found.items() if derived} == {}


def test_molecules_and_images_are_the_same_classes_with_another_network():
    """The shipped weights of both domains are rebuilt into one class, whose parts but the network are alike."""
    assert of_images.load_model is of_molecules.load_model is load_model
    images, molecules = (load_model(name)[0] for name in ("digits", "qm9"))
    assert type(images) is type(molecules) is DiffusionModel
    for part in ("path", "target"):
        assert type(getattr(images, part)) is type(getattr(molecules, part))
        assert type(getattr(images, part)).__module__.startswith("molediff.core")
    assert type(images.network) is not type(molecules.network)
