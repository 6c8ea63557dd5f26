"""The sub-VP path: less noise than the VP path at every time."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from molediff.core.paths.base import Path, VariancePreserving
from molediff.core.paths.linear_vp import LinearVP


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
