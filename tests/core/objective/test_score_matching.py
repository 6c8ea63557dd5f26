"""Weights, time densities and the loss: one number in every target, and the same gradient for the same product."""

import math

import pytest
import torch
from core.exact import PATHS, gaussian, path_name, times_inside
from scipy.integrate import quad
from scipy.stats import kstest

from molediff.core.objective.score_matching import (
    DenoisingScoreMatching,
    EDMWeight,
    Likelihood,
    LocalStructure,
    LogitNormal,
    LogNormalSigma,
    LossEqualizing,
    MinSNR,
    Simple,
    TimeDensity,
    Uniform,
    Unweighted,
    Weight,
)
from molediff.core.paths import CosineVP, LinearVP, Straight
from molediff.core.target import EDMOutput, Epsilon, Sample, Score, V, Velocity, convert

WEIGHTS = [
    Simple(),
    MinSNR(),
    Likelihood(),
    EDMWeight(0.7),
    LocalStructure(0.2),
]
TARGETS = [Epsilon(), Sample(), Score(), V(), Velocity(), EDMOutput()]
DENSITIES = [Uniform(), LogitNormal(), LogitNormal(0.5, 0.7), LogNormalSigma(), LossEqualizing()]


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("weight", WEIGHTS, ids=repr)
@pytest.mark.parametrize("path", [LinearVP(), CosineVP(), Straight(), PATHS[-2]], ids=path_name)
def test_the_loss_is_the_same_in_every_target(weight, path):
    x_0, eps, eps_pred, t = (
        normal(50, 4),
        normal(50, 4, seed=1),
        normal(50, 4, seed=2),
        times_inside(path, 50),
    )
    reference = weight(path, t) * (eps_pred - eps).square().mean(1)
    for target in TARGETS:
        objective = DenoisingScoreMatching(path, target, weight)
        x_t = objective.path.noised(x_0, eps, t)
        pred = convert(eps_pred, x_t, t, path, Epsilon(), target)
        torch.testing.assert_close(objective.loss(pred, x_0, eps, t), reference, rtol=1e-6, atol=1e-9)


def test_weights_are_the_formulas_of_their_papers():
    """Stated for x_0 as the papers do: w of eps times SNR."""
    path, t = CosineVP(), times_inside(CosineVP(), 40)
    snr = torch.exp(2 * path.lambda_(t))
    sigma = (1 / snr).sqrt()
    for weight, of_x_0 in [
        (Simple(), snr),
        (MinSNR(5.0), snr.clamp(max=5)),
        (LocalStructure(0.2, power=1.0), snr * (1 + 0.04 * snr)),
        (EDMWeight(0.5), (sigma**2 + 0.25) / (0.5 * sigma) ** 2),
        (Unweighted(Sample()), torch.ones_like(snr)),
        (Unweighted(V()), 1 + snr),
    ]:
        torch.testing.assert_close(weight(path, t) * snr, of_x_0, msg=repr(weight))
    g_squared = path.diffusion_squared(t)
    torch.testing.assert_close(Likelihood()(path, t), g_squared / (2 * path.sigma(t) ** 2))


def test_an_unweighted_velocity_is_weighted_by_one():
    objective = DenoisingScoreMatching(Straight(), Velocity(), Unweighted(Velocity()))
    torch.testing.assert_close(
        objective.target_weight(times_inside(Straight(), 9)), torch.ones(9, dtype=torch.float64)
    )


def test_likelihood_weight_integrates_to_the_exact_log_density():
    """For normal data E of the loss bound, over t, is the entropy difference: Song et al. 2021b, theorem 1,
    as an equality
    for the exact score: d KL / dt = -1/2 g^2 E |score - s|^2, here with s = -x, the score of the unit normal."""
    path, variance = LinearVP(), 0.3

    def rate(t):
        time = torch.tensor(t, dtype=torch.float64)
        v = float(path.alpha(time) ** 2 * variance + path.sigma(time) ** 2)
        gap = (1 / v - 1) ** 2 * v  # E |score difference|^2 under p_t
        return float(Likelihood()(path, time)) * gap * float(path.sigma(time)) ** 2

    divergence = 0.5 * (variance - 1 - math.log(variance))
    assert quad(rate, 0, 1, limit=200)[0] == pytest.approx(divergence, abs=1e-4)


@pytest.mark.parametrize("density", DENSITIES, ids=lambda d: type(d).__name__)
@pytest.mark.parametrize("path", [CosineVP(), LinearVP()], ids=path_name)
def test_densities_integrate_to_one_and_are_what_is_drawn(density, path):
    t = torch.linspace(path.t_min, path.t_max, 200001, dtype=torch.float64)
    cumulative = torch.cumulative_trapezoid(density.pdf(t, path), t)
    assert float(cumulative[-1]) == pytest.approx(1, abs=2e-3)
    drawn = density.sample(4000, path, torch.Generator().manual_seed(0)).double()
    assert ((drawn >= path.t_min - 1e-7) & (drawn <= path.t_max + 1e-7)).all()
    at = cumulative[(torch.searchsorted(t, drawn) - 1).clamp(0, len(cumulative) - 1)]
    assert kstest(at.numpy(), "uniform").statistic < 1.63 / 4000**0.5 + 2e-3  # 1 % point, and the quadrature


def test_stratified_times_fill_every_slice_in_random_order():
    path = LinearVP()
    t = Uniform().sample(100, path, torch.Generator().manual_seed(0))
    u = (t - path.t_min) / (path.t_max - path.t_min)
    assert torch.equal((100 * u).long().clamp(0, 99).sort().values, torch.arange(100))
    assert not (t.diff() > 0).all()


def test_times_are_fixed_by_their_generator():
    objective = DenoisingScoreMatching(CosineVP(), V())
    draw = lambda seed: objective.sample_times(8, torch.Generator().manual_seed(seed))  # noqa: E731
    assert torch.equal(draw(0), draw(0))
    assert not torch.equal(draw(0), draw(1))


def test_same_product_of_weight_and_density_same_gradient(record_property):
    """w uniform times p logit-normal against w p times p uniform: gradients of a linear model agree in the mean."""
    path, data = CosineVP(), gaussian(CosineVP(), [0.0], [[0.4]])
    logit_normal = LogitNormal(0.2, 0.8, stratified=False)

    class Product(Weight):
        def __call__(self, path, t):
            return logit_normal.pdf(t, path) / Uniform().pdf(t, path)

    def gradients(weight, density, seed, num=40000):
        g = torch.Generator().manual_seed(seed)
        objective = DenoisingScoreMatching(path, Epsilon(), weight, density)
        t = objective.sample_times(num, g).double()
        x_0 = data.sample(num, None, g)
        eps = torch.randn(num, 1, generator=g, dtype=torch.float64)
        theta = torch.full((num, 1), 0.7, dtype=torch.float64, requires_grad=True)
        loss = objective.loss(theta * objective.path.noised(x_0, eps, t), x_0, eps, t)
        return torch.autograd.grad(loss.sum(), theta)[0]

    sampled = gradients(Simple(), logit_normal, seed=0)
    weighted = gradients(Product(), Uniform(stratified=False), seed=1)
    error = ((sampled.var() + weighted.var()) / len(sampled)).sqrt()
    assert (sampled.mean() - weighted.mean()).abs() < 4 * error
    ratio = float(weighted.var() / sampled.var())
    record_property("variance of the weighted over that of the sampled gradient", ratio)
    print(
        f"\nvariance of the gradient: density {float(sampled.var()):.3f}, weight {float(weighted.var()):.3f}"
    )
    assert ratio > 1  # to draw the times that matter beats weighting them


def test_loss_equalizing_density_equalizes_and_does_not_bias():
    """Error e(lambda) known: after learning, draws contribute alike, and the mean loss is that of uniform times."""
    path = CosineVP()
    error = lambda t: torch.exp(-0.5 * (path.lambda_(t) - 2) ** 2) + 0.01  # noqa: E731
    density, g = LossEqualizing(num_bins=40, floor=0.05), torch.Generator().manual_seed(0)
    objective = DenoisingScoreMatching(path, Epsilon(), Simple(), density)

    def losses(num):
        t = objective.sample_times(num, g).double()
        return t, error(t) * objective.target_weight(t)

    before = losses(20000)[1]
    for _ in range(100):
        t, loss = losses(500)
        density.update(t, loss, path)
    after = losses(20000)[1]
    uniform = Uniform().sample(200001, path, g).double()
    truth = error(uniform).mean()
    assert after.mean() == pytest.approx(float(truth), abs=4 * float(after.std()) / 20000**0.5)
    assert after.var() < 0.1 * before.var()


def test_loss_equalizing_density_goes_through_a_checkpoint():
    path, learned, fresh = CosineVP(), LossEqualizing(num_bins=8), LossEqualizing(num_bins=8)
    t = times_inside(path, 400)
    learned.update(t, 1 + t, path)
    fresh.load_state_dict(learned.state_dict())
    torch.testing.assert_close(fresh.pdf(t, path), learned.pdf(t, path))
    with pytest.raises(ValueError, match="8 bins"):
        LossEqualizing(num_bins=9).load_state_dict(learned.state_dict())


def test_loss_is_the_mean_over_real_entries():
    objective = DenoisingScoreMatching(CosineVP(), V(), MinSNR())
    x_0, eps, pred, t = (
        normal(2, 5, 3),
        normal(2, 5, 3, seed=1),
        normal(2, 5, 3, seed=2),
        times_inside(CosineVP(), 4)[1:3],
    )
    mask = torch.tensor([[True] * 3 + [False] * 2, [True] * 5])
    pred = pred.masked_fill(~mask[..., None], 1e6)
    loss = objective.loss(pred, x_0, eps, t, mask)
    alone = objective.loss(pred[:1, :3], x_0[:1, :3], eps[:1, :3], t[:1])
    torch.testing.assert_close(loss[:1], alone)
    torch.testing.assert_close(loss[1:], objective.loss(pred[1:], x_0[1:], eps[1:], t[1:]))


def test_loss_is_finite_in_float32_at_both_ends():
    for target in (V(), Epsilon(), Sample(), EDMOutput()):
        objective = DenoisingScoreMatching(CosineVP(), target, MinSNR())
        t = torch.tensor([CosineVP.t_min, CosineVP.t_max])
        assert objective.loss(torch.zeros(2, 3), torch.ones(2, 3), torch.ones(2, 3), t).isfinite().all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: MinSNR(0.0),
        lambda: LogitNormal(0.0, 0.0),
        lambda: LogNormalSigma(std=-1.0),
        lambda: LossEqualizing(0),
        lambda: LossEqualizing(floor=0.0),
        lambda: EDMOutput(0.0),
    ],
)
def test_impossible_settings_are_refused(make):
    with pytest.raises(ValueError, match=r"positive|needs"):
        make()


def test_base_classes_cannot_be_used():
    with pytest.raises(TypeError):
        TimeDensity()
