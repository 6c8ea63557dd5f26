"""What the scripts make of solver= and eta=."""

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from places import CONFIGS

from molediff.commands.configured import with_eta
from molediff.core.solvers import DDIM, DPMSolverPP2M, Euler, EulerMaruyama, Heun, solver_named
from molediff.sampling.options import SOLVERS


@pytest.mark.parametrize("name", list(SOLVERS))
def test_a_solver_is_the_same_by_name_and_by_config(name):
    assert instantiate(OmegaConf.load(CONFIGS / "solver" / f"{name}.yaml").solver) == SOLVERS[name].make()


def test_eta_goes_to_a_solver_that_has_it():
    assert with_eta(DDIM(), 0.5) == DDIM(0.5)
    assert with_eta(EulerMaruyama(), 0.0) == EulerMaruyama(0.0)
    assert with_eta(DDIM(0.3), None) == DDIM(0.3)


@pytest.mark.parametrize("solver", [DPMSolverPP2M(), Heun(), Euler()])
def test_eta_without_meaning_is_one_sentence(solver):
    name = type(solver).__name__
    with pytest.raises(
        ValueError, match=rf"^{name} has no eta \(got 0.5\): leave eta out, or take solver=ddim"
    ):
        with_eta(solver, 0.5)


def test_eta_needs_a_solver_of_its_own():
    with pytest.raises(ValueError, match=r"eta=0.5 needs solver=ddim"):
        with_eta(None, 0.5)


def test_a_negative_eta_is_refused():
    with pytest.raises(ValueError, match=r"got -0\.1"):
        with_eta(DDIM(), -0.1)


def test_a_solver_takes_eta_by_name_if_it_has_one():
    assert solver_named("ddim", 0.5) == DDIM(0.5)
    assert solver_named("euler_maruyama", 0.0) == EulerMaruyama(0.0)
    with pytest.raises(ValueError, match="'euler' has no eta"):
        solver_named("euler", 0.5)


def test_the_former_name_of_low_temperature_sampling_is_understood():
    assert solver_named("dpmpp_2m_cooled") == solver_named("dpmpp_2m_low_temperature")
