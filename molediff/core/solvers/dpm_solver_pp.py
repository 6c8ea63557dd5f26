"""DPM-Solver++: exponential multistep methods in lambda for the estimate of x_0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.point import Point, exact_step
from molediff.core.solvers.run import Run


@dataclass(frozen=True)
class DPMSolverPP2M(Solver):
    """DPM-Solver++(2M), two-step method with one evaluation a step (Lu et al. 2022b, algorithm 2).

    x0_hat is extrapolated linearly in lambda from this point and the one before. The first step is first
    order, having no past, and so is a step from or to infinite lambda.
    """

    order: ClassVar[int] = 2

    def step(self, run: Run, x: Tensor, s: Point, t: Point, history: History) -> tuple[Tensor, Tensor]:
        x0_hat = run.denoise(x, s)
        extrapolated = x0_hat
        if history and math.isfinite(t.lambda_ - history[-1][0].lambda_):
            before, x0_before = history[-1]
            ratio = (t.lambda_ - s.lambda_) / (s.lambda_ - before.lambda_)
            extrapolated = x0_hat + 0.5 * ratio * (x0_hat - x0_before)
        history[:] = [(s, x0_hat)]
        return exact_step(x, extrapolated, s, t)[0], x0_hat
