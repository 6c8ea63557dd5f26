"""The VP path that loses its data at a constant rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from molediff.core.paths.base import LAMBDA_CUT, VariancePreserving


@dataclass(frozen=True)
class SquareRootVP(VariancePreserving):
    """VP path with alpha^2 = 1 - t, sigma^2 = t: lambda = log((1 - t) / t) / 2.

    Of categorical states a share t is replaced at time t: the linear schedule of masked diffusion (Sahoo et al. 2024).
    """

    t_min: ClassVar[float] = float(torch.sigmoid(torch.tensor(-2 * LAMBDA_CUT, dtype=torch.float64)))
    t_max: ClassVar[float] = 1 - t_min

    def log_alpha(self, t: Tensor) -> Tensor:
        return 0.5 * torch.log1p(-t)

    def log_sigma(self, t: Tensor) -> Tensor:
        return 0.5 * torch.log(t)

    def dlog_alpha_dt(self, t: Tensor) -> Tensor:
        return -0.5 / (1 - t)

    def dlambda_dt(self, t: Tensor) -> Tensor:
        return -0.5 / (t * (1 - t))

    def t_of_lambda(self, lambda_: Tensor) -> Tensor:
        return torch.sigmoid(-2 * lambda_)
