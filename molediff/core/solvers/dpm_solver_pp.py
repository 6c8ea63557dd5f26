"""DPM-Solver++ of first and second order: exponential methods in lambda for the estimate of x_0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.checks import check_eta
from molediff.core.solvers.point import Point, exact_step, point_at_lambda
from molediff.core.solvers.run import Run


@dataclass(frozen=True)
class DPMSolverPP1(Solver):
    """The exact step with x0_hat held constant (Lu et al. 2022b, eq. 9 with k = 1): DDIM by another way."""

    order: ClassVar[int] = 1

    def step(self, run: Run, x: Tensor, s: Point, t: Point, history: History) -> tuple[Tensor, Tensor]:
        x0_hat = run.denoise(x, s)
        return exact_step(x, x0_hat, s, t)[0], x0_hat


@dataclass(frozen=True)
class DPMSolverPP2S(Solver):
    """Single-step second-order method: x0_hat is taken half-way in lambda (Lu et al. 2022b, algorithm 1, r = 1/2).

    Two evaluations a step; one, and first order, in a step to infinite lambda, which has no middle.
    """

    order: ClassVar[int] = 2

    def step(self, run: Run, x: Tensor, s: Point, t: Point, history: History) -> tuple[Tensor, Tensor]:
        x0_hat = run.denoise(x, s)
        if math.isinf(t.lambda_):
            return exact_step(x, x0_hat, s, t)[0], x0_hat
        middle = point_at_lambda(run.path, 0.5 * (s.lambda_ + t.lambda_))
        x0_middle = run.denoise(exact_step(x, x0_hat, s, middle)[0], middle)
        return exact_step(x, x0_middle, s, t)[0], x0_hat


def extrapolated(x0_hat: Tensor, s: Point, t: Point, history: History) -> Tensor:
    """x0_hat half-way from `s` to `t` in lambda, on the line through this estimate and the one before.

    Without a past, and for a step to infinite lambda, x0_hat itself. `history` keeps this estimate.
    """
    x0_middle = x0_hat
    if history and math.isfinite(t.lambda_):
        before, x0_before = history[-1]
        ratio = (t.lambda_ - s.lambda_) / (s.lambda_ - before.lambda_)
        x0_middle = x0_hat + 0.5 * ratio * (x0_hat - x0_before)
    history[:] = [(s, x0_hat)]
    return x0_middle


@dataclass(frozen=True)
class DPMSolverPP2M(Solver):
    """DPM-Solver++(2M), two-step method with one evaluation a step (Lu et al. 2022b, algorithm 2).

    The first step is first order, having no past, and so is a step to infinite lambda.
    """

    order: ClassVar[int] = 2

    def step(self, run: Run, x: Tensor, s: Point, t: Point, history: History) -> tuple[Tensor, Tensor]:
        x0_hat = run.denoise(x, s)
        return exact_step(x, extrapolated(x0_hat, s, t, history), s, t)[0], x0_hat


@dataclass(frozen=True)
class SDEDPMSolverPP2M(Solver):
    """SDE-DPM-Solver++(2M): DPM-Solver++(2M) with the exact linear part of the SDE (Lu et al. 2022b, eq. 18).

    eta = 1 is the published method, eta = 0 DPM-Solver++(2M). The x0_hat of a noisy path is no smooth function
    of lambda, so that the order of the moments is one; the constant is small.
    """

    eta: float = 1.0
    order: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_eta(self.eta)

    @property
    def stochastic(self) -> bool:
        return self.eta > 0

    def step(self, run: Run, x: Tensor, s: Point, t: Point, history: History) -> tuple[Tensor, Tensor]:
        x0_hat = run.denoise(x, s)
        return run.noised(*exact_step(x, extrapolated(x0_hat, s, t, history), s, t, self.eta)), x0_hat
