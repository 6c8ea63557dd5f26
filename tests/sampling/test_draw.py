"""The start of every sampler."""

import math

import pytest
import torch
from core.all_solvers import ODE_SOLVERS, STOCHASTIC_SOLVERS

from molediff.core.geometry.space import FullSpace, ZeroCentreOfMass
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP, Straight
from molediff.core.solvers import central_lambda, uniform_lambda, with_final_denoising
from molediff.core.target import Sample
from molediff.sampling.draw import draw, start_noise
from molediff.sampling.seeds import numbered_generators
from molediff.sampling.trajectory import Trajectory


def model_on(path, space=FullSpace()):  # noqa: B008 (frozen and empty)
    return DiffusionModel(torch.nn.Identity(), path, Sample(), space)


def generators(num):
    return numbered_generators(3, range(num))


@pytest.mark.parametrize("grid", [central_lambda, uniform_lambda])
@pytest.mark.parametrize("path", [CosineVP(), Straight()], ids=lambda path: type(path).__name__)
def test_the_start_is_sigma_times_unit_noise(path, grid):
    model, times = model_on(path), with_final_denoising(grid(path, 4))
    unit = generators(2).normal((2, 5, 3))
    x_1 = start_noise(model, times, (5, 3), generators(2))
    torch.testing.assert_close(x_1, float(path.sigma(times[0])) * unit)


def test_the_start_lies_in_the_space_of_the_model_and_padding_is_zero():
    model, times = model_on(CosineVP(), ZeroCentreOfMass()), torch.tensor([1.0, 0.0], dtype=torch.float64)
    mask = torch.tensor([[True, True, True, False], [True] * 4])
    x_1 = start_noise(model, times, (4, 3), generators(2), mask)
    assert x_1[0, 3].abs().max() == 0
    torch.testing.assert_close(x_1.sum(1), torch.zeros(2, 3), atol=1e-6, rtol=0)


@pytest.mark.parametrize("solver", [*ODE_SOLVERS, *STOCHASTIC_SOLVERS], ids=repr)
def test_every_solver_keeps_one_state_and_estimate_for_the_beginning_of_each_step(solver):
    """However often it evaluates the network within a step."""
    model = model_on(CosineVP())
    times = with_final_denoising(central_lambda(model.path, 4))
    x_1, steps = start_noise(model, times, (2,), generators(3), dtype=torch.float64), []
    x_0 = draw(model, solver, times, lambda x, t: 0.5 * x, x_1, generators(3), callback=steps.append)
    way = Trajectory.of(steps, lambda x: 2 * x.numpy())
    torch.testing.assert_close(torch.from_numpy(way.times), times[:-1])
    assert way.x_t.shape == way.x_0_hat.shape == (5, 3, 2)
    torch.testing.assert_close(torch.from_numpy(way.x_t[0]), 2 * x_1)
    torch.testing.assert_close(torch.from_numpy(way.x_0_hat[-1]), 2 * x_0)
    assert math.isclose(float(times[-1]), 0.0)
