"""The VP path whose alpha squared is a piece of a sigmoid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from molediff.core.paths.base import VariancePreserving


def _log_sinh(x: Tensor) -> Tensor:
    """Logarithm of sinh(x), x > 0, without overflow and precise near zero."""
    return x + torch.log(-torch.expm1(-2 * x)) - math.log(2)


@dataclass(frozen=True)
class SigmoidVP(VariancePreserving):
    """VP path with alpha^2 falling as a piece of a sigmoid, rescaled to go from 1 to 0 (Jabri et al. 2022,
    appendix B).

    alpha^2 = [s(end) - s(z)] / [s(end) - s(start)] with s the sigmoid of its argument over `tau` and z running
    from `start` to `end`. The differences of sigmoids are products of hyperbolic functions, so that no
    digits are lost at either end.
    """

    start: float = -3.0
    end: float = 3.0
    tau: float = 1.0

    def __post_init__(self) -> None:
        if not (self.end > self.start and self.tau > 0):
            raise ValueError(f"SigmoidVP needs start < end and tau > 0, so that lambda falls; got {self}.")

    @property
    def _half_range(self) -> float:
        return 0.5 * (self.end - self.start) / self.tau

    @property
    def _log_skew(self) -> float:
        """2 lambda at t = 1/2: zero if start = -end."""
        return math.log(math.cosh(0.5 * self.start / self.tau) / math.cosh(0.5 * self.end / self.tau))

    def _log_cosh(self, t: Tensor) -> Tensor:
        z = 0.5 * (self.start + (self.end - self.start) * t) / self.tau
        return z.abs() + torch.log1p(torch.exp(-2 * z.abs())) - math.log(2)

    def log_alpha(self, t: Tensor) -> Tensor:
        # 1 - sigma^2 near the data, where the quotient of hyperbolic functions rounds to 1
        near_data = 0.5 * torch.log1p(-torch.exp(2 * self._log_sigma_quotient(t.clamp(max=0.5))))
        return torch.where(t < 0.5, near_data, self._log_alpha_quotient(t))

    def log_sigma(self, t: Tensor) -> Tensor:
        near_noise = 0.5 * torch.log1p(-torch.exp(2 * self._log_alpha_quotient(t.clamp(min=0.5))))
        return torch.where(t < 0.5, self._log_sigma_quotient(t), near_noise)

    def _log_alpha_quotient(self, t: Tensor) -> Tensor:
        k = self._half_range
        constant = math.log(math.cosh(0.5 * self.start / self.tau) / math.sinh(k))
        return 0.5 * (_log_sinh(k * (1 - t)) - self._log_cosh(t) + constant)

    def _log_sigma_quotient(self, t: Tensor) -> Tensor:
        k = self._half_range
        constant = math.log(math.cosh(0.5 * self.end / self.tau) / math.sinh(k))
        return 0.5 * (_log_sinh(k * t) - self._log_cosh(t) + constant)

    def dlog_alpha_dt(self, t: Tensor) -> Tensor:
        k = self._half_range
        z = 0.5 * (self.start + (self.end - self.start) * t) / self.tau
        return -0.5 * k * (1 / torch.tanh(k * (1 - t)) + torch.tanh(z))

    def dlambda_dt(self, t: Tensor) -> Tensor:
        k = self._half_range
        return -0.5 * k * (1 / torch.tanh(k * (1 - t)) + 1 / torch.tanh(k * t))

    def t_of_lambda(self, lambda_: Tensor) -> Tensor:
        # sinh(k (1 - t)) / sinh(k t) = ratio; solved for the smaller of t and 1 - t
        k = self._half_range
        log_ratio = 2 * lambda_ - self._log_skew
        smaller = torch.atanh(math.sinh(k) / (torch.exp(log_ratio.abs()) + math.cosh(k))) / k
        return torch.where(log_ratio > 0, smaller, 1 - smaller)
