"""The VP path of DDPM: beta(t) rises linearly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from molediff.core.paths.base import VariancePreserving


@dataclass(frozen=True)
class LinearVP(VariancePreserving):
    """VP path with beta(t) = beta_min + t (beta_max - beta_min) (Song et al. 2021, eq. 33; DDPM's schedule).

    lambda runs from 6.9 at `t_min` to -5.0 at t = 1, where alpha = 0.007 of the data is left.
    """

    beta_min: float = 0.1
    beta_max: float = 20.0

    t_min: ClassVar[float] = 1e-5  # Song et al. 2021, appendix C
    t_max: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.beta_min <= self.beta_max:
            raise ValueError(
                f"LinearVP needs 0 < beta_min <= beta_max, so that lambda falls all the way; "
                f"got beta_min={self.beta_min}, beta_max={self.beta_max}."
            )

    def log_alpha(self, t: Tensor) -> Tensor:
        return -0.5 * t * (self.beta_min + 0.5 * (self.beta_max - self.beta_min) * t)

    def dlog_alpha_dt(self, t: Tensor) -> Tensor:
        return -0.5 * (self.beta_min + (self.beta_max - self.beta_min) * t)

    def t_of_lambda(self, lambda_: Tensor) -> Tensor:
        integral = softplus(-2 * lambda_)  # of beta from 0 to t, = -2 log(alpha)
        slope = self.beta_max - self.beta_min
        return 2 * integral / (self.beta_min + torch.sqrt(self.beta_min**2 + 2 * slope * integral))
