"""Solvers of the reverse SDE and of the probability-flow ODE, one a file, and their time grids."""

from molediff.core.solvers.ancestral import Ancestral
from molediff.core.solvers.base import Solver
from molediff.core.solvers.churn import Churn
from molediff.core.solvers.ddim import DDIM
from molediff.core.solvers.dopri5 import Dopri5
from molediff.core.solvers.dpm_solver_pp import DPMSolverPP1, DPMSolverPP2M, DPMSolverPP2S
from molediff.core.solvers.dpm_solver_pp_3m import DPMSolverPP3M
from molediff.core.solvers.euler_maruyama import Euler, EulerMaruyama
from molediff.core.solvers.grids import (
    AtLambdas,
    central_lambda,
    karras,
    quadratic,
    uniform_lambda,
    uniform_t,
    with_final_denoising,
)
from molediff.core.solvers.heun import Heun
from molediff.core.solvers.inpainting import Inpainting
from molediff.core.solvers.optimized_grid import optimized
from molediff.core.solvers.predictor_corrector import PredictorCorrector
from molediff.core.solvers.run import Callback, Step
from molediff.core.solvers.sde_dpm_solver_pp import SDEDPMSolverPP2M

__all__ = [
    "DDIM",
    "Ancestral",
    "AtLambdas",
    "Callback",
    "Churn",
    "DPMSolverPP1",
    "DPMSolverPP2M",
    "DPMSolverPP2S",
    "DPMSolverPP3M",
    "Dopri5",
    "Euler",
    "EulerMaruyama",
    "Heun",
    "Inpainting",
    "PredictorCorrector",
    "SDEDPMSolverPP2M",
    "Solver",
    "Step",
    "central_lambda",
    "karras",
    "optimized",
    "quadratic",
    "uniform_lambda",
    "uniform_t",
    "with_final_denoising",
]
