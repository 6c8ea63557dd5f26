"""Diffusion of categories: processes, denoisers, losses and solvers, side by side with those of continuous states.

path      keeps a share alpha_t^2 of the entries      x_t = alpha_t x_0 + sigma_t eps
denoiser  gives probabilities of x_0                  gives the mean of x_0
loss      weighted cross entropy                      weighted mean square
solver    draws from q(x_s | x_t, x_0)                an exact step for a constant estimate of x_0
"""

from molediff.core.discrete.entropy_bounded import EntropyBounded
from molediff.core.discrete.guidance import classifier_free
from molediff.core.discrete.likelihood import log_prob_bound
from molediff.core.discrete.model import CategoricalDenoiser, CategoricalModel
from molediff.core.discrete.objective import (
    any_order_loss,
    bound_weight,
    cross_entropy,
    masked_at_random,
    rate_bound,
)
from molediff.core.discrete.process import Absorbing, CategoricalProcess, Marginal, Uniform
from molediff.core.discrete.solvers import (
    AncestralCategories,
    CategoricalSolver,
    CategoricalStep,
    Revealing,
    uniform_grid,
)

__all__ = [
    "Absorbing",
    "AncestralCategories",
    "CategoricalDenoiser",
    "CategoricalModel",
    "CategoricalProcess",
    "CategoricalSolver",
    "CategoricalStep",
    "EntropyBounded",
    "Marginal",
    "Revealing",
    "Uniform",
    "any_order_loss",
    "bound_weight",
    "classifier_free",
    "cross_entropy",
    "log_prob_bound",
    "masked_at_random",
    "rate_bound",
    "uniform_grid",
]
