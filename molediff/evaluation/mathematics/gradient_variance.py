"""Weight or density: one product w(lambda) p(t), one expected gradient, and estimates that differ in their variance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from molediff.core.exact.mixture import islands
from molediff.core.objective.score_matching import (
    DenoisingScoreMatching,
    EDMWeight,
    LogitNormal,
    LogNormalSigma,
    Simple,
    TimeDensity,
    Uniform,
    Weight,
)
from molediff.core.paths import CosineVP, Path
from molediff.core.target import Sample, V, convert


@dataclass(frozen=True)
class Reweighted(Weight):
    """The weight that gives, with times drawn from `drawn`, the product that `weight` has with `density`."""

    weight: Weight
    density: TimeDensity
    drawn: TimeDensity

    def __call__(self, path: Path, t: Tensor) -> Tensor:
        return self.weight(path, t) * self.density.pdf(t, path) / self.drawn.pdf(t, path)


@dataclass(frozen=True)
class GradientVariance:
    """Two estimates of one gradient.

    Attributes:
        objective: what is compared.
        mean_by_density, mean_by_weight: the gradient, times drawn from the density, or uniform and weighted.
        error: standard error of their difference.
        variance_by_density, variance_by_weight: of the gradient of a single sample.
    """

    objective: str
    mean_by_density: float
    mean_by_weight: float
    error: float
    variance_by_density: float
    variance_by_weight: float

    @property
    def ratio(self) -> float:
        """How many times more samples the weighted estimate needs for the same precision."""
        return self.variance_by_weight / self.variance_by_density


OBJECTIVES: dict[str, tuple[Weight, TimeDensity]] = {
    "simple weight, logit-normal t": (Simple(), LogitNormal(0.0, 1.0, stratified=False)),
    "EDM weight, log-normal sigma": (EDMWeight(1.0), LogNormalSigma(stratified=False)),
}


def measure_gradient_variance(num_samples: int, seed: int) -> list[GradientVariance]:
    """Gradients of the model v_hat = theta E[v | x_t], theta = 0.5: half-way to the exact network of the five islands.

    Args:
        num_samples: of each estimate.
        seed: of each estimate's draws.
    """
    uniform = Uniform(stratified=False)
    results = []
    for name, (weight, density) in OBJECTIVES.items():
        by_density = _gradients(weight, density, num_samples, seed)
        by_weight = _gradients(Reweighted(weight, density, uniform), uniform, num_samples, seed + 1)
        variances = float(by_density.var()), float(by_weight.var())
        error = math.sqrt(sum(variances) / num_samples)
        results.append(
            GradientVariance(name, float(by_density.mean()), float(by_weight.mean()), error, *variances)
        )
    return results


def _gradients(weight: Weight, density: TimeDensity, num: int, seed: int) -> Tensor:
    """Gradient of the loss of each of `num` samples, (num,)."""
    path = CosineVP()
    data, objective = islands(path), DenoisingScoreMatching(path, V(), weight, density)
    g = torch.Generator().manual_seed(seed)
    t = objective.sample_times(num, g).double()
    x_0 = data.sample(num, None, g)
    eps = torch.randn(x_0.shape, generator=g, dtype=x_0.dtype)
    x_t = objective.path.noised(x_0, eps, t)
    v = convert(data.denoiser(x_t, t), x_t, t, path, Sample(), V())
    theta = torch.full((num, 1), 0.5, dtype=x_0.dtype, requires_grad=True)
    loss = objective.loss(theta * v, x_0, eps, t)
    return torch.autograd.grad(loss.sum(), theta)[0][:, 0]
