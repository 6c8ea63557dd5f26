"""DPM-Solver++ of first and second order: exponential methods in lambda for the estimate of x_0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from molediff.core.solvers.base import History, Solver
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

    With `cooling` the score, which is a force, pulls harder than equilibrium asks for, and nothing shakes against it,
    once lambda is above `cooled_from`:

        dx = [f x - (1 + cooling) / 2 g^2 score] dt

    the drift of the reverse SDE with eta^2 = cooling, without its noise. What comes out is colder than the data: a mode
    of variance v keeps the share (v / (v + nu^2))^cooling of it, nu = exp(-cooled_from). That takes off the spread
    about a mode that a network's doubt adds. Begun before the modes part, it drives samples towards their common mean,
    and outer modes are met less often. (Low-temperature sampling, Ingraham et al. 2023, Chroma; here without noise.)

    Args:
        cooling: 0 for the probability-flow ODE.
        cooled_from: half the log-SNR from which on it is cooled.
    """

    cooling: float = 0.0
    cooled_from: float = -math.inf
    order: ClassVar[int] = 2

    def __post_init__(self) -> None:
        if not (isinstance(self.cooling, float | int) and 0 <= self.cooling < math.inf):
            raise ValueError(f"cooling adds to the score's pull, a finite number >= 0; got {self.cooling!r}.")
        if not isinstance(self.cooled_from, float | int) or math.isnan(self.cooled_from):
            raise ValueError(f"cooled_from is half a log-SNR, a number or -inf; got {self.cooled_from!r}.")

    def step(self, run: Run, x: Tensor, s: Point, t: Point, history: History) -> tuple[Tensor, Tensor]:
        x0_hat = run.denoise(x, s)
        x0_middle = extrapolated(x0_hat, s, t, history)
        return exact_step(x, x0_middle, s, t, math.sqrt(self.cooling * self._cooled_share(s, t)))[0], x0_hat

    def _cooled_share(self, s: Point, t: Point) -> float:
        """How much of the step, in lambda, is cooled. (A step to infinite lambda forgets x: it is all the same.)"""
        if s.lambda_ >= self.cooled_from or math.isinf(t.lambda_):
            return 1.0
        return max(0.0, t.lambda_ - self.cooled_from) / (t.lambda_ - s.lambda_)
