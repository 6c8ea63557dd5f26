"""The probability-flow ODE as a map, against the flow that keeps the distribution function."""

import math

import pytest
import torch
from core.exact import CentredMixture, random_mixture

from molediff.core.density.flow import spherical, to_data, to_noise
from molediff.core.density.likelihood import RungeKutta4
from molediff.core.exact.mixture import two_peaks
from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.core.paths import CosineVP, Straight


@pytest.mark.parametrize("path", [CosineVP(), Straight()], ids=str)
def test_both_ways_are_the_exact_flow(path):
    data = two_peaks(path)
    x_0 = data.sample(20, path.t_min, torch.Generator().manual_seed(0))
    noise = to_noise(data.denoiser, path, x_0, RungeKutta4(200))
    torch.testing.assert_close(noise, data.flow(x_0, path.t_min, path.t_max), rtol=0, atol=1e-5)
    torch.testing.assert_close(to_data(data.denoiser, path, noise, RungeKutta4(200)), x_0, rtol=0, atol=1e-5)


def test_point_sets_stay_centred():
    path = CosineVP()
    data = CentredMixture(random_mixture(path, 3, 4), num_points=3)
    x_0 = data.expand(data.mixture.sample(4, path.t_min, torch.Generator().manual_seed(0)))
    moved = x_0 + torch.tensor([1.0, 2.0], dtype=torch.float64)
    space = ZeroCentreOfMass()
    noise = to_noise(data.denoiser, path, moved, RungeKutta4(40), space)
    torch.testing.assert_close(noise.mean(1), torch.zeros(4, 2, dtype=torch.float64))
    torch.testing.assert_close(
        to_data(data.denoiser, path, noise, RungeKutta4(40), space), x_0, atol=2e-3, rtol=0
    )


def test_great_circle_keeps_ends_and_length():
    a, b = torch.tensor([3.0, 0.0, 0.0]), torch.tensor([0.0, 5.0, 0.0])
    points = spherical(a, b, torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(points[0], a)
    torch.testing.assert_close(points[2], b, atol=1e-6, rtol=0)
    torch.testing.assert_close(points[1], 4 * torch.tensor([1.0, 1.0, 0.0]) / math.sqrt(2))


def test_great_circle_from_a_point_to_itself_stays():
    a = torch.arange(6.0).reshape(2, 3)
    torch.testing.assert_close(spherical(a, a, torch.tensor([0.3])), a[None])
