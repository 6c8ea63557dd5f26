"""Ancestral sampling, DDPM's sampler on any path and any grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.noise_level import NoiseLevel, exact_step
from molediff.core.solvers.run import SolverRun


@dataclass(frozen=True)
class Ancestral(Solver):
    """Draw from the exact posterior q(x_t | x_s, x_0 = x_0_hat), t < s (Ho et al. 2020, eq. 7, with the
    smaller variance).

    It is the exact step of the reverse SDE with x_0_hat held constant, hence DDIM(1) and SDE-DPM-Solver++(1) too.
    """

    order: ClassVar[int] = 1

    @property
    def stochastic(self) -> bool:
        return True

    def step(
        self, run: SolverRun, x: Tensor, s: NoiseLevel, t: NoiseLevel, history: History
    ) -> tuple[Tensor, Tensor]:
        x_0_hat = run.denoise(x, s)
        return run.noised(*exact_step(x, x_0_hat, s, t, eta=1.0)), x_0_hat
