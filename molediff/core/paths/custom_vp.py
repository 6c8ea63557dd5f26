"""The VP path of any beta(t)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import softplus

from molediff.core.paths.base import VariancePreserving

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
        # Newton's method, which converges quadratically where beta hardly changes in a cell.
        for _ in range(8):
            t = t - (self.integral(t) - wanted) / self.beta(t)
            t = torch.minimum(torch.maximum(t, border), border + 1 / self.num_cells)
        return t.to(lambda_.dtype)
