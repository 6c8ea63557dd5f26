"""More variance-preserving paths: sigmoid, polynomial, and any beta(t)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from molediff.core.path import VariancePreserving


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


# Three-point Gauss-Legendre rule on [0, 1]
_NODES = (0.5 - 0.5 * math.sqrt(0.6), 0.5, 0.5 + 0.5 * math.sqrt(0.6))
_WEIGHTS = (5 / 18, 8 / 18, 5 / 18)


@dataclass(frozen=True)
class CustomVP(VariancePreserving):
    """VP path of any beta(t), the rate at which noise comes in: log(alpha) = -1/2 integral of beta from 0 to t.

    The integral is taken by Gauss-Legendre quadrature in `num_cells` cells, in double precision; for a beta that is
    smooth within the cells it is exact to about num_cells^-6.

    Args:
        beta: function of times (any shape) in [0, 1] to rates of the same shape, positive.
        num_cells: of the quadrature.
    """

    beta: Callable[[Tensor], Tensor]
    num_cells: int = 512

    def __post_init__(self) -> None:
        if self.num_cells < 1:
            raise ValueError(f"num_cells must be at least 1; got {self.num_cells}.")
        t = torch.linspace(0, 1, 4 * self.num_cells + 1, dtype=torch.float64)
        rates = self.beta(t)
        wrong = ~((rates > 0) & rates.isfinite())
        if bool(wrong.any()):
            where = int(wrong.nonzero()[0])
            raise ValueError(
                f"beta must be positive and finite, or lambda does not fall; beta({float(t[where]):.4g}) = "
                f"{float(rates[where]):.4g}. Use a positive function, or start it a little above zero."
            )

    @cached_property
    def _table(self) -> Tensor:
        """Integral of beta up to each of the num_cells + 1 cell borders, float64."""
        borders = torch.arange(self.num_cells, dtype=torch.float64) / self.num_cells
        width = torch.tensor(1 / self.num_cells, dtype=torch.float64)
        cells = self._quadrature(borders, width)
        return torch.cat([cells.new_zeros(1), cells.cumsum(0)])

    def _quadrature(self, start: Tensor, width: Tensor) -> Tensor:
        rates = (w * self.beta(start + width * x) for x, w in zip(_NODES, _WEIGHTS, strict=True))
        return width * sum(rates, torch.zeros_like(start))

    def integral(self, t: Tensor) -> Tensor:
        """Integral of beta from 0 to `t`, in the dtype of `t`."""
        t_double = t.double()
        cell = (t_double.detach() * self.num_cells).long().clamp(0, self.num_cells - 1)
        border = cell.double() / self.num_cells
        return (self._table.to(t.device)[cell] + self._quadrature(border, t_double - border)).to(t.dtype)

    def log_alpha(self, t: Tensor) -> Tensor:
        return -0.5 * self.integral(t)

    def dlog_alpha_dt(self, t: Tensor) -> Tensor:
        return -0.5 * self.beta(t)

    def t_of_lambda(self, lambda_: Tensor) -> Tensor:
        wanted = softplus(-2 * lambda_.double())
        table = self._table.to(lambda_.device)
        cell = (torch.searchsorted(table, wanted.contiguous()) - 1).clamp(0, self.num_cells - 1)
        border = cell.double() / self.num_cells
        t = border + 0.5 / self.num_cells
        for _ in range(
            8
        ):  # Newton's method, which converges quadratically where beta hardly changes in a cell
            t = t - (self.integral(t) - wanted) / self.beta(t)
            t = torch.minimum(torch.maximum(t, border), border + 1 / self.num_cells)
        return t.to(lambda_.dtype)
