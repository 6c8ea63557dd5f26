"""Guidance and inpainting against conditioned normals."""

import pytest
import torch
from core.exact import OneStream, gaussian, generators

from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.core.guidance import classifier_free, drop_condition, energy_guided
from molediff.core.paths import CosineVP, expand_like
from molediff.core.solvers import Ancestral, DPMSolverPP3M, Inpainting, uniform_lambda, with_final_denoising

PATH = CosineVP()
COVARIANCE = [[0.6, 0.4], [0.4, 0.5]]


def test_classifier_free_limits():
    conditional, unconditional = (lambda x, t: 2 * x), (lambda x, t: x + 1)
    x, t = torch.randn(3, 2, generator=torch.Generator().manual_seed(0)), torch.full((3,), 0.5)
    assert torch.equal(classifier_free(conditional, unconditional, 0)(x, t), conditional(x, t))
    assert torch.equal(classifier_free(conditional, unconditional, -1)(x, t), unconditional(x, t))
    expected = 3 * conditional(x, t) - 2 * unconditional(x, t)
    torch.testing.assert_close(classifier_free(conditional, unconditional, 2)(x, t), expected)


def test_classifier_free_extrapolates_the_score():
    """In the score it is (1 + w) score_c - w score_u at every t."""
    narrow, wide = (
        gaussian(PATH, [1.0, 0.0], COVARIANCE),
        gaussian(PATH, [0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]]),
    )
    x, t = (
        torch.randn(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)),
        torch.linspace(0.1, 0.9, 9),
    )
    t = t.double()
    x_0_hat = classifier_free(narrow.denoiser, wide.denoiser, 1.5)(x, t)
    score = (PATH.alpha(t)[:, None] * x_0_hat - x) / PATH.sigma(t)[:, None] ** 2
    torch.testing.assert_close(score, 2.5 * narrow.score(x, t) - 1.5 * wide.score(x, t))


def test_conditions_are_dropped_with_the_given_probability():
    dropped = drop_condition(20000, 0.15, torch.Generator().manual_seed(0))
    assert float(dropped.double().mean()) == pytest.approx(0.15, abs=4 * (0.15 * 0.85 / 20000) ** 0.5)
    assert not drop_condition(100, 0.0).any()
    with pytest.raises(ValueError, match=r"1\.2"):
        drop_condition(5, 1.2)


def test_a_linear_energy_moves_a_gaussian_exactly():
    """p(x) exp(-s k . x) is the same normal, moved by -s C k: mean and covariance from the images of origin
    and axes."""
    data, k, strength = (
        gaussian(PATH, [0.3, -0.2], COVARIANCE),
        torch.tensor([1.0, 0.5], dtype=torch.float64),
        0.7,
    )
    guided = energy_guided(data.denoiser, PATH, lambda x: x @ k, strength)
    mean_1, covariance_1 = data.moments(PATH.t_max)
    root = torch.linalg.cholesky(covariance_1)
    x = DPMSolverPP3M().sample(
        guided, PATH, uniform_lambda(PATH, 200), torch.cat([mean_1[None], mean_1 + root.T])
    )
    mean, covariance = data.moments(PATH.t_min)
    moved = mean - strength * data.covariances[0] @ k
    # the prior does not know of the energy: alpha (1 - 0.001) of the move at t_max
    torch.testing.assert_close(x[0], moved, rtol=0, atol=2e-3)
    torch.testing.assert_close((x[1:] - x[0]).T @ (x[1:] - x[0]), covariance, rtol=0, atol=1e-4)


def test_inpainting_draws_from_the_conditional():
    """The second coordinate given the first, of a correlated normal: mean and variance of the conditional."""
    data, num, value = gaussian(PATH, [0.0, 0.0], COVARIANCE), 600, 0.9
    known = torch.tensor([value, 0.0], dtype=torch.float64).expand(num, 2)
    solver = Inpainting(known, torch.tensor([[True, False]]), num_repeats=15)
    x_1 = torch.randn(num, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    times = with_final_denoising(uniform_lambda(PATH, 50))
    x = solver.sample(data.denoiser, PATH, times, x_1, space=OneStream())
    torch.testing.assert_close(x[:, 0], known[:, 0])
    mean, variance = 0.4 / 0.6 * value, 0.5 - 0.4**2 / 0.6
    bias = 0.03  # 50 steps and 15 repeats
    assert float(x[:, 1].mean()) == pytest.approx(mean, abs=4 * (variance / num) ** 0.5 + bias)
    assert float(x[:, 1].var()) == pytest.approx(variance, abs=4 * variance * (2 / num) ** 0.5 + bias)


def test_resampling_is_what_makes_inpainting_right():
    data, num = gaussian(PATH, [0.0, 0.0], COVARIANCE), 300
    known = torch.tensor([0.9, 0.0], dtype=torch.float64).expand(num, 2)
    x_1 = torch.randn(num, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def error(repeats):
        solver = Inpainting(known, torch.tensor([[True, False]]), num_repeats=repeats)
        x = solver.sample(data.denoiser, PATH, uniform_lambda(PATH, 20), x_1, space=OneStream())
        return abs(float(x[:, 1].mean()) - 0.6)

    assert error(10) < 0.5 * error(1)


def test_a_fragment_is_kept_in_the_centred_subspace():
    """Three of five points known, up to a translation: their shape comes back, and the sample stays centred."""
    space, is_known = ZeroCentreOfMass(), torch.tensor([True, True, True, False, False])[None, :, None]
    fragment = torch.randn(1, 5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 7.0
    denoiser = lambda x, t: expand_like(PATH.alpha(t), x) * x  # noqa: E731
    x_1 = space.sample((4, 5, 3), generators(4), dtype=torch.float64)
    times = with_final_denoising(uniform_lambda(PATH, 20))
    x = Inpainting(fragment, is_known, Ancestral(), num_repeats=3).sample(
        denoiser, PATH, times, x_1, generators(4), space
    )
    shape = lambda y: y[:, :3] - y[:, :3].mean(1, keepdim=True)  # noqa: E731
    torch.testing.assert_close(shape(x), shape(fragment).expand(4, 3, 3))
    assert x.sum(1).abs().max() < 1e-10
