"""Reveal masked entries as fast as they are certain: few steps where little is left to decide."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from molediff.core.discrete.model import CategoricalDenoiser
from molediff.core.discrete.process import Absorbing, CategoricalProcess, invert, uniform_numbers
from molediff.core.discrete.solvers import (
    CategoricalCallback,
    CategoricalSolver,
    CategoricalStep,
    check_falling,
    entropy,
)
from molediff.core.generators import Generators


@dataclass(frozen=True)
class EntropyBounded(CategoricalSolver):
    """Reveal in each step the most certain entries, as many as together leave less than `budget` nats open.

    The entropies of the entries of one step, but for the largest, bound by how much drawing them independently is
    wrong: the divergence of a step from drawing one after the other (Ben-Hamu et al. 2025, EB-Sampler).
    Where most entries follow from the others, as the missing bonds of a graph whose atoms are numbered in order, few
    steps draw nearly what one entry a step would. For absorbing processes.

    The times of the grid count for nothing: their number bounds the steps, and the last of these reveals what is left.

    Attributes:
        budget: in nats; 0 reveals one entry a step, and those that are certain.
    """

    budget: float = 0.1

    def __post_init__(self) -> None:
        if not self.budget >= 0:
            raise ValueError(f"budget is a number of nats, at least 0; got {self.budget}.")

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
            raise ValueError(f"EntropyBounded is for absorbing processes; got {type(process).__name__}.")
        check_falling(times)
        x = x_1.clone()
        real = torch.ones_like(x, dtype=torch.bool) if mask is None else mask
        hidden = (x == process.mask_state) & real
        u = uniform_numbers(real.shape, generators, real.device, real)
        total, broken = hidden.sum(1).clamp(min=1), torch.zeros(len(x), dtype=torch.bool, device=x.device)
        for number in range(1, len(times)):
            if not bool(hidden.any()):
                break
            # A masked entry's estimate does not depend on the time: the share that is hidden stands for it.
            share = (hidden.sum(1) / total).double().clamp(1e-3, 1 - 1e-3)
            probabilities = denoiser(x, share).double().softmax(-1)
            broken |= (probabilities.isnan().any(-1) & hidden).any(1)
            open_ = entropy(probabilities).nan_to_num().masked_fill(~hidden, float("inf"))
            rising, place = open_.sort(dim=1, stable=True)
            before = rising.nan_to_num(posinf=0.0).cumsum(1) - rising.nan_to_num(posinf=0.0)
            # Without the largest: what is before an entry must fit, the entry itself need not.
            chosen = torch.zeros_like(hidden).scatter(1, place, before <= self.budget) & hidden
            if number == len(times) - 1:
                chosen = hidden
            x = torch.where(chosen, invert(probabilities, u), x)
            hidden = hidden & ~chosen
            if callback is not None:
                callback(CategoricalStep(x.clone(), float(share.max()), number))
        return x.masked_fill(broken.unsqueeze(1), -1)
