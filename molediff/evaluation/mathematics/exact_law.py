"""How far samples are from a mixture whose law is known: no reference samples, so no noise but their own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from molediff.core.exact.mixture import Mixture

Floor = tuple[float, float]
"""Least and largest distance of sets of exact samples: no method can do better but by luck."""


@dataclass(frozen=True)
class ExactLaw:
    """The law of a mixture's x_t in one or two dimensions, to hold samples against.

    Attributes:
        mixture: the data.
        t: time of the law.
        num_samples: samples in each set to be judged.
        num_directions: directions, evenly spread over half a turn, that two dimensions are looked at from.
    """

    mixture: Mixture
    t: float
    num_samples: int
    num_directions: int = 8

    @cached_property
    def _directions(self) -> Tensor:
        """Unit vectors in columns, (d, num_directions)."""
        if self.mixture.means.shape[1] == 1:
            return torch.ones(1, 1, dtype=torch.float64)
        angle = math.pi * torch.arange(self.num_directions, dtype=torch.float64) / self.num_directions
        return torch.stack([angle.cos(), angle.sin()])

    @cached_property
    def _quantiles(self) -> Tensor:
        """Where each of the sorted samples belongs, by direction, (num_samples, num_directions)."""
        u = (torch.arange(self.num_samples, dtype=torch.float64) + 0.5) / self.num_samples
        columns = [self.mixture.projected(direction).quantile(u, self.t) for direction in self._directions.T]
        return torch.stack(columns, 1)

    def wasserstein(self, x: Tensor) -> float:
        """Wasserstein-1 distance of samples `x` (num_samples, d) to the law, averaged over the directions
        (sliced; Bonneel et al. 2015): how far a sample must be moved on average, seen from one side."""
        return float(((x @ self._directions).sort(0).values - self._quantiles).abs().mean())

    def fractions(self, x: Tensor) -> Tensor:
        """Fraction of the samples `x` (n, d) in each component, (k,): each goes to the likeliest."""
        return torch.bincount(self.nearest(x), minlength=len(self.mixture.weights)) / len(x)

    def lost_weight(self, x: Tensor) -> float:
        """Fraction of the probability that is in the wrong component: half the sum of |fraction - weight|."""
        return 0.5 * float((self.fractions(x) - self.mixture.weights).abs().sum())

    def spread(self, x: Tensor) -> float:
        """Root mean square distance of samples from the mean of their own component over what it should be:
        below 1 for samples that crowd in the middle of the modes."""
        nearest = self.nearest(x)
        means, covariances = zip(*(one.moments(self.t) for one in self._components()), strict=True)
        square = (x - torch.stack(means)[nearest]).square().sum(1)
        expected = torch.stack([covariance.trace() for covariance in covariances])
        return float((square / expected[nearest]).mean().sqrt())

    def _components(self) -> list[Mixture]:
        """Each component as a mixture of its own."""
        one, mixture = torch.ones(1, dtype=torch.float64), self.mixture
        return [
            Mixture(one, mean[None], covariance[None], mixture.path)
            for mean, covariance in zip(mixture.means, mixture.covariances, strict=True)
        ]

    def nearest(self, x: Tensor) -> Tensor:
        """Component of each of the samples `x` (n, d), (n,): the likeliest."""
        t = torch.full((len(x),), self.t, dtype=x.dtype)
        return self.mixture.responsibilities(x, t).argmax(1)

    def fresh(self, seed: int) -> Tensor:
        """Exact samples, (num_samples, d)."""
        return self.mixture.sample(self.num_samples, self.t, torch.Generator().manual_seed(seed))

    def floor(self, measure: Callable[[ExactLaw, Tensor], float], seed: int, num_sets: int = 10) -> Floor:
        """Range of `measure`, a method of this class, over `num_sets` sets of exact samples."""
        values = [measure(self, self.fresh(1000 * seed + k)) for k in range(num_sets)]
        return min(values), max(values)
