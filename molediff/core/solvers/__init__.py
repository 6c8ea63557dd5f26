"""Solvers of the reverse SDE and of the probability-flow ODE, one a file, and their time grids."""

from molediff.core.solvers.ancestral import Ancestral
from molediff.core.solvers.base import Solver
from molediff.core.solvers.ddim import DDIM
from molediff.core.solvers.dpm_solver_pp import DPMSolverPP2M
from molediff.core.solvers.euler_maruyama import EulerMaruyama
from molediff.core.solvers.grids import karras, uniform_lambda, uniform_t, with_final_denoising
from molediff.core.solvers.heun import Heun
from molediff.core.solvers.run import Callback, Step

__all__ = [
    "DDIM",
    "Ancestral",
    "Callback",
    "DPMSolverPP2M",
    "EulerMaruyama",
    "Heun",
    "Solver",
    "Step",
    "karras",
    "uniform_lambda",
    "uniform_t",
    "with_final_denoising",
]
