"""From noise to categories, as continuous solvers do it: along a grid of falling times, one generator a sample."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from molediff.core.discrete.model import CategoricalDenoiser
from molediff.core.discrete.process import Absorbing, CategoricalProcess, invert, uniform_numbers
from molediff.core.generators import Generators


class CategoricalStep(NamedTuple):
    """What a callback is told: the states (n, T) that a step made, their time, and the evaluations so far."""

    x_t: Tensor
    t: float
    num_evaluations: int


CategoricalCallback = Callable[[CategoricalStep], None]


class CategoricalSolver(ABC):
    """Takes noise to samples along a grid of times."""

    @abstractmethod
    def sample(
        self,
        denoiser: CategoricalDenoiser,
        process: CategoricalProcess,
        times: Tensor,
        x_1: Tensor,
        generators: Generators,
        mask: Tensor | None = None,
        callback: CategoricalCallback | None = None,
    ) -> Tensor:
        """Draw samples.

        Args:
            denoiser: function (x_t, t) -> logits of x_0 (n, T, K); x_t (n, T), t (n,).
            process: that the denoiser was made for.
            times: falling grid of steps + 1 values from t_max, or 1, to 0.
            x_1: states at times[0], shape (n, T). In an absorbing process entries that are not masked are known: they
                stay, and the others are drawn given them, exactly if the denoiser is.
            generators: one a sample: sample i depends on the i-th of them alone, whatever its batch mates, up to the
                rounding of the denoiser.
            mask: true for real entries, shape (n, T), real ones first; padding stays as it is.
            callback: called after each step.

        Returns:
            States at time 0, shape (n, T). A sample for which the denoiser gave NaN is -1 everywhere; the others do not
            notice.
        """


@dataclass(frozen=True)
class AncestralCategories(CategoricalSolver):
    """Draw all entries from q(x_s | x_t, x_0), averaged over the estimate of x_0, at once (Austin et al. 2021, eq. 4).

    For every process. Entries of one step are drawn independently, which is wrong by the first order of the step.
    """

    @torch.no_grad()
    def sample(
        self,
        denoiser: CategoricalDenoiser,
        process: CategoricalProcess,
        times: Tensor,
        x_1: Tensor,
        generators: Generators,
        mask: Tensor | None = None,
        callback: CategoricalCallback | None = None,
    ) -> Tensor:
        check_falling(times)
        x = x_1.clone()
        real = torch.ones_like(x, dtype=torch.bool) if mask is None else mask
        broken = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        for number, (t, s) in enumerate(pairwise(times.tolist()), start=1):
            now, later = (torch.full((len(x),), u, dtype=torch.float64, device=x.device) for u in (t, s))
            estimate = with_noise_states(denoiser(x, now).double().softmax(-1), process)
            broken |= (estimate.isnan().any(-1) & real).any(1)
            u = uniform_numbers(real.shape, generators, real.device, real)
            x_s = invert(process.posterior(x, estimate, later, now), u)
            x = torch.where(real, x_s, x)
            if callback is not None:
                callback(CategoricalStep(x.clone(), s, number))
        return x.masked_fill(broken.unsqueeze(1), -1)


@dataclass(frozen=True)
class Revealing(CategoricalSolver):
    """Reveal masked entries in a random order, as many a step as the grid says: for absorbing processes.

    With a grid of as many steps as there are entries each is drawn given all before it, and nothing is lost by steps:
    the sample is the model's, exactly (Hoogeboom et al. 2022, ARDM, algorithm 1). With fewer steps entries of one step
    are drawn independently. Unlike ancestral sampling no step is wasted, and none reveals many by chance.

    Attributes:
        order: "random"; or "certain": next those whose estimate has the lowest entropy. Both are exact for an exact
            denoiser and one entry a step, since the order does not look at what is drawn.
        min_probability: categories less probable than this are left out; 0 draws from the model as it is.
    """

    order: str = "random"
    min_probability: float = 0.0

    def __post_init__(self) -> None:
        if self.order not in ("random", "certain"):
            raise ValueError(f"order must be 'random' or 'certain'; got {self.order!r}.")
        if not 0 <= self.min_probability < 0.5:
            raise ValueError(f"min_probability must be in [0, 0.5); got {self.min_probability}.")

    @torch.no_grad()
    def sample(
        self,
        denoiser: CategoricalDenoiser,
        process: CategoricalProcess,
        times: Tensor,
        x_1: Tensor,
        generators: Generators,
        mask: Tensor | None = None,
        callback: CategoricalCallback | None = None,
    ) -> Tensor:
        if not isinstance(process, Absorbing):
            raise ValueError(
                f"Revealing is for absorbing processes; got {type(process).__name__}: take AncestralCategories."
            )
        check_falling(times)
        x = x_1.clone()
        real = torch.ones_like(x, dtype=torch.bool) if mask is None else mask
        hidden = (x == process.mask_state) & real
        rank, u = (uniform_numbers(real.shape, generators, real.device, real) for _ in range(2))
        # Looked at once: a GPU is not asked at every step what can be counted here.
        total = hidden.sum(1).tolist()
        before, shares = total, (1 - process.kept(times.double())).tolist()
        num_evaluations, broken = 0, torch.zeros(len(x), dtype=torch.bool, device=x.device)
        for t, s, share in zip(times[:-1].tolist(), times[1:].tolist(), shares[1:], strict=True):
            # Rounded up, so that the first step reveals something only when a whole entry is due.
            left = [math.ceil(num * (share / shares[0]) - 1e-6) if s > 0 else 0 for num in total]
            count = [then - now for then, now in zip(before, left, strict=True)]
            before = left
            if max(count) <= 0:
                continue
            now = torch.full((len(x),), t, dtype=torch.float64, device=x.device)
            probabilities = self._kept(denoiser(x, now).double().softmax(-1))
            broken |= (probabilities.isnan().any(-1) & hidden).any(1)
            num_evaluations += 1
            first = rank if self.order == "random" else entropy(probabilities) + 1e-3 * rank
            places = first.masked_fill(~hidden, float("inf")).argsort(1).argsort(1)
            chosen = (places < torch.tensor(count).to(x.device, non_blocking=True).unsqueeze(1)) & hidden
            x = torch.where(chosen, invert(probabilities, u), x)
            hidden = hidden & ~chosen
            if callback is not None:
                callback(CategoricalStep(x.clone(), s, num_evaluations))
        return x.masked_fill(broken.unsqueeze(1), -1)

    def _kept(self, probabilities: Tensor) -> Tensor:
        if not self.min_probability:
            return probabilities
        return probabilities.masked_fill(probabilities < self.min_probability, 0.0)


def uniform_grid(num_steps: int) -> Tensor:
    """num_steps + 1 times from 1 to 0, float64."""
    return torch.linspace(1.0, 0.0, num_steps + 1, dtype=torch.float64)


def entropy(probabilities: Tensor) -> Tensor:
    """Of each entry, in nats: (..., K) -> (...,)."""
    return -torch.xlogy(probabilities, probabilities).sum(-1)


def with_noise_states(estimate: Tensor, process: CategoricalProcess) -> Tensor:
    """Probabilities of K data categories (n, T, K) as those of all of the process's states, the mask's being 0."""
    return torch.nn.functional.pad(estimate, (0, process.num_states - estimate.shape[-1]))


def check_falling(times: Tensor) -> None:
    """Raise a ValueError unless `times` fall to 0."""
    if times.ndim != 1 or len(times) < 2 or bool((times.diff() >= 0).any()) or float(times[-1]) != 0:
        raise ValueError("times must be two or more falling times that end at 0.")
