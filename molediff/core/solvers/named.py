"""The solvers by name: the one list that options, configs, benchmarks and tests read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial

from molediff.core.solvers.ancestral import Ancestral
from molediff.core.solvers.base import Solver
from molediff.core.solvers.churn import Churn
from molediff.core.solvers.ddim import DDIM
from molediff.core.solvers.dopri5 import Dopri5
from molediff.core.solvers.dpm_solver_pp import DPMSolverPP2M, DPMSolverPP2S
from molediff.core.solvers.dpm_solver_pp_3m import DPMSolverPP3M
from molediff.core.solvers.euler_maruyama import Euler, EulerMaruyama
from molediff.core.solvers.heun import Heun
from molediff.core.solvers.predictor_corrector import PredictorCorrector
from molediff.core.solvers.sde_dpm_solver_pp import SDEDPMSolverPP2M

# Of low-temperature sampling. Chosen on ensembles of validation molecules (docs/conformers.md): conformers part before
# lambda = -0.5, and beyond a cooling of 0.8 recall no longer gains.
_COOLING, _COOLED_FROM = 0.8, -0.5


@dataclass(frozen=True)
class NamedSolver:
    """A solver as people choose it.

    Attributes:
        title: in tables and figures.
        make: makes it; with settings of its own as keywords.
        takes_eta: whether one of them is `eta`, the noise on the way (0: ODE, 1: SDE).
    """

    title: str
    make: Callable[..., Solver]

    @property
    def takes_eta(self) -> bool:
        return any(field.init and field.name == "eta" for field in fields(self.make()))  # type: ignore[arg-type]


SOLVERS: Mapping[str, NamedSolver] = {
    "dpmpp_2m": NamedSolver("DPM-Solver++(2M)", DPMSolverPP2M),
    "dpmpp_2m_low_temperature": NamedSolver(
        "DPM-Solver++(2M), cooled", partial(DPMSolverPP2M, cooling=_COOLING, cooled_from=_COOLED_FROM)
    ),
    "dpmpp_2s": NamedSolver("DPM-Solver++(2S)", DPMSolverPP2S),
    "dpmpp_3m": NamedSolver("DPM-Solver++(3M)", DPMSolverPP3M),
    "ddim": NamedSolver("DDIM", DDIM),
    "heun": NamedSolver("Heun", Heun),
    "euler": NamedSolver("Euler in t", Euler),
    "dopri5": NamedSolver("dopri5", Dopri5),
    "euler_maruyama": NamedSolver("Euler-Maruyama", EulerMaruyama),
    "ancestral": NamedSolver("ancestral", Ancestral),
    "sde_dpmpp_2m": NamedSolver("SDE-DPM-Solver++(2M)", SDEDPMSolverPP2M),
    "predictor_corrector": NamedSolver("predictor-corrector", PredictorCorrector),
    "churn": NamedSolver("churn", Churn),
}

FORMER_SOLVERS: Mapping[str, str] = {"dpmpp_2m_cooled": "dpmpp_2m_low_temperature"}
"""Former names, still understood."""


def solver_named(name: str, eta: float | None = None) -> Solver:
    """The solver of this name.

    Args:
        name: one of `SOLVERS`.
        eta: noise on the way, for a solver that has it; None: the solver's own.

    Raises:
        ValueError: an unknown name, or an `eta` where it means nothing.

    Example:
        >>> from molediff.core import solver_named
        >>> solver_named("ddim", eta=0.5)
        DDIM(eta=0.5)
    """
    found = SOLVERS.get(FORMER_SOLVERS.get(name, name))
    if found is None:
        raise ValueError(f"solver must be one of {', '.join(SOLVERS)}; got {name!r}.")
    if eta is None:
        return found.make()
    if not found.takes_eta:
        having = ", ".join(repr(name) for name, solver in SOLVERS.items() if solver.takes_eta)
        raise ValueError(f"solver={name!r} has no eta (got {eta}): leave it out, or take one of {having}.")
    return found.make(eta=eta)


def by_title(*names: str) -> dict[str, Solver]:
    """The solvers of these names, by their titles."""
    return {SOLVERS[name].title: SOLVERS[name].make() for name in names}
