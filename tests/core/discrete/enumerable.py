"""Data of two entries of three categories, all nine states with their probabilities, and the exact denoiser."""

import itertools

import torch

from molediff.core.discrete.process import CategoricalProcess

NUM_CATEGORIES = 3
STATES = torch.tensor(list(itertools.product(range(NUM_CATEGORIES), repeat=2)))
PROBABILITIES = torch.tensor([0.23, 0.02, 0.05, 0.02, 0.28, 0.1, 0.1, 0.15, 0.05], dtype=torch.float64)
ENTROPY = float(-torch.xlogy(PROBABILITIES, PROBABILITIES).sum())


def exact_estimate(process: CategoricalProcess, x_t: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """p(x_0 | x_t) of each entry by summing over all data, shape (n, 2, num_states)."""
    marginal = process.marginal(STATES.repeat(len(x_t), 1, 1).flatten(0, 1), t.repeat_interleave(len(STATES)))
    marginal = marginal.view(len(x_t), len(STATES), 2, -1)
    likelihood = marginal.gather(-1, x_t[:, None, :, None].expand(-1, len(STATES), -1, 1))[..., 0].prod(-1)
    weights = PROBABILITIES * likelihood
    weights = weights / weights.sum(1, keepdim=True)
    one_hot = torch.nn.functional.one_hot(STATES, process.num_states).to(weights)
    return torch.einsum("ns,stk->ntk", weights, one_hot)


def exact_denoiser(process: CategoricalProcess):
    """As logits of the data's categories."""
    return lambda x_t, t: exact_estimate(process, x_t, t)[..., :NUM_CATEGORIES].log()
