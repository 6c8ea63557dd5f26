"""Solvers of the reverse SDE and of the probability-flow ODE, one a file, and their time grids."""

from molediff.core.solvers.ancestral import Ancestral
from molediff.core.solvers.base import History, Solver
from molediff.core.solvers.churn import Churn
from molediff.core.solvers.ddim import DDIM
from molediff.core.solvers.dopri5 import Dopri5
from molediff.core.solvers.dpm_solver_pp import DPMSolverPP2M, DPMSolverPP2S
from molediff.core.solvers.dpm_solver_pp_3m import DPMSolverPP3M
from molediff.core.solvers.euler_maruyama import Euler, EulerMaruyama
from molediff.core.solvers.grids import (
    AtLambdas,
    central_lambda,
    karras,
    uniform_lambda,
    uniform_t,
    with_final_denoising,
)
from molediff.core.solvers.heun import Heun
from molediff.core.solvers.inpainting import Inpainting
from molediff.core.solvers.named import FORMER_SOLVERS, SOLVERS, NamedSolver, by_title, solver_named
from molediff.core.solvers.noise_level import NoiseLevel, noise_levels
from molediff.core.solvers.predictor_corrector import PredictorCorrector
from molediff.core.solvers.run import Callback, SolverRun, Step
from molediff.core.solvers.sde_dpm_solver_pp import SDEDPMSolverPP2M

__all__ = [
    "DDIM",
    "FORMER_SOLVERS",
    "SOLVERS",
    "Ancestral",
    "AtLambdas",
    "Callback",
    "Churn",
    "DPMSolverPP2M",
    "DPMSolverPP2S",
    "DPMSolverPP3M",
    "Dopri5",
    "Euler",
    "EulerMaruyama",
    "Heun",
    "History",
    "Inpainting",
    "NamedSolver",
    "NoiseLevel",
    "PredictorCorrector",
    "SDEDPMSolverPP2M",
    "Solver",
    "SolverRun",
    "Step",
    "by_title",
    "central_lambda",
    "karras",
    "noise_levels",
    "solver_named",
    "uniform_lambda",
    "uniform_t",
    "with_final_denoising",
]
