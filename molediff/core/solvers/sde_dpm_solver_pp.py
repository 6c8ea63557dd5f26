"""SDE-DPM-Solver++(2M): the exponential method of second order in lambda, for the reverse SDE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.checks import check_eta
from molediff.core.solvers.dpm_solver_pp import extrapolated
from molediff.core.solvers.noise_level import NoiseLevel, exact_step
from molediff.core.solvers.run import SolverRun


@dataclass(frozen=True)
class SDEDPMSolverPP2M(Solver):
    """SDE-DPM-Solver++(2M): DPM-Solver++(2M) with the exact linear part of the SDE (Lu et al. 2022b, eq. 18).

    eta = 1 is the published method, eta = 0 DPM-Solver++(2M). The x_0_hat of a noisy path is no smooth function
    of lambda, so that the order of the moments is one; the constant is small.
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
        return run.noised(*exact_step(x, extrapolated(x_0_hat, s, t, history), s, t, self.eta)), x_0_hat
