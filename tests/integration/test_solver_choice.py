"""What the scripts make of solver= and eta=."""

import sys

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from places import SCRIPTS

from molediff.core.solvers import DDIM, EulerMaruyama, solver_named
from molediff.sampling.options import SOLVERS

CONFIGS = SCRIPTS.with_name("configs") / "solver"


@pytest.fixture
def build_solver(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(SCRIPTS), *sys.path])
    from _solver import build_solver

    return lambda name, eta: build_solver(
        OmegaConf.create({"solver": {"solver": {"_target_": f"molediff.core.solvers.{name}"}}, "eta": eta})
    )


@pytest.mark.parametrize("name", list(SOLVERS))
def test_a_solver_is_the_same_by_name_and_by_config(name):
    assert instantiate(OmegaConf.load(CONFIGS / f"{name}.yaml").solver) == SOLVERS[name].make()


def test_eta_goes_to_a_solver_that_has_it(build_solver):
    assert build_solver("DDIM", 0.5) == DDIM(0.5)
    assert build_solver("EulerMaruyama", 0.0) == EulerMaruyama(0.0)
    assert build_solver("DDIM", None) == DDIM()


@pytest.mark.parametrize("name", ["DPMSolverPP2M", "Heun", "Euler"])
def test_eta_without_meaning_is_one_sentence(build_solver, name):
    with pytest.raises(
        ValueError, match=rf"^{name} has no eta \(got 0.5\): leave eta out, or take solver=ddim"
    ):
        build_solver(name, 0.5)


def test_a_negative_eta_is_refused(build_solver):
    with pytest.raises(ValueError, match=r"got -0\.1"):
        build_solver("DDIM", -0.1)


def test_a_solver_takes_eta_by_name_if_it_has_one():
    assert solver_named("ddim", 0.5) == DDIM(0.5)
    assert solver_named("euler_maruyama", 0.0) == EulerMaruyama(0.0)
    with pytest.raises(ValueError, match="'euler' has no eta"):
        solver_named("euler", 0.5)


def test_the_former_name_of_low_temperature_sampling_is_understood():
    assert solver_named("dpmpp_2m_cooled") == solver_named("dpmpp_2m_low_temperature")
