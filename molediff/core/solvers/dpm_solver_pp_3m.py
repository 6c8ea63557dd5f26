"""DPM-Solver++ of third order, multistep."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.dpm_solver_pp import extrapolated
from molediff.core.solvers.point import Point, exact_step
from molediff.core.solvers.run import Run


@dataclass(frozen=True)
class DPMSolverPP3M(Solver):
    r"""DPM-Solver++(3M): the parabola through the last three estimates of x_0, integrated exactly.

    With x0_hat(lambda_s + u) = x0_hat + first u + second u^2 / 2 the step adds, to the exact step with x0_hat,

        alpha_t int_0^h e^(u - h) (first u + second u^2 / 2) du = alpha_t [first phi_1 + second phi_2]

        phi_1 = h + expm1(-h),    phi_2 = h^2 / 2 - phi_1

    (Lu et al. 2022b, appendix B, where the second difference of the multistep code lacks a factor of two
    that the third order needs). The first step is first order, the second second order, a step to infinite
    lambda first.
    """

    order: ClassVar[int] = 3

    def step(self, run: Run, x: Tensor, s: Point, t: Point, history: History) -> tuple[Tensor, Tensor]:
        x0_hat = run.denoise(x, s)
        if len(history) < 2 or math.isinf(t.lambda_):
            x_t = exact_step(x, extrapolated(x0_hat, s, t, list(history)), s, t)[0]
        else:
            (older, x0_older), (before, x0_before) = history
            slope = (x0_hat - x0_before) / (s.lambda_ - before.lambda_)
            slope_before = (x0_before - x0_older) / (before.lambda_ - older.lambda_)
            second = 2 * (slope - slope_before) / (s.lambda_ - older.lambda_)
            first = slope + 0.5 * second * (s.lambda_ - before.lambda_)
            h = t.lambda_ - s.lambda_
            phi_1 = h + math.expm1(-h)
            phi_2 = 0.5 * h**2 - phi_1
            x_t = exact_step(x, x0_hat, s, t)[0] + t.alpha * (phi_1 * first + phi_2 * second)
        history[:] = [*history[-1:], (s, x0_hat)]
        return x_t, x0_hat
