"""The VP path on a quarter of a circle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from molediff.core.paths.base import LAMBDA_CUT, VariancePreserving


@dataclass(frozen=True)
class CosineVP(VariancePreserving):
    """VP path with alpha = cos(pi t / 2), sigma = sin(pi t / 2) (Nichol and Dhariwal 2021, without offset).

    lambda = -log(tan(pi t / 2)) is infinite at both ends; `t_min` and `t_max` cut it at 7 and -7 (`LAMBDA_CUT`).
    """

    t_min: ClassVar[float] = 2 / math.pi * math.atan(math.exp(-LAMBDA_CUT))
    t_max: ClassVar[float] = 1 - t_min

    # cos(pi t / 2) is written as sin(pi (1 - t) / 2): 1 - t is exact in floating point near t = 1.
    def log_alpha(self, t: Tensor) -> Tensor:
        near_data = 0.5 * torch.log1p(-(torch.sin(0.5 * math.pi * t.clamp(max=0.5)) ** 2))
        near_noise = torch.log(torch.sin(0.5 * math.pi * (1 - t)))
        return torch.where(t < 0.5, near_data, near_noise)

    def log_sigma(self, t: Tensor) -> Tensor:
        near_noise = 0.5 * torch.log1p(-(torch.sin(0.5 * math.pi * (1 - t.clamp(min=0.5))) ** 2))
        near_data = torch.log(torch.sin(0.5 * math.pi * t))
        return torch.where(t < 0.5, near_data, near_noise)

    def dlog_alpha_dt(self, t: Tensor) -> Tensor:
        return -0.5 * math.pi * torch.sin(0.5 * math.pi * t) / torch.sin(0.5 * math.pi * (1 - t))

    def dlambda_dt(self, t: Tensor) -> Tensor:
        return -0.5 * math.pi / (torch.sin(0.5 * math.pi * t) * torch.sin(0.5 * math.pi * (1 - t)))

    def t_of_lambda(self, lambda_: Tensor) -> Tensor:
        # The smaller of t and 1 - t is computed, and with full relative precision.
        smaller = 2 / math.pi * torch.atan(torch.exp(-lambda_.abs()))
        return torch.where(lambda_ > 0, smaller, 1 - smaller)
