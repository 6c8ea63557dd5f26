"""Exact answers that the core is held against: Gaussian mixtures, whole or in the zero-centre-of-mass subspace."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from molediff.core.chain import DiscreteChain
from molediff.core.noise import FullSpace
from molediff.core.other_paths import GeometricVE, Straight, SubVP
from molediff.core.path import CosineVP, LinearVP, Path
from molediff.core.vp_paths import CustomVP, PolynomialVP, SigmoidVP


def linear_beta(t: Tensor) -> Tensor:
    """The beta of LinearVP, given as a function."""
    return 0.1 + 19.9 * t


VP_PATHS: list[Path] = [
    LinearVP(),
    CosineVP(),
    SigmoidVP(),
    SigmoidVP(-3.0, 1.0, 0.7),
    PolynomialVP(),
    CustomVP(linear_beta),
    DiscreteChain.linear(1000),
]
PATHS: list[Path] = [*VP_PATHS, SubVP(), SubVP(CosineVP()), GeometricVE(), Straight()]


def path_name(path: Path) -> str:
    """Short name of a path for test ids."""
    name = type(path).__name__
    return (
        name + "Cosine" if path == SubVP(CosineVP()) else name + "Skew" if "tau=0.7" in repr(path) else name
    )


def times_inside(path: Path, num: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Equally spaced times over the path's interval, ends included."""
    return torch.linspace(path.t_min, path.t_max, num, dtype=torch.float64).to(dtype)


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
        return self.path.alpha(time) * x_0 + self.path.sigma(time) * eps

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


def gaussian(path: Path, mean: list[float], covariance: list[list[float]]) -> Mixture:
    """One normal."""
    as_tensor = lambda values: torch.tensor(values, dtype=torch.float64)[None]  # noqa: E731
    return Mixture(torch.ones(1, dtype=torch.float64), as_tensor(mean), as_tensor(covariance), path)


def two_peaks(path: Path) -> Mixture:
    """A 1D mixture of two unlike normals, of mean 0."""
    weights = torch.tensor([0.4, 0.6], dtype=torch.float64)
    means = torch.tensor([[-1.2], [0.8]], dtype=torch.float64)
    covariances = torch.tensor([[[0.04]], [[0.16]]], dtype=torch.float64)
    return Mixture(weights, means, covariances, path)


def random_mixture(path: Path, num_components: int, num_dimensions: int, seed: int = 0) -> Mixture:
    """A mixture of mean zero with random means and covariances of order one."""
    g = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=g, dtype=torch.float64)  # noqa: E731
    weights = torch.softmax(0.5 * draw(num_components), 0)
    means = draw(num_components, num_dimensions)
    roots = draw(num_components, num_dimensions, num_dimensions) / num_dimensions**0.5
    eye = torch.eye(num_dimensions, dtype=torch.float64)
    return Mixture(weights, means - weights @ means, 0.3 * roots @ roots.mT + 0.05 * eye, path)


@dataclass(frozen=True)
class CentredMixture:
    """A mixture over point sets (n, N, d) of zero centre of mass: a mixture in an orthonormal basis of that
    subspace."""

    mixture: Mixture
    num_points: int

    @property
    def basis(self) -> Tensor:
        """Orthonormal columns orthogonal to the vector of ones, (N, N - 1)."""
        ones = torch.ones(self.num_points, 1, dtype=torch.float64)
        eye = torch.eye(self.num_points, dtype=torch.float64)[:, : self.num_points - 1]
        return torch.linalg.qr(torch.cat([ones, eye], 1))[0][:, 1:]

    def reduce(self, x: Tensor) -> Tensor:
        """Coordinates in the subspace, (n, (N - 1) d)."""
        return torch.einsum("pk,npd->nkd", self.basis, x).flatten(1)

    def expand(self, z: Tensor) -> Tensor:
        """Point sets (n, N, d) from coordinates in the subspace."""
        return torch.einsum("pk,nkd->npd", self.basis, z.reshape(len(z), self.num_points - 1, -1))

    def denoiser(self, x: Tensor, t: Tensor) -> Tensor:
        """E[x_0 | x_t = x], (n, N, d)."""
        return self.expand(self.mixture.denoiser(self.reduce(x), t))


class OneStream(FullSpace):
    """All of R^n with one generator for the whole batch: fast where thousands of samples are drawn."""

    def __init__(self, seed: int = 0) -> None:
        object.__setattr__(self, "generator", torch.Generator().manual_seed(seed))

    def sample(self, shape, generators=None, mask=None, device=None, dtype=None) -> Tensor:
        """Noise from the one generator."""
        return torch.randn(tuple(shape), generator=self.generator, dtype=dtype)


class Responses:
    """A noise space that turns a solver's randomness into exact moments, for linear denoisers in one dimension.

    Row 0 of the batch answers to x_1 = 1, row j to the j-th draw of noise being 1. The sum of the squared answers is
    the exact variance of the solver's output, without any sampling error.
    """

    def __init__(self) -> None:
        self.num_draws = 0

    def sample(self, shape, generators=None, mask=None, device=None, dtype=None) -> Tensor:
        """Noise of the next draw: one in its own row."""
        self.num_draws += 1
        noise = torch.zeros(tuple(shape), dtype=dtype)
        noise[self.num_draws] = 1
        return noise

    def project(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """All of the space."""
        return x


def exact_variance(solver, path: Path, times: Tensor, variance: float, draws_per_step: int = 4) -> float:
    """Variance of the output of `solver`, on normal data of mean 0 and this variance, started from the right
    noise."""
    data = gaussian(path, [0.0], [[variance]])
    num_rows = 1 + draws_per_step * (len(times) - 1)
    x_1 = torch.zeros(num_rows, 1, dtype=torch.float64)
    x_1[0] = data.moments(float(times[0]))[1][0, 0] ** 0.5
    x = solver.sample(data.denoiser, path, times, x_1, space=Responses())
    return float(x.square().sum())


def slope(steps: list[int], errors: list[float]) -> float:
    """Order of convergence: minus the slope of log(error) against log(steps) by least squares."""
    x, y = torch.tensor(steps, dtype=torch.float64).log(), torch.tensor(errors, dtype=torch.float64).log()
    return -float(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum())


def generators(num: int, seed: int = 0) -> list[torch.Generator]:
    """One generator a sample."""
    return [torch.Generator().manual_seed(1000 * seed + i) for i in range(num)]
