"""Predictor-corrector sampling: a step of any solver, then Langevin steps at the new noise level."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from molediff.core.solvers.ancestral import Ancestral
from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.noise_level import NoiseLevel
from molediff.core.solvers.run import SolverRun


@dataclass(frozen=True)
class PredictorCorrector(Solver):
    r"""A step of `predictor`, then `num_corrections` Langevin steps at fixed t (Song et al. 2021, algorithms 2 to 5).

    Langevin dynamics dx = score d tau + sqrt(2) dW leaves p(x_t) as it is, and so repairs the predictor's
    marginal. With x_0_hat held constant it is an Ornstein-Uhlenbeck process about alpha x_0_hat, whose step is
    taken exactly:

        x <- alpha x_0_hat + e^(-tau) (x - alpha x_0_hat) + sigma sqrt(1 - e^(-2 tau)) z

    Song et al. set the step by the ratio of the norms of noise and score in the batch, which would make a sample
    depend on its batch mates; that ratio is sigma on average, so tau is 2 r^2 for their signal-to-noise ratio r. A
    fixed tau would leave an error that more steps do not cure, so tau is never more than the step in lambda.

    Args:
        predictor: a one-step solver.
        num_corrections: Langevin steps after each step but a last one to t = 0; one evaluation each.
        step_size: largest tau; 0.05 is Song's r = 0.16.
    """

    predictor: Solver = field(default_factory=Ancestral)
    num_corrections: int = 1
    step_size: float = 0.05
    order: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.num_corrections < 0 or not self.step_size > 0:
            raise ValueError(
                "PredictorCorrector needs num_corrections >= 0 and step_size > 0; "
                f"got {self.num_corrections} and {self.step_size}."
            )

    @property
    def stochastic(self) -> bool:
        return self.predictor.stochastic or self.num_corrections > 0

    def step(
        self, run: SolverRun, x: Tensor, s: NoiseLevel, t: NoiseLevel, history: History
    ) -> tuple[Tensor, Tensor]:
        x, x_0_hat = self.predictor.step(run, x, s, t, history)
        tau = min(self.step_size, t.lambda_ - s.lambda_)
        kept = math.exp(-tau)
        for _ in range(self.num_corrections if t.sigma > 0 else 0):
            centre = t.alpha * run.denoise(x, t)
            x = run.noised(centre + kept * (x - centre), t.sigma * math.sqrt(-math.expm1(-2 * tau)))
        return x, x_0_hat
