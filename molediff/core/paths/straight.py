"""The straight path of flow matching."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from molediff.core.paths.base import Path


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
