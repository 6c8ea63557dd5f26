"""Adaptive Dormand-Prince 5(4) on the probability-flow ODE, through torchdiffeq."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.point import Point, lambda_velocity, point_at_lambda
from molediff.core.solvers.run import Run


def integrate(
    velocity: Callable[[Tensor, Tensor], Tensor], start: Tensor, span: Tensor, rtol: float, atol: float
) -> Tensor:
    """Integrate dy/ds = velocity(s, y) from span[0] to span[1] with the error of every sample (row) in bounds."""
    from torchdiffeq import odeint

    def worst_sample(error: Tensor) -> Tensor:
        return error.reshape(len(start), -1).square().mean(1).sqrt().max()

    options = {"norm": worst_sample}
    return odeint(velocity, start, span, rtol=rtol, atol=atol, method="dopri5", options=options)[-1]


@dataclass(frozen=True)
class Dopri5(Solver):
    """Dormand and Prince's 5(4) pair in lambda with step control (torchdiffeq's dopri5).

    It integrates dx / d lambda = (f / lambda') x - sigma eps_hat over each step of the grid; a grid of one step
    leaves all to the control. The step is that of the sample that needs the smallest, so every sample keeps
    the tolerance by itself; batch mates change a sample, but within the accuracy that the tolerance buys. A last
    step to t = 0 is a denoising one.

    Args:
        rtol, atol: relative and absolute error allowed a step.
    """

    rtol: float = 1e-5
    atol: float = 1e-5
    order: ClassVar[int] = 5

    def __post_init__(self) -> None:
        if not (self.rtol > 0 and self.atol > 0):
            raise ValueError(f"Tolerances must be positive; got rtol={self.rtol}, atol={self.atol}.")

    def step(self, run: Run, x: Tensor, s: Point, t: Point, history: History) -> tuple[Tensor, Tensor]:
        x0_hat = run.denoise(x, s)
        if t.sigma == 0:
            return t.alpha * x0_hat, x0_hat

        def velocity(lambda_: Tensor, x: Tensor) -> Tensor:
            # torchdiffeq tries its first step without regard to the end of the span
            u = point_at_lambda(run.path, min(max(float(lambda_), s.lambda_), t.lambda_))
            return lambda_velocity(x, run.denoise(x, u), u)

        span = torch.tensor([s.lambda_, t.lambda_], dtype=torch.float64, device=x.device)
        return integrate(velocity, x, span, self.rtol, self.atol).to(x.dtype), x0_hat
