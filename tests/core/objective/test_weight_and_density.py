"""The loss knows only the product of weight and density: every pair of them, against the gradient in closed form."""

import pytest
import torch
from core.exact import gaussian

from molediff.core.objective.score_matching import (
    DenoisingScoreMatching,
    EDMWeight,
    Likelihood,
    LogitNormal,
    LogNormalSigma,
    LossEqualizing,
    MinSNR,
    Simple,
    Uniform,
    Weight,
)
from molediff.core.paths import CosineVP
from molediff.core.target import Epsilon

PATH, VARIANCE, THETA, NUM = CosineVP(), 0.4, 0.7, 10000
WEIGHTS = [
    Simple(),
    MinSNR(),
    Likelihood(),
    EDMWeight(0.7),
]
DENSITIES = [
    Uniform(stratified=False),
    LogitNormal(0.2, 0.8, stratified=False),
    LogNormalSigma(stratified=False),
    LossEqualizing(stratified=False),
]


class Product(Weight):
    """What a weight must be with uniform times, to stand for `weight` with `density`."""

    def __init__(self, weight, density):
        self.weight, self.density = weight, density

    def __call__(self, path, t):
        product = self.weight(path, t) * self.density.pdf(t, path) * self.density.correction(t, path)
        return product / Uniform().pdf(t, path)


def gradients(weight, density, seed):
    """Of the loss of each of NUM samples, for the linear model eps_hat = theta x_t."""
    g = torch.Generator().manual_seed(seed)
    objective = DenoisingScoreMatching(PATH, Epsilon(), weight, density)
    t = objective.sample_times(NUM, g).double()
    x_0 = gaussian(PATH, [0.0], [[VARIANCE]]).sample(NUM, None, g)
    eps = torch.randn(NUM, 1, generator=g, dtype=torch.float64)
    theta = torch.full((NUM, 1), THETA, dtype=torch.float64, requires_grad=True)
    loss = objective.loss(theta * objective.path.noised(x_0, eps, t), x_0, eps, t)
    return torch.autograd.grad(loss.sum(), theta)[0][:, 0]


def exact_gradient(weight, density):
    """The integral over t of p w d/dtheta E (theta x_t - eps)^2, by the trapezoidal rule in lambda."""
    ends = PATH.lambda_(torch.tensor([PATH.t_min, PATH.t_max], dtype=torch.float64))
    lambda_ = torch.linspace(float(ends[1]), float(ends[0]), 4001, dtype=torch.float64)
    t = PATH.t_of_lambda(lambda_)
    alpha, sigma = PATH.alpha(t), PATH.sigma(t)
    slope = 2 * (THETA * (alpha**2 * VARIANCE + sigma**2) - sigma)
    product = weight(PATH, t) * density.pdf(t, PATH) * density.correction(t, PATH)
    return float(torch.trapezoid(product * slope / -PATH.dlambda_dt(t), lambda_))


@pytest.mark.parametrize("density", DENSITIES, ids=lambda d: type(d).__name__)
@pytest.mark.parametrize("weight", WEIGHTS, ids=lambda w: type(w).__name__)
def test_same_product_same_expected_gradient(weight, density, record_property):
    """Times drawn, or uniform and weighted: both means within five standard errors of the exact gradient."""
    truth = exact_gradient(weight, density)
    drawn, weighted = gradients(weight, density, 0), gradients(Product(weight, density), DENSITIES[0], 1)
    for found in (drawn, weighted):
        assert abs(float(found.mean()) - truth) < 5 * float(found.std()) / NUM**0.5 + 1e-9
    record_property("variance, times drawn", float(drawn.var()))
    record_property("variance, times weighted", float(weighted.var()))
