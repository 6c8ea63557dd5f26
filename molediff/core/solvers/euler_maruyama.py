"""Euler-Maruyama in t, the plain discretization of the reverse dynamics."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.checks import check_eta
from molediff.core.solvers.noise_level import NoiseLevel, eps_hat
from molediff.core.solvers.run import SolverRun


@dataclass(frozen=True)
class EulerMaruyama(Solver):
    """Euler's method in t on dx = [f x - (1 + eta^2)/2 g^2 score] dt + eta g dW-bar (Song et al. 2021, appendix E).

    Unlike the exact step it also approximates the linear part, so it needs many steps, small ones where g^2
    is large: on CosineVP take a grid uniform in lambda. Weak order one. eta = 0 is plain Euler on the
    probability-flow ODE.
    """

    eta: float = 1.0
    order: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_eta(self.eta)

    @property
    def stochastic(self) -> bool:
        return self.eta > 0

    def step(
        self, run: SolverRun, x: Tensor, s: NoiseLevel, t: NoiseLevel, history: History
    ) -> tuple[Tensor, Tensor]:
        x_0_hat = run.denoise(x, s)
        if t.t == 0:  # nothing of the noise is left to integrate: denoise (Song et al. 2021, appendix G)
            return x_0_hat, x_0_hat
        dt = t.t - s.t
        score = -eps_hat(x, x_0_hat, s) / s.sigma
        mean = x + (s.drift * x - 0.5 * (1 + self.eta**2) * s.diffusion_squared * score) * dt
        return run.noised(mean, self.eta * math.sqrt(-s.diffusion_squared * dt)), x_0_hat


@dataclass(frozen=True)
class Euler(EulerMaruyama):
    """Euler's method in t on the probability-flow ODE. On the straight path it is DDIM; elsewhere it is worse."""

    eta: float = field(default=0.0, init=False)
