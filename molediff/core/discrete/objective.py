"""Losses of categorical denoisers: weighted cross entropy, and bounds of the log-probability in nats."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from molediff.core.discrete.process import Absorbing, CategoricalProcess
from molediff.core.paths import expand_like


def cross_entropy(logits: Tensor, x_0: Tensor) -> Tensor:
    """-log p(x_0) of each entry, in nats: logits (n, ..., K), x_0 (n, ...), shape (n, ...)."""
    return -logits.log_softmax(-1).gather(-1, x_0.unsqueeze(-1)).squeeze(-1)


def bound_weight(process: Absorbing, t: Tensor) -> Tensor:
    """Weight (n,) of the cross entropy of masked entries that makes its time integral a bound of -log p(x_0).

    w = -(d alpha^2 / dt) / (1 - alpha^2) (Sahoo et al. 2024, eq. 10; Shi et al. 2024, eq. 5): 1 / t where alpha^2 is
    1 - t. It does not hang on the schedule but through the substitution of time.
    """
    return -2 * process.path.dlambda_dt(t) * process.kept(t)


def rate_bound(process: CategoricalProcess, x_0: Tensor, x_t: Tensor, estimate: Tensor, t: Tensor) -> Tensor:
    """What each entry adds to the bound of -log p(x_0) in a unit of time, in nats, for any process; shape (n, ...).

    The Kullback-Leibler rate between the jumps backwards in time of x_t given x_0, and those of the estimate: the sum
    over y != x_t of R'(y) - R(y) + R(y) log(R(y) / R'(y)), with R(y) = beta limit(x_t) q(y | x_0) / q(x_t | x_0) and R'
    its mean over the estimate (Campbell et al. 2022, proposition 2; Lou et al. 2024, eq. 6). Integrated over t it is a
    bound of -log p(x_0), up to what x_1 still knows of x_0; on average over data it is their entropy if the estimate is
    the exact p(x_0 | x_t), entry by entry.

    Args:
        process: of the states.
        x_0: states, shape (n, ...).
        x_t: noised states, shape (n, ...).
        estimate: probabilities of x_0 given all of x_t, shape (n, ..., num_states).
        t: times, shape (n,).
    """
    kept = expand_like(process.kept(t).to(estimate), x_t).unsqueeze(-1)
    rate = expand_like((-2 * process.path.dlog_alpha_dt(t)).to(estimate), x_t)
    limit, here = process.limit.to(estimate), one_hot(x_t, process.num_states).to(estimate)
    limit_here = (limit * here).sum(-1, keepdim=True)
    evidence = kept * here + (1 - kept) * limit_here
    tiny = torch.finfo(estimate.dtype).tiny

    def ratios(distribution: Tensor) -> Tensor:
        """The mean of q(y | x_0) / q(x_t | x_0), for each y."""
        shares = torch.where(evidence > 0, distribution / evidence.clamp_min(tiny), 0.0)
        return kept * shares + (1 - kept) * limit * shares.sum(-1, keepdim=True)

    true, found = ratios(one_hot(x_0, process.num_states).to(estimate)), ratios(estimate)
    terms = found - true + torch.xlogy(true, true) - torch.xlogy(true, found.clamp_min(tiny))
    return rate * limit_here.squeeze(-1) * (terms * (1 - here)).sum(-1)


def masked_at_random(real: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Which entries to mask: k of each sample's m real ones, k uniform from 1 to m and all choices alike.

    This is the masked process at a uniform t under the linear schedule, with the number of masked entries drawn in
    place of t: the same loss on average, with less variance. The numbers k of a batch are spread evenly.

    Args:
        real: true for entries that are not padding, shape (n, T).
        generator: of the random numbers.

    Returns:
        Booleans, shape (n, T).
    """
    num = len(real)
    u = (torch.randperm(num, generator=generator) + torch.rand(num, generator=generator)) / num
    count = (u * real.sum(1)).long() + 1
    order = torch.rand(real.shape, generator=generator).masked_fill(~real, 2.0)
    return (order.argsort(1).argsort(1) < count.unsqueeze(1)) & real


def any_order_loss(logits: Tensor, x_0: Tensor, masked: Tensor, real: Tensor) -> Tensor:
    """A bound of -log p(x_0) in nats from one masking by `masked_at_random`: m times the mean over masked entries.

    On average it is -log p(x_0) of the model that reveals entries one at a time, averaged over all orders (Hoogeboom et
    al. 2022, ARDM, eq. 4), and the continuous-time bound of the masked process.

    Args:
        logits: of x_0, shape (n, T, K).
        x_0: states, shape (n, T).
        masked: entries that were masked, shape (n, T).
        real: entries that are not padding, shape (n, T).

    Returns:
        Shape (n,).
    """
    error = cross_entropy(logits, x_0.masked_fill(~real, 0)).masked_fill(~masked, 0.0)
    return error.sum(1) * real.sum(1) / masked.sum(1)
