"""Heun's second-order method."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.noise_level import NoiseLevel, eps_hat, exact_step
from molediff.core.solvers.run import SolverRun


@dataclass(frozen=True)
class Heun(Solver):
    """Heun's second-order method on the probability-flow ODE (Karras et al. 2022, algorithm 1 without churn).

    In the variables x / alpha and sigma / alpha the ODE is d(x / alpha) = eps_hat d(sigma / alpha), and
    Euler's step is DDIM: this averages eps_hat over both ends of the step. Not Heun's third-order method.
    Two evaluations a step, one in a last step to t = 0.
    """

    order: ClassVar[int] = 2

    def step(
        self, run: SolverRun, x: Tensor, s: NoiseLevel, t: NoiseLevel, history: History
    ) -> tuple[Tensor, Tensor]:
        x_0_hat = run.denoise(x, s)
        euler, _ = exact_step(x, x_0_hat, s, t)
        if t.sigma == 0:
            return euler, x_0_hat
        change = eps_hat(euler, run.denoise(euler, t), t) - eps_hat(x, x_0_hat, s)
        # alpha_t (sigma_t / alpha_t - sigma_s / alpha_s) without the difference of two large numbers
        stride = -t.sigma * math.expm1(t.lambda_ - s.lambda_)
        return euler + 0.5 * stride * change, x_0_hat
