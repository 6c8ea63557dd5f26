"""The exact answers, held against each other."""

import math

import pytest
import torch
from core.exact import random_mixture

from molediff.core.exact.mixture import islands, two_peaks
from molediff.core.paths import CosineVP, GeometricVE
from molediff.core.solvers import Dopri5, uniform_lambda


@pytest.mark.parametrize("path", [CosineVP(), GeometricVE()], ids=lambda path: type(path).__name__)
def test_quantiles_invert_the_distribution_function(path):
    u = torch.tensor([1e-6, 0.1, 0.4, 0.5, 0.999], dtype=torch.float64)
    data = two_peaks(path)
    for t in (path.t_min, 0.4, path.t_max):
        torch.testing.assert_close(data.cdf(data.quantile(u, t), t), u, rtol=1e-9, atol=1e-12)


def test_the_flow_of_quantiles_is_the_ode():
    path = CosineVP()
    data = two_peaks(path)
    x_1 = data.sample(20, path.t_max, torch.Generator().manual_seed(0))
    solved = Dopri5(1e-9, 1e-9).sample(data.denoiser, path, uniform_lambda(path, 1), x_1)
    torch.testing.assert_close(data.flow(x_1, path.t_max, path.t_min), solved, rtol=0, atol=1e-6)


def test_a_projection_has_the_moments_of_the_whole():
    data = random_mixture(CosineVP(), 3, 4)
    direction = torch.tensor([0.5, 0.5, -0.5, 0.5], dtype=torch.float64)
    mean, covariance = data.moments(0.3)
    projected_mean, projected_covariance = data.projected(direction).moments(0.3)
    torch.testing.assert_close(projected_mean[0], mean @ direction)
    torch.testing.assert_close(projected_covariance[0, 0], direction @ covariance @ direction)


def test_responsibilities_are_certain_in_the_cold_and_the_weights_in_the_heat():
    path = CosineVP()
    data = islands(path)
    cold, hot = (torch.full((5,), t, dtype=torch.float64) for t in (path.t_min, path.t_max))
    torch.testing.assert_close(
        data.responsibilities(data.means, cold), torch.eye(5, dtype=torch.float64), rtol=0, atol=1e-6
    )
    torch.testing.assert_close(
        data.responsibilities(torch.zeros_like(data.means), hot), data.weights.expand(5, 5), rtol=0.01, atol=0
    )


def test_the_islands_have_mean_zero_and_about_unit_variance():
    mean, covariance = islands(CosineVP()).moments(None)
    assert mean.abs().max() < 1e-12
    assert math.isclose(float(covariance.diagonal().mean()), 1.0, abs_tol=0.15)
