"""Adaptive Dormand-Prince 5(4) on the probability-flow ODE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from molediff.core.paths import expand_like
from molediff.core.solvers.adaptive import integrate_each
from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.noise_level import NoiseLevel, flow_coefficients
from molediff.core.solvers.run import SolverRun


@dataclass(frozen=True)
class Dopri5(Solver):
    """Dormand and Prince's 5(4) pair in lambda with a step control for each sample.

    It integrates dx / d lambda = (f / lambda') x - sigma eps_hat over each step of the grid; a grid of one step
    leaves all to the control. All samples of a batch share the network's calls, each at its own time, so that there
    are as many as the sample with the most steps needs, and no sample depends on another. A last step to t = 0 is a
    denoising one.

    Args:
        rtol, atol: relative and absolute error of each entry of a sample allowed a step.
    """

    rtol: float = 1e-5
    atol: float = 1e-5
    order: ClassVar[int] = 5

    def __post_init__(self) -> None:
        if not (self.rtol > 0 and self.atol > 0):
            raise ValueError(f"Tolerances must be positive; got rtol={self.rtol}, atol={self.atol}.")

    def step(
        self, run: SolverRun, x: Tensor, s: NoiseLevel, t: NoiseLevel, history: History
    ) -> tuple[Tensor, Tensor]:
        x_0_hat = run.denoise(x, s)
        if t.sigma == 0:
            return t.alpha * x_0_hat, x_0_hat

        def velocity(lambda_: Tensor, x: Tensor) -> Tensor:
            # a rounding must not leave the path
            time, of_x, of_x_0 = flow_coefficients(run.path, lambda_.clamp(s.lambda_, t.lambda_))
            x_0_hat = run.denoise_at(x, time.to(x.dtype))
            return expand_like(of_x.to(x.dtype), x) * x + expand_like(of_x_0.to(x.dtype), x) * x_0_hat

        return integrate_each(velocity, x, s.lambda_, t.lambda_, self.rtol, self.atol), x_0_hat
