"""DPM-Solver++ of second order (of first order it is DDIM): exponential methods in lambda for the estimate of x_0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.noise_level import NoiseLevel, exact_step, noise_level_at
from molediff.core.solvers.run import SolverRun


@dataclass(frozen=True)
class DPMSolverPP2S(Solver):
    """Single-step second-order method: x_0_hat is taken half-way in lambda (Lu et al. 2022b, algorithm 1, r = 1/2).

    Two evaluations a step; one, and first order, in a step to infinite lambda, which has no middle.
    """

    order: ClassVar[int] = 2

    def step(
        self, run: SolverRun, x: Tensor, s: NoiseLevel, t: NoiseLevel, history: History
    ) -> tuple[Tensor, Tensor]:
        x_0_hat = run.denoise(x, s)
        if math.isinf(t.lambda_):
            return exact_step(x, x_0_hat, s, t)[0], x_0_hat
        middle = noise_level_at(run.path, 0.5 * (s.lambda_ + t.lambda_))
        x_0_middle = run.denoise(exact_step(x, x_0_hat, s, middle)[0], middle)
        return exact_step(x, x_0_middle, s, t)[0], x_0_hat


def extrapolated(x_0_hat: Tensor, s: NoiseLevel, t: NoiseLevel, history: History) -> Tensor:
    """x_0_hat half-way from `s` to `t` in lambda, on the line through this estimate and the one before.

    Without a past, and for a step to infinite lambda, x_0_hat itself. `history` keeps this estimate.
    """
    x_0_middle = x_0_hat
    if history and math.isfinite(t.lambda_):
        before, x_0_before = history[-1]
        ratio = (t.lambda_ - s.lambda_) / (s.lambda_ - before.lambda_)
        x_0_middle = x_0_hat + 0.5 * ratio * (x_0_hat - x_0_before)
    history[:] = [(s, x_0_hat)]
    return x_0_middle


@dataclass(frozen=True)
class DPMSolverPP2M(Solver):
    """DPM-Solver++(2M), two-step method with one evaluation a step (Lu et al. 2022b, algorithm 2).

    The first step is first order, having no past, and so is a step to infinite lambda.

    With `cooling` it is low-temperature sampling without noise: the score term is multiplied by 1 + cooling once lambda
    is above `cooled_from`,

        dx = [f x - (1 + cooling) / 2 g^2 score] dt

    the drift of the reverse SDE with eta^2 = cooling, without its noise: the score, a force, pulls harder than
    equilibrium asks for, and nothing shakes against it. What comes out is colder than the data: a mode of variance v
    keeps the fraction (v / (v + nu^2))^cooling of it, nu = exp(-cooled_from). That takes off the spread about a mode
    that a network's doubt adds. Begun before the modes part, it drives samples towards their common mean, and outer
    modes are met less often. (Ingraham et al. 2023, Chroma, with noise.)

    Args:
        cooling: 0 for the probability-flow ODE.
        cooled_from: half the log-SNR from which on it is cooled.
    """

    cooling: float = 0.0
    cooled_from: float = -math.inf
    order: ClassVar[int] = 2

    def __post_init__(self) -> None:
        if not (isinstance(self.cooling, float | int) and 0 <= self.cooling < math.inf):
            raise ValueError(
                f"cooling adds to the factor of the score, a finite number >= 0; got {self.cooling!r}."
            )
        if not isinstance(self.cooled_from, float | int) or math.isnan(self.cooled_from):
            raise ValueError(f"cooled_from is half a log-SNR, a number or -inf; got {self.cooled_from!r}.")

    def step(
        self, run: SolverRun, x: Tensor, s: NoiseLevel, t: NoiseLevel, history: History
    ) -> tuple[Tensor, Tensor]:
        x_0_hat = run.denoise(x, s)
        x_0_middle = extrapolated(x_0_hat, s, t, history)
        return exact_step(x, x_0_middle, s, t, math.sqrt(self.cooling * self._cooled_fraction(s, t)))[
            0
        ], x_0_hat

    def _cooled_fraction(self, s: NoiseLevel, t: NoiseLevel) -> float:
        """How much of the step, in lambda, is cooled. (A step to infinite lambda forgets x: it is all the same.)"""
        if s.lambda_ >= self.cooled_from or math.isinf(t.lambda_):
            return 1.0
        return max(0.0, t.lambda_ - self.cooled_from) / (t.lambda_ - s.lambda_)
