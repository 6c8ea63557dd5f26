"""Paths that do not preserve the variance: sub-VP, variance-exploding, and the straight path of flow matching."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from molediff.core.path import LinearVP, Path, VariancePreserving


@dataclass(frozen=True)
class SubVP(Path):
    """sub-VP path: the alpha of a VP path with its sigma squared, less noise at every time (Song et al.
    2021, section 3.4).

    sigma = 1 - alpha^2, and g^2 = beta (1 - alpha^4).
    """

    vp: VariancePreserving = field(default_factory=LinearVP)

    def log_alpha(self, t: Tensor) -> Tensor:
        return self.vp.log_alpha(t)

    def log_sigma(self, t: Tensor) -> Tensor:
        return 2 * self.vp.log_sigma(t)

    def dlog_alpha_dt(self, t: Tensor) -> Tensor:
        return self.vp.dlog_alpha_dt(t)

    def dlambda_dt(self, t: Tensor) -> Tensor:
        return 2 * self.vp.dlambda_dt(t) - self.vp.dlog_alpha_dt(t)

    def t_of_lambda(self, lambda_: Tensor) -> Tensor:
        # exp(lambda) = 1 / (2 sinh(B / 2)) with B = -2 log(alpha); in terms of the VP path's lambda
        return self.vp.t_of_lambda(0.5 * (lambda_ - torch.asinh(0.5 * torch.exp(-lambda_))))


@dataclass(frozen=True)
class GeometricVE(Path):
    """Variance-exploding path: alpha = 1, sigma geometric from `sigma_min` to `sigma_max` (Song et al. 2021,
    appendix C).

    lambda = -log(sigma) is linear in t and finite everywhere. At t = 0 noise of sigma_min is left.
    """

    sigma_min: float = 0.01
    sigma_max: float = 50.0

    t_min: ClassVar[float] = 0.0
    t_max: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.sigma_min < self.sigma_max:
            raise ValueError(
                f"GeometricVE needs 0 < sigma_min < sigma_max, so that lambda falls; got {self}."
            )

    @property
    def _log_ratio(self) -> float:
        return math.log(self.sigma_max / self.sigma_min)

    def log_alpha(self, t: Tensor) -> Tensor:
        return torch.zeros_like(t)

    def log_sigma(self, t: Tensor) -> Tensor:
        return math.log(self.sigma_min) + self._log_ratio * t

    def dlog_alpha_dt(self, t: Tensor) -> Tensor:
        return torch.zeros_like(t)

    def dlambda_dt(self, t: Tensor) -> Tensor:
        return torch.full_like(t, -self._log_ratio)

    def t_of_lambda(self, lambda_: Tensor) -> Tensor:
        return (-lambda_ - math.log(self.sigma_min)) / self._log_ratio


@dataclass(frozen=True)
class Straight(Path):
    """The straight path x_t = (1 - t) x_0 + t eps (Liu et al. 2023, rectified flow; Lipman et al. 2023).

    Its velocity eps - x_0 does not depend on t. lambda is infinite at both ends, so it is cut as on CosineVP.
    """

    def log_alpha(self, t: Tensor) -> Tensor:
        return torch.log1p(-t)

    def log_sigma(self, t: Tensor) -> Tensor:
        return torch.log(t)

    def dlog_alpha_dt(self, t: Tensor) -> Tensor:
        return -1 / (1 - t)

    def dlambda_dt(self, t: Tensor) -> Tensor:
        return -1 / (t * (1 - t))

    def t_of_lambda(self, lambda_: Tensor) -> Tensor:
        return torch.sigmoid(-lambda_)
