"""Exact answers to hold diffusion against: Gaussian mixtures, whole or in the zero-centre-of-mass subspace.

The density, score and denoiser of a mixture are known at every noise level, so that a solver, a loss or a likelihood
can be wrong by itself alone. In one dimension the probability-flow ODE is known too: it keeps the distribution
function.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from molediff.core.paths import Path


@dataclass(frozen=True)
class Mixture:
    """Data from a mixture of k normals in d dimensions, and all that diffusion makes of it, in closed form.

    Attributes:
        weights: (k,), sum to one.
        means: (k, d).
        covariances: (k, d, d).
        path: noising path.
    """

    weights: Tensor
    means: Tensor
    covariances: Tensor
    path: Path

    @cached_property
    def _principal(self) -> tuple[Tensor, Tensor]:
        """Variances (k, d) along principal directions (k, d, d), in columns."""
        variances, directions = torch.linalg.eigh(self.covariances)
        return variances, directions

    def _components(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log joint density (n, k), S^-1 (x - alpha m) (n, k, d) and alpha (n,), with S = alpha^2 C + sigma^2 1."""
        variances, directions = self._principal
        alpha, sigma = self.path.alpha(t), self.path.sigma(t)
        spread = alpha[:, None, None] ** 2 * variances + sigma[:, None, None] ** 2
        off = (x[:, None] - alpha[:, None, None] * self.means)[..., None, :] @ directions
        solved = off[..., 0, :] / spread
        log_density = -0.5 * (off[..., 0, :] * solved + spread.log() + math.log(2 * math.pi)).sum(-1)
        solved = (directions @ solved[..., None])[..., 0]
        return log_density + self.weights.log(), solved, alpha

    def log_prob(self, x: Tensor, t: Tensor) -> Tensor:
        """Log-density (n,) of x_t at `x` (n, d), `t` (n,)."""
        return self._components(x, t)[0].logsumexp(1)

    def score(self, x: Tensor, t: Tensor) -> Tensor:
        """Gradient of the log-density, (n, d)."""
        log_joint, solved, _ = self._components(x, t)
        return -(log_joint.softmax(1)[..., None] * solved).sum(1)

    def denoiser(self, x: Tensor, t: Tensor) -> Tensor:
        """E[x_0 | x_t = x], (n, d): each component's own regression, weighted by its responsibility."""
        log_joint, solved, alpha = self._components(x, t)
        regressed = self.means + alpha[:, None, None] * torch.einsum("kij,nkj->nki", self.covariances, solved)
        return (log_joint.softmax(1)[..., None] * regressed).sum(1)

    def responsibilities(self, x: Tensor, t: Tensor) -> Tensor:
        """Probability (n, k) that x_t = `x` (n, d) began in each component."""
        return self._components(x, t)[0].softmax(1)

    def projected(self, direction: Tensor) -> Mixture:
        """The mixture in one dimension that the data have along `direction` (d,), of length one."""
        covariances = torch.einsum("i,kij,j->k", direction, self.covariances, direction)
        means = self.means @ direction
        return Mixture(self.weights, means[:, None], covariances[:, None, None], self.path)

    def sample(self, num: int, t: float | None, generator: torch.Generator) -> Tensor:
        """Draw x_t (num, d) at time `t`, or data for None."""
        component = torch.multinomial(self.weights, num, replacement=True, generator=generator)
        z = torch.randn(num, self.means.shape[1], generator=generator, dtype=self.means.dtype)
        x_0 = self.means[component] + torch.einsum(
            "nij,nj->ni", torch.linalg.cholesky(self.covariances)[component], z
        )
        if t is None:
            return x_0
        time = torch.tensor(t, dtype=x_0.dtype)
        eps = torch.randn(x_0.shape, generator=generator, dtype=x_0.dtype)
        return self.path.noised(x_0, eps, time)

    def moments(self, t: float | None) -> tuple[Tensor, Tensor]:
        """Mean (d,) and covariance (d, d) of x_t at time `t`, or of the data for None."""
        mean = self.weights @ self.means
        off = self.means - mean
        covariance = torch.einsum(
            "k,kij->ij", self.weights, self.covariances + off[:, :, None] * off[:, None]
        )
        if t is None:
            return mean, covariance
        time = torch.tensor(t, dtype=mean.dtype)
        alpha, sigma = self.path.alpha(time), self.path.sigma(time)
        return alpha * mean, alpha**2 * covariance + sigma**2 * torch.eye(len(mean), dtype=mean.dtype)

    def cdf(self, x: Tensor, t: float) -> Tensor:
        """Distribution function of x_t at `x` (n,), for d = 1."""
        time = torch.tensor(t, dtype=x.dtype)
        alpha, sigma = self.path.alpha(time), self.path.sigma(time)
        std = (alpha**2 * self.covariances[:, 0, 0] + sigma**2).sqrt()
        return torch.special.ndtr((x[:, None] - alpha * self.means[:, 0]) / std) @ self.weights

    def quantile(self, u: Tensor, t: float) -> Tensor:
        """Value (n,) below which the share `u` (n,) of x_t lies, for d = 1; by bisection, to float64."""
        mean, covariance = self.moments(t)
        reach = 40 * float(covariance[0, 0].sqrt())
        low = torch.full_like(u, float(mean[0]) - reach)
        high = torch.full_like(u, float(mean[0]) + reach)
        for _ in range(60):
            middle = 0.5 * (low + high)
            below = self.cdf(middle, t) < u
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return 0.5 * (low + high)

    def flow(self, x: Tensor, s: float, t: float) -> Tensor:
        """Where the probability-flow ODE takes `x` (n, 1) from time `s` to time `t`, for d = 1.

        Paths of an ODE do not cross, so that each point keeps the share of the probability that lies below it.
        """
        return self.quantile(self.cdf(x[:, 0], s), t)[:, None]


def gaussian(path: Path, mean: list[float], covariance: list[list[float]]) -> Mixture:
    """One normal."""
    means = torch.tensor(mean, dtype=torch.float64)[None]
    covariances = torch.tensor(covariance, dtype=torch.float64)[None]
    return Mixture(torch.ones(1, dtype=torch.float64), means, covariances, path)


def two_peaks(path: Path) -> Mixture:
    """A 1D mixture of two unlike normals, of mean 0."""
    weights = torch.tensor([0.4, 0.6], dtype=torch.float64)
    means = torch.tensor([[-1.2], [0.8]], dtype=torch.float64)
    covariances = torch.tensor([[[0.04]], [[0.16]]], dtype=torch.float64)
    return Mixture(weights, means, covariances, path)


def islands(path: Path) -> Mixture:
    """Five unlike normals in two dimensions, of mean 0 and about unit variance: conformers on an energy landscape."""
    weights = torch.tensor([0.34, 0.26, 0.20, 0.12, 0.08], dtype=torch.float64)
    angle = 2 * math.pi * torch.arange(5, dtype=torch.float64) / 5 + 0.3
    means = 1.35 * torch.stack([angle.cos(), angle.sin()], 1)
    axis = torch.stack([(angle + 0.5).cos(), (angle + 0.5).sin()], 1)
    eye = torch.eye(2, dtype=torch.float64)
    covariances = 0.012 * eye + 0.05 * axis[:, :, None] * axis[:, None]
    return Mixture(weights, means - weights @ means, covariances, path)
