"""DDIM, from the deterministic sampler (eta = 0) to DDPM (eta = 1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.checks import check_eta
from molediff.core.solvers.noise_level import NoiseLevel, eps_hat
from molediff.core.solvers.run import SolverRun


@dataclass(frozen=True)
class DDIM(Solver):
    """x_t = alpha_t x_0_hat + sqrt(sigma_t^2 - s^2) eps_hat + s z, with s = eta times the posterior's
    deviation (Song et al. 2020, eq. 12).

    For eta = 0 this is DPM-Solver++(1), the exact step of the ODE. For eta = 1 it is ancestral sampling.
    """

    eta: float = 0.0
    order: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_eta(self.eta, largest=1.0)

    @property
    def stochastic(self) -> bool:
        return self.eta > 0

    def step(
        self, run: SolverRun, x: Tensor, s: NoiseLevel, t: NoiseLevel, history: History
    ) -> tuple[Tensor, Tensor]:
        x_0_hat = run.denoise(x, s)
        std = self.eta * t.sigma * math.sqrt(-math.expm1(-2 * (t.lambda_ - s.lambda_)))
        direction = math.sqrt(max(t.sigma**2 - std**2, 0.0))  # a rounding may leave -1e-18 for eta = 1
        return run.noised(t.alpha * x_0_hat + direction * eps_hat(x, x_0_hat, s), std), x_0_hat
