"""How probable categorical states are under a masked model."""

from __future__ import annotations

import torch
from torch import Tensor

from molediff.core.discrete.model import CategoricalDenoiser
from molediff.core.discrete.objective import cross_entropy
from molediff.core.discrete.process import Absorbing, uniform_numbers
from molediff.core.generators import Generators


@torch.no_grad()
def log_prob_bound(
    denoiser: CategoricalDenoiser,
    process: Absorbing,
    x_0: Tensor,
    generators: Generators,
    mask: Tensor | None = None,
    num_orders: int = 1,
) -> Tensor:
    """Estimate of a lower bound of log p(x_0), in nats: the mean over random orders of the log-probability in each.

    Entries are revealed one at a time, one evaluation each; by Jensen's inequality the mean over all orders is not
    above the log-probability of the mixture of them, which is the model (Hoogeboom et al. 2022, eq. 3).

    Args:
        denoiser: function (x_t, t) -> logits of x_0.
        process: its masked process.
        x_0: states, shape (n, T).
        generators: of the orders, one a sample.
        mask: true for real entries, shape (n, T), real ones first.
        num_orders: random orders a sample.

    Returns:
        Shape (n,), float64.
    """
    real = torch.ones_like(x_0, dtype=torch.bool) if mask is None else mask
    found = torch.zeros(len(x_0), dtype=torch.float64, device=x_0.device)
    t = torch.full((len(x_0),), 0.5, dtype=torch.float64, device=x_0.device)
    for _ in range(num_orders):
        rank = uniform_numbers(real.shape, generators, x_0.device, real).masked_fill(~real, 2.0)
        place = rank.argsort(1).argsort(1)
        for step in range(int(real.sum(1).max())):
            next_one = (place == step) & real
            x_t = x_0.masked_fill((place >= step) & real, process.mask_state)
            error = cross_entropy(denoiser(x_t, t).double(), x_0.masked_fill(~real, 0))
            found -= error.masked_fill(~next_one, 0.0).sum(1)
    return found / num_orders
