"""EDM's stochastic sampler: up in noise a little, then down by Heun's method."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.heun import Heun
from molediff.core.solvers.noise_level import NoiseLevel, noise_level_at
from molediff.core.solvers.run import SolverRun


@dataclass(frozen=True)
class Churn(Solver):
    """Add fresh noise, then solve the ODE over the whole way down (Karras et al. 2022, algorithm 2).

    Going up is exact, so the marginals are as good as the ODE step. On any path: noise levels are sigma / alpha.

    Args:
        s_churn: amount of noise over the whole grid; each step raises sigma / alpha by the factor
            1 + min(s_churn / steps, sqrt(2) - 1).
        s_min, s_max: range of sigma / alpha in which noise is added.
        s_noise: factor of the fresh noise's deviation; 1 is right for an exact denoiser.
        ode: the one-step ODE solver for the way down.
    """

    s_churn: float = 40.0
    s_min: float = 0.05
    s_max: float = 50.0
    s_noise: float = 1.0
    ode: Solver = field(default_factory=Heun)
    order: ClassVar[int] = 2

    def __post_init__(self) -> None:
        if self.s_churn < 0 or self.s_noise < 0 or not 0 <= self.s_min <= self.s_max:
            raise ValueError(f"Churn needs s_churn, s_noise >= 0 and 0 <= s_min <= s_max; got {self}.")
        if self.ode.stochastic:
            raise ValueError(f"Churn goes down by an ODE solver such as Heun(); got {self.ode}.")

    @property
    def stochastic(self) -> bool:
        return self.s_churn > 0

    def step(
        self, run: SolverRun, x: Tensor, s: NoiseLevel, t: NoiseLevel, history: History
    ) -> tuple[Tensor, Tensor]:
        gamma = min(self.s_churn / run.num_steps, math.sqrt(2) - 1)
        highest = run.grid[0].lambda_
        if gamma > 0 and self.s_min <= math.exp(-s.lambda_) <= self.s_max and s.lambda_ > highest:
            up = noise_level_at(run.path, max(s.lambda_ - math.log1p(gamma), highest))
            # variance of x_up given x_s, without the difference of two large numbers
            std = up.sigma * math.sqrt(-math.expm1(2 * (up.lambda_ - s.lambda_)))
            x, s = run.noised((up.alpha / s.alpha) * x, self.s_noise * std), up
        return self.ode.step(run, x, s, t, history)
