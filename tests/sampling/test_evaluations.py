"""Evaluations of solvers whose cost is known."""

import pytest

from molediff.core.paths import CosineVP
from molediff.core.solvers import DPMSolverPP2M, Heun
from molediff.sampling.evaluations import count_evaluations, steps_within


@pytest.mark.parametrize(("solver", "expected"), [(DPMSolverPP2M(), [1, 2, 5]), (Heun(), [1, 3, 9])])
def test_heun_takes_two_a_step_and_one_in_the_last(solver, expected):
    assert [count_evaluations(solver, "central_lambda", CosineVP(), steps) for steps in (1, 2, 5)] == expected


def test_steps_fill_the_evaluations_allowed():
    assert steps_within(DPMSolverPP2M(), "central_lambda", CosineVP(), 20) == (20, 20)
    assert steps_within(Heun(), "central_lambda", CosineVP(), 20) == (10, 19)
    assert steps_within(Heun(), "central_lambda", CosineVP(), 2) == (1, 1)
