"""The variance-exploding path: data stay, noise is added."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from molediff.core.paths.base import Path


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
