"""Grids of times: where they begin and end, what is equal in them, and what is refused."""

import math

import pytest
import torch
from core.exact import PATHS_FOR_SOLVERS, path_name

from molediff.core.paths import CosineVP
from molediff.core.solvers import (
    DDIM,
    AtLambdas,
    central_lambda,
    karras,
    uniform_lambda,
    uniform_t,
    with_final_denoising,
)


@pytest.mark.parametrize("grid", [uniform_t, uniform_lambda, karras])
@pytest.mark.parametrize("path", PATHS_FOR_SOLVERS, ids=path_name)
def test_grids_descend_over_the_whole_interval(grid, path):
    times = grid(path, 7)
    assert times.shape == (8,)
    assert times.dtype == torch.float64
    assert (times.diff() < 0).all()
    assert float(times[0]) == path.t_max
    assert float(times[-1]) == path.t_min


def test_grids_are_uniform_in_what_they_say():
    path = CosineVP()
    equal = lambda values: torch.testing.assert_close(values.diff(), values.diff()[:1].expand(9))  # noqa: E731
    equal(uniform_t(path, 9))
    equal(path.lambda_(uniform_lambda(path, 9)))
    equal(torch.exp(-path.lambda_(karras(path, 9)) / 7))
    equal(path.lambda_(central_lambda(path, 9)))


def test_central_grid_keeps_to_its_bounds():
    path = CosineVP()
    ends = path.lambda_(central_lambda(path, 4, bound=2.5)[[0, -1]])
    torch.testing.assert_close(ends, torch.tensor([-2.5, 2.5], dtype=torch.float64))


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (torch.tensor([0.5]), "at least one step"),
        (torch.linspace(0.1, 0.9, 5), "descend"),
        (torch.tensor([0.9, 0.5, 0.5, 0.1]), "descend"),
        (torch.tensor([1.0, 0.5, 0.1]), "leave"),
        (torch.tensor([0.9, 0.5, 1e-7]), "leave"),
        (torch.tensor([0.9, 0.5, math.nan]), "descend"),
    ],
)
def test_bad_grids_are_refused(times, words):
    with pytest.raises(ValueError, match=words):
        DDIM().sample(lambda x, t: x, CosineVP(), times, torch.zeros(1, 2))


def test_a_grid_of_own_times_has_no_other_number_of_steps():
    path, grid = CosineVP(), AtLambdas((-3.0, 0.0, 2.0))
    assert path.lambda_(grid(path, 2)).tolist() == pytest.approx([-3, 0, 2])
    with pytest.raises(ValueError, match="3 times"):
        grid(path, 3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: uniform_t(CosineVP(), 0), "at least one step"),
        (lambda: karras(CosineVP(), 5, rho=0.0), "rho"),
        (lambda: central_lambda(CosineVP(), 5, bound=8.0), "smaller bound"),
        (lambda: with_final_denoising(torch.tensor([1.0, 0.0])), "already"),
    ],
)
def test_impossible_grids_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
