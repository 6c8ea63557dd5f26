"""A VP path whose alpha is a polynomial of t."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from molediff.core.paths.base import VariancePreserving


@dataclass(frozen=True)
class PolynomialVP(VariancePreserving):
    """VP path with alpha = (1 - 2 s)(1 - t^power) + s (Hoogeboom et al. 2022, section 4: `polynomial_2`).

    lambda is 5.4 at t = 0, where its slope is zero; `t_min` stays clear of that.
    """

    power: float = 2.0
    s: float = 1e-5

    t_min: ClassVar[float] = 1e-3

    def __post_init__(self) -> None:
        if not (self.power > 0 and 0 < self.s < 0.5):
            raise ValueError(
                f"PolynomialVP needs power > 0 and 0 < s < 1/2, so that lambda falls; got {self}."
            )

    def _alpha(self, t: Tensor) -> Tensor:
        return (1 - 2 * self.s) * -torch.expm1(self.power * torch.log(t)) + self.s

    def _lost(self, t: Tensor) -> Tensor:
        """1 - alpha."""
        return (1 - 2 * self.s) * t**self.power + self.s

    def log_alpha(self, t: Tensor) -> Tensor:
        return torch.where(t < 0.5, torch.log1p(-self._lost(t)), torch.log(self._alpha(t)))

    def log_sigma(self, t: Tensor) -> Tensor:
        return 0.5 * (torch.log(self._lost(t)) + torch.log1p(self._alpha(t)))

    def dlog_alpha_dt(self, t: Tensor) -> Tensor:
        return -(1 - 2 * self.s) * self.power * t ** (self.power - 1) / self._alpha(t)

    def dlambda_dt(self, t: Tensor) -> Tensor:
        return self.dlog_alpha_dt(t) / (self._lost(t) * (1 + self._alpha(t)))

    def t_of_lambda(self, lambda_: Tensor) -> Tensor:
        log_alpha = -0.5 * softplus(-2 * lambda_)
        fraction = (-torch.expm1(log_alpha) - self.s) / (1 - 2 * self.s)  # t^power
        return fraction.clamp(0, 1) ** (1 / self.power)
