"""The space in which samples and noise live: all of R^n, or the subspace of zero centre of mass.

Samples have shape (n, ...). A mask (n, N) of booleans goes with samples (n, N, d): rows where it is false
are padding and hold zeros.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from molediff.core.generators import Generators, of_torch


def _standard_normal(
    shape: Sequence[int],
    generators: Generators | Sequence[torch.Generator] | None,
    mask: Tensor | None,
    device: torch.device | str | None,
    dtype: torch.dtype | None,
) -> Tensor:
    """Draw unit normals (n, ...). Neither batch mates nor padding change what `generators` give a sample. Without them,
    torch's global one serves the whole batch.
    """
    if generators is None:
        noise = torch.randn(tuple(shape), device=device, dtype=dtype)
        return noise if mask is None else noise.masked_fill(~mask.unsqueeze(-1), 0)
    if not isinstance(generators, Generators):
        generators = of_torch(generators)
    if device is None and mask is not None:
        device = mask.device
    return generators.normal(shape, mask, device, dtype)


class NoiseSpace(ABC):
    """A linear space with its unit normal distribution."""

    @abstractmethod
    def project(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Project `x` (n, ...) orthogonally onto the space; padding becomes zero."""

    @abstractmethod
    def num_dimensions(self, shape: Sequence[int], mask: Tensor | None = None) -> Tensor:
        """Dimension of the space for each sample of a batch of this shape, (n,) int64."""

    def sample(
        self,
        shape: Sequence[int],
        generators: Generators | None = None,
        mask: Tensor | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """Draw from the unit normal of the space.

        Args:
            shape: (n, ...), or (n, N, d) with a mask.
            generators: one a sample: sample i depends on the i-th alone. None: torch's global generator.
            mask: (n, N), true for real rows.
            device: of the result; every device gives the same noise.
            dtype: of the result.
        """
        return self.project(_standard_normal(shape, generators, mask, device, dtype), mask)

    def log_prob(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Log-density (n,) of the unit normal of the space at `x` (n, ...), normalized over the space's own
        dimensions."""
        num_dimensions = self.num_dimensions(x.shape, mask).to(x)
        x = self.project(x, mask)
        return -0.5 * x.flatten(1).square().sum(1) - 0.5 * math.log(2 * math.pi) * num_dimensions


@dataclass(frozen=True)
class FullSpace(NoiseSpace):
    """All of R^n: images, or points in a fixed frame."""

    def project(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return x if mask is None else x.masked_fill(~mask.unsqueeze(-1), 0)

    def num_dimensions(self, shape: Sequence[int], mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return torch.full((shape[0],), math.prod(shape[1:]))
        return mask.sum(1) * shape[-1]


@dataclass(frozen=True)
class ZeroCentreOfMass(NoiseSpace):
    """Point sets (n, N, d) whose mean is zero: (N - 1) d dimensions (Xu et al. 2022; Hoogeboom et al. 2022,
    section 3.1).

    A translation-invariant density over R^(N d) cannot be normalized; one over this subspace can.
    """

    def project(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return x - x.mean(1, keepdim=True)
        padding = ~mask.unsqueeze(-1)
        x = x.masked_fill(padding, 0)
        mean = x.sum(1, keepdim=True) / mask.sum(1).clamp(min=1).to(x)[:, None, None]
        return (x - mean).masked_fill(padding, 0)

    def num_dimensions(self, shape: Sequence[int], mask: Tensor | None = None) -> Tensor:
        num_points = torch.full((shape[0],), shape[1]) if mask is None else mask.sum(1)
        return (num_points - 1) * shape[-1]
