r"""Denoising score matching: E over t ~ p(t) of w(lambda_t) |error|^2.

Weights are stated for the error of eps. For another target a x_0 + b eps the same prediction has the error
-(a sigma - b alpha) / alpha times that of eps, so its weight is w (alpha / (a sigma - b alpha))^2: the loss is
the same number in every target.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from molediff.core.objective.elastic_network import ElasticNetwork
from molediff.core.objective.target_score import TargetScore
from molediff.core.objective.time_density import (
    LogitNormal,
    LogNormalSigma,
    LossEqualizing,
    TimeDensity,
    Uniform,
)
from molediff.core.objective.weight import (
    EDMWeight,
    Likelihood,
    LocalStructure,
    MinSNR,
    Simple,
    Unweighted,
    Weight,
)
from molediff.core.paths import Path, expand_like
from molediff.core.target import Target, check_target

__all__ = [
    "DenoisingScoreMatching",
    "EDMWeight",
    "Likelihood",
    "LocalStructure",
    "LogNormalSigma",
    "LogitNormal",
    "LossEqualizing",
    "MinSNR",
    "Simple",
    "TimeDensity",
    "Uniform",
    "Unweighted",
    "Weight",
]


@dataclass(frozen=True)
class DenoisingScoreMatching:
    """The training objective: what is regressed, with which weight, at which times.

    Attributes:
        path: noising path.
        target: what the network's output means.
        weight: weight of the error of eps, converted to `target` here.
        density: distribution of the training times.
        control_variate: takes noise out of what is regressed where the score of the data is known; for independent
            couplings.
        elastic: adds to the mean square of the error its energy, which depends on x_0: for distillation, where x_t
            tells x_0. Elsewhere the least loss would no longer be at the mean of all x_0.
    """

    path: Path
    target: Target
    weight: Weight = field(default_factory=Simple)
    density: TimeDensity = field(default_factory=Uniform)
    control_variate: TargetScore | None = None
    elastic: ElasticNetwork | None = None

    def __post_init__(self) -> None:
        check_target(self.target, self.path)

    def sample_times(
        self,
        num: int,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
    ) -> Tensor:
        """Draw `num` training times, shape (num,)."""
        return self.density.sample(num, self.path, generator, device)

    def target_weight(self, t: Tensor) -> Tensor:
        """Weight (n,) of the squared error of `target` at times `t` (n,)."""
        determinant = self.target.determinant(self.path, t)
        weight = self.weight(self.path, t) * (self.path.alpha(t) / determinant).square()
        return weight * self.density.correction(t, self.path)

    def loss(self, pred: Tensor, x_0: Tensor, eps: Tensor, t: Tensor, mask: Tensor | None = None) -> Tensor:
        """Weighted mean square error of each sample.

        Args:
            pred: output of the network in the parametrization `target`, shape (n, ...).
            x_0: clean samples, shape (n, ...).
            eps: unit noise of x_t = alpha x_0 + sigma eps, shape (n, ...).
            t: times, shape (n,).
            mask: (n, N) for samples (n, N, d), true for real rows; padding does not count.

        Returns:
            Weight times the mean of the squares over the real entries (and the elastic energy), shape (n,).
        """
        if self.control_variate is not None:
            x_0, eps = self.control_variate(x_0, eps, self.path, t)
        a, b = self.target.coefficients(self.path, t)
        error = pred - expand_like(a, x_0) * x_0 - expand_like(b, eps) * eps
        square = error.square()
        if mask is None:
            mean = square.flatten(1).mean(1)
        else:
            square = square.masked_fill(~mask.unsqueeze(-1), 0)
            mean = square.sum((1, 2)) / (mask.sum(1) * square.shape[-1]).clamp(min=1)
        if self.elastic is not None:
            mean = mean + self.elastic.energy(error, x_0, mask)
        return self.target_weight(t) * mean
