"""Targets: one linear solve turns each into every other, on every path."""

import itertools

import pytest
import torch
from core.exact import PATHS, path_name, times_inside

from molediff.core.objective.score_matching import DenoisingScoreMatching
from molediff.core.paths import CosineVP, LinearVP, Straight, expand_like
from molediff.core.target import EDMOutput, Epsilon, Sample, Score, Target, V, Velocity, check_target, convert

TARGETS = [Epsilon(), Sample(), Score(), V(), Velocity(), EDMOutput(), EDMOutput(0.5)]


def draws(path, num=200, dtype=torch.float64):
    """x_0, eps, x_t and t over the whole interval of `path`."""
    g = torch.Generator().manual_seed(1)
    x_0, eps = torch.randn(2, num, 3, generator=g, dtype=torch.float64)
    t = times_inside(path, num)
    x_t = path.noised(x_0, eps, t)
    return (value.to(dtype) for value in (x_0, eps, x_t, t))


def prediction(target, path, x_0, eps, t):
    a, b = target.coefficients(path, t)
    return expand_like(a, x_0) * x_0 + expand_like(b, eps) * eps


@pytest.mark.parametrize("path", PATHS, ids=path_name)
def test_round_trip_of_every_pair(path):
    x_0, eps, x_t, t = draws(path)
    for source, to in itertools.product(TARGETS, TARGETS):
        pred = prediction(source, path, x_0, eps, t)
        there = convert(pred, x_t, t, path, source, to)
        truth = prediction(to, path, x_0, eps, t)
        torch.testing.assert_close(there, truth, rtol=1e-8, atol=1e-8, msg=f"{source} -> {to}")
        torch.testing.assert_close(convert(there, x_t, t, path, to, source), pred, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("target", [V(), EDMOutput()], ids=repr)
@pytest.mark.parametrize("path", [LinearVP(), CosineVP(), Straight()], ids=path_name)
def test_well_posed_targets_are_right_in_float32_at_both_ends(target, path):
    x_0, eps, x_t, t = draws(path)
    pred = prediction(target, path, x_0, eps, t).float()
    x_0_hat = convert(pred, x_t.float(), t.float(), path, target, Sample())
    # a float32 t near 1 moves alpha by 6e-8, so x_0 by no more
    torch.testing.assert_close(x_0_hat.double(), x_0, rtol=0, atol=5e-6)


def test_determinants_are_those_documented():
    t = times_inside(CosineVP(), 50)
    one = torch.ones_like(t)
    torch.testing.assert_close(V().determinant(CosineVP(), t), -one)
    torch.testing.assert_close(EDMOutput().determinant(CosineVP(), t), one)
    torch.testing.assert_close(Velocity().determinant(Straight(), times_inside(Straight(), 50)), -one)
    torch.testing.assert_close(Epsilon().determinant(CosineVP(), t), -CosineVP().alpha(t))
    torch.testing.assert_close(Sample().determinant(CosineVP(), t), CosineVP().sigma(t))


def test_edm_output_on_vp_is_minus_v():
    a, b = V().coefficients(CosineVP(), times_inside(CosineVP(), 50))
    minus_a, minus_b = EDMOutput().coefficients(CosineVP(), times_inside(CosineVP(), 50))
    torch.testing.assert_close((minus_a, minus_b), (-a, -b))


def test_edm_output_is_karras_preconditioning():
    """x_0 = c_skip x + c_out F with the c of Karras et al. 2022, table 1, on the path alpha = 1."""
    from molediff.core.paths import GeometricVE

    path, data_std = GeometricVE(), 0.5
    x_0, eps, x_t, t = draws(path)
    sigma = path.sigma(t)
    pred = prediction(EDMOutput(data_std), path, x_0, eps, t)
    c_skip = data_std**2 / (sigma**2 + data_std**2)
    c_out = sigma * data_std / (sigma**2 + data_std**2).sqrt()
    torch.testing.assert_close(c_skip[:, None] * x_t + c_out[:, None] * pred, x_0)


def test_velocity_is_the_time_derivative():
    path = LinearVP()
    x_0, eps, _, t = draws(path)
    t = t.requires_grad_()
    x_t = path.alpha(t) * x_0[:, 0] + path.sigma(t) * eps[:, 0]
    (derivative,) = torch.autograd.grad(x_t.sum(), t)
    torch.testing.assert_close(prediction(Velocity(), path, x_0, eps, t.detach())[:, 0], derivative)


@pytest.mark.parametrize(("target", "t"), [(Epsilon(), 1.0), (Score(), 1.0), (Sample(), 0.0)])
def test_targets_are_ill_posed_where_documented(target, t):
    determinant = target.determinant(Straight(), torch.tensor([t], dtype=torch.float64))
    assert float(determinant) == 0 or not determinant.isfinite()


def test_unknown_targets_are_refused():
    class Mixed(Target):
        def coefficients(self, path, t):
            return path.alpha(t), path.sigma(t)  # x_t itself: tells nothing

    with pytest.raises(ValueError, match="Use V"):
        check_target(Mixed(), CosineVP())
    with pytest.raises(ValueError, match="got 'v'"):
        DenoisingScoreMatching(CosineVP(), "v")
