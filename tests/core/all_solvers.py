"""Every solver, with settings that matter."""

from molediff.core.solvers import (
    DDIM,
    Dopri5,
    EulerMaruyama,
    PredictorCorrector,
    SDEDPMSolverPP2M,
)
from molediff.core.solvers import (
    SOLVERS as NAMED,
)

_ALL = [named.make() for name, named in NAMED.items() if name not in ("dpmpp_2m_low_temperature", "dopri5")]
ODE_SOLVERS = [*(solver for solver in _ALL if not solver.stochastic), Dopri5(1e-6, 1e-6)]
STOCHASTIC_SOLVERS = [
    *(solver for solver in _ALL if solver.stochastic),
    EulerMaruyama(0.5),
    DDIM(0.5),
    DDIM(1.0),
    PredictorCorrector(DDIM(), num_corrections=2),
    SDEDPMSolverPP2M(0.5),
]
SOLVERS = ODE_SOLVERS + STOCHASTIC_SOLVERS
