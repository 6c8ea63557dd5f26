"""Every solver, with settings that matter."""

from molediff.core.solvers import (
    DDIM,
    Ancestral,
    Churn,
    Dopri5,
    DPMSolverPP1,
    DPMSolverPP2M,
    DPMSolverPP2S,
    DPMSolverPP3M,
    Euler,
    EulerMaruyama,
    Heun,
    PredictorCorrector,
    SDEDPMSolverPP2M,
)

ODE_SOLVERS = [
    Euler(),
    DDIM(),
    Heun(),
    DPMSolverPP1(),
    DPMSolverPP2S(),
    DPMSolverPP2M(),
    DPMSolverPP3M(),
    Dopri5(1e-6, 1e-6),
]
STOCHASTIC_SOLVERS = [
    EulerMaruyama(),
    EulerMaruyama(0.5),
    Ancestral(),
    DDIM(0.5),
    DDIM(1.0),
    PredictorCorrector(),
    PredictorCorrector(DDIM(), num_corrections=2),
    Churn(),
    SDEDPMSolverPP2M(),
    SDEDPMSolverPP2M(0.5),
]
SOLVERS = ODE_SOLVERS + STOCHASTIC_SOLVERS
