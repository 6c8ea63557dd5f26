"""The control variate changes the noise of the regression target and nothing else."""

import math

import pytest
import torch
from torch import Tensor

from molediff.core.objective.score_matching import DenoisingScoreMatching, Uniform
from molediff.core.objective.target_score import TargetScore
from molediff.core.paths import CosineVP, expand_like
from molediff.core.target import V

PATH = CosineVP()
MEANS = torch.tensor([[-1.2, 0.3], [0.9, -0.5]], dtype=torch.float64)
STD = 0.3
SCALE = 1.7  # data units are SCALE times model units


def mixture(num: int, generator: torch.Generator) -> Tensor:
    """Samples (num, 2) of an even mixture of two normal distributions, in model units."""
    which = torch.randint(0, 2, (num,), generator=generator)
    return MEANS[which] + STD * torch.randn(num, 2, generator=generator, dtype=torch.float64)


def mixture_score(x: Tensor, alpha: Tensor | float = 1.0, sigma: Tensor | float = 0.0) -> Tensor:
    """Score of the mixture after noising, in model units."""
    alpha, sigma = torch.as_tensor(alpha), torch.as_tensor(sigma)
    variance = alpha**2 * STD**2 + sigma**2
    apart = x.unsqueeze(1) - alpha * MEANS
    share = (-0.5 * apart.square().sum(-1) / variance).softmax(1)
    return -(share.unsqueeze(-1) * apart).sum(1) / variance


def target_score(local_std: float) -> TargetScore:
    return TargetScore(lambda x: mixture_score(x / SCALE) / SCALE, SCALE, local_std)


def local_std() -> float:
    score = mixture_score(mixture(100_000, torch.Generator().manual_seed(0)))
    return float((2 / score.square().sum(1).mean()).sqrt())


@pytest.fixture
def drawn() -> tuple[Tensor, Tensor, torch.Generator]:
    generator = torch.Generator().manual_seed(1)
    x_0 = mixture(40_000, generator)
    return x_0, torch.randn(x_0.shape, generator=generator, dtype=torch.float64), generator


def at(lambda_: float, num: int) -> Tensor:
    return PATH.t_of_lambda(torch.full((num,), lambda_, dtype=torch.float64))


@pytest.mark.parametrize("lambda_", [-2.0, 0.5, 2.0, 5.0])
def test_the_noised_sample_stays_and_the_pair_changes(drawn, lambda_):
    x_0, eps, _ = drawn
    t = at(lambda_, len(x_0))
    new_x_0, new_eps = target_score(0.3)(x_0, eps, PATH, t)
    alpha, sigma = PATH.alpha(t)[:, None], PATH.sigma(t)[:, None]
    torch.testing.assert_close(
        alpha * new_x_0 + sigma * new_eps, alpha * x_0 + sigma * eps, rtol=0, atol=1e-8
    )
    assert (new_eps - eps).square().mean() > 1e-3


@pytest.mark.parametrize("lambda_", [-1.0, 0.5, 1.5, 3.0])
def test_the_posterior_mean_of_the_noise_is_unchanged(drawn, lambda_):
    """E[new eps . g(x_t)] = E[eps . g(x_t)] for any g, here for the exact noise estimate and a nonlinear function."""
    x_0, eps, _ = drawn
    t = at(lambda_, len(x_0))
    x_t = PATH.noised(x_0, eps, t)
    new_eps = target_score(local_std())(x_0, eps, PATH, t)[1]
    for g in (mixture_score(x_t, PATH.alpha(t[0]), PATH.sigma(t[0])), torch.sin(2 * x_t), x_t**3):
        change = ((new_eps - eps) * g).sum(1)
        assert abs(float(change.mean())) < 4 * float(change.std()) / math.sqrt(len(change))


@pytest.mark.parametrize("lambda_", [-1.0, 0.5, 1.5, 3.0])
def test_the_variance_falls_and_the_formula_is_the_best_share(drawn, lambda_):
    x_0, eps, _ = drawn
    t = at(lambda_, len(x_0))
    alpha, sigma = PATH.alpha(t[0]), PATH.sigma(t[0])
    exact = -sigma * mixture_score(alpha * x_0 + sigma * eps, alpha, sigma)

    def variance(std: float) -> float:
        return float((target_score(std)(x_0, eps, PATH, t)[1] - exact).square().mean())

    best = variance(local_std())
    assert best < float((eps - exact).square().mean())
    assert best < min(variance(0.6 * local_std()), variance(local_std() / 0.6)) * 1.002


def test_no_noise_is_left_for_a_normal_distribution(drawn):
    _, eps, generator = drawn
    std = 0.4
    x_0 = std * torch.randn(eps.shape, generator=generator, dtype=torch.float64)
    t = PATH.t_of_lambda(torch.linspace(-5, 6, len(x_0), dtype=torch.float64))
    alpha, sigma = PATH.alpha(t)[:, None], PATH.sigma(t)[:, None]
    new_eps = TargetScore(lambda x: -x / std**2, 1.0, std)(x_0, eps, PATH, t)[1]
    exact = sigma * (alpha * x_0 + sigma * eps) / (alpha**2 * std**2 + sigma**2)
    torch.testing.assert_close(new_eps, exact, rtol=0, atol=1e-9)


def test_the_size_of_what_is_regressed_is_the_closed_form(drawn):
    x_0, eps, _ = drawn
    s = local_std()
    for lambda_ in (-1.0, 1.0, 3.0):
        t = at(lambda_, len(x_0))
        alpha, sigma = float(PATH.alpha(t[0])), float(PATH.sigma(t[0]))
        size = float(target_score(s)(x_0, eps, PATH, t)[1].square().mean())
        assert size == pytest.approx(sigma**2 / (alpha**2 * s**2 + sigma**2), rel=0.03)


def test_the_expected_gradient_of_the_loss_is_unchanged_and_less_noisy(drawn):
    """Of a linear model of v on features of x_t: per-sample gradients with and without, on the same draws."""
    x_0, eps, generator = drawn
    plain = DenoisingScoreMatching(PATH, V(), density=Uniform())
    better = DenoisingScoreMatching(PATH, V(), density=Uniform(), control_variate=target_score(local_std()))
    t = plain.sample_times(len(x_0), generator).double().clamp(0.01, 0.6)
    x_t = plain.path.noised(x_0, eps, t)
    features = torch.cat([x_t, torch.sin(2 * x_t), expand_like(t, x_t)], dim=1)

    def gradients(objective: DenoisingScoreMatching) -> Tensor:
        weights = 0.1 * torch.ones(len(x_0), features.shape[1], 2, dtype=torch.float64)
        weights.requires_grad_()
        pred = (features.unsqueeze(1) @ weights).squeeze(1)
        (gradient,) = torch.autograd.grad(objective.loss(pred, x_0, eps, t).sum(), weights)
        return gradient.flatten(1)

    with_forces, without = gradients(better), gradients(plain)
    change = with_forces - without
    assert bool((change.mean(0).abs() < 4.5 * change.std(0) / math.sqrt(len(change))).all())
    assert with_forces.var(0).sum() < 0.7 * without.var(0).sum()


@pytest.mark.parametrize(("scale", "std"), [(0.0, 0.3), (1.0, -1.0)])
def test_lengths_must_be_positive(scale, std):
    with pytest.raises(ValueError, match="must be positive"):
        TargetScore(torch.neg, scale, std)
