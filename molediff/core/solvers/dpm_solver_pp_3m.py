"""DPM-Solver++ of third order, multistep."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.dpm_solver_pp import extrapolated
from molediff.core.solvers.noise_level import NoiseLevel, exact_step
from molediff.core.solvers.run import SolverRun


@dataclass(frozen=True)
class DPMSolverPP3M(Solver):
    r"""DPM-Solver++(3M): the parabola through the last three estimates of x_0, integrated exactly.

    With x_0_hat(lambda_s + u) = x_0_hat + first u + second u^2 / 2 the step adds, to the exact step with x_0_hat,

        alpha_t int_0^h e^(u - h) (first u + second u^2 / 2) du = alpha_t [first phi_1 + second phi_2]

        phi_1 = h + expm1(-h),    phi_2 = h^2 / 2 - phi_1

    (Lu et al. 2022b, appendix B, where the second difference of the multistep code lacks a factor of two
    that the third order needs). The first step is first order, the second second order, a step to infinite
    lambda first.
    """

    order: ClassVar[int] = 3

    def step(
        self, run: SolverRun, x: Tensor, s: NoiseLevel, t: NoiseLevel, history: History
    ) -> tuple[Tensor, Tensor]:
        x_0_hat = run.denoise(x, s)
        if len(history) < 2 or math.isinf(t.lambda_):
            x_t = exact_step(x, extrapolated(x_0_hat, s, t, list(history)), s, t)[0]
        else:
            (older, x_0_older), (before, x_0_before) = history
            slope = (x_0_hat - x_0_before) / (s.lambda_ - before.lambda_)
            slope_before = (x_0_before - x_0_older) / (before.lambda_ - older.lambda_)
            second = 2 * (slope - slope_before) / (s.lambda_ - older.lambda_)
            first = slope + 0.5 * second * (s.lambda_ - before.lambda_)
            h = t.lambda_ - s.lambda_
            phi_1 = h + math.expm1(-h)
            phi_2 = 0.5 * h**2 - phi_1
            x_t = exact_step(x, x_0_hat, s, t)[0] + t.alpha * (phi_1 * first + phi_2 * second)
        history[:] = [*history[-1:], (s, x_0_hat)]
        return x_t, x_0_hat
