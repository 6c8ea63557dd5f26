"""What the core's tests share: exact answers of `molediff.core.exact.mixture`, and all paths to hold them against."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from molediff.core.exact.convergence import OneStream, Responses, exact_variance, slope
from molediff.core.exact.mixture import Mixture, gaussian, two_peaks
from molediff.core.generators import Generators
from molediff.core.paths import (
    CosineVP,
    CustomVP,
    DiscreteChain,
    GeometricVE,
    LinearVP,
    Path,
    PolynomialVP,
    SigmoidVP,
    Straight,
    SubVP,
)

__all__ = [
    "PATHS",
    "PATHS_FOR_SOLVERS",
    "VP_PATHS",
    "CentredMixture",
    "Mixture",
    "OneStream",
    "Responses",
    "exact_variance",
    "gaussian",
    "generators",
    "linear_beta",
    "path_name",
    "random_mixture",
    "slope",
    "started",
    "times_inside",
    "two_peaks",
]


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
PATHS_FOR_SOLVERS = [path for path in PATHS if not isinstance(path, DiscreteChain)]


def path_name(path: Path) -> str:
    """Short name of a path for test ids."""
    name = type(path).__name__
    return (
        name + "Cosine" if path == SubVP(CosineVP()) else name + "Skew" if "tau=0.7" in repr(path) else name
    )


def times_inside(path: Path, num: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Equally spaced times over the path's interval, ends included."""
    return torch.linspace(path.t_min, path.t_max, num, dtype=torch.float64).to(dtype)


def random_mixture(path: Path, num_components: int, num_dimensions: int, seed: int = 0) -> Mixture:
    """A mixture of mean zero with random means and covariances of order one."""
    g = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

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


def generators(num: int, seed: int = 0, first: int = 0) -> Generators:
    """One generator a sample, those of the samples from `first` on."""
    return Generators([seed] * num, [(i, 0) for i in range(first, first + num)])


def started(data: Mixture, path: Path, num: int, seed: int = 0) -> Tensor:
    """x at t_max, drawn from its exact distribution."""
    return data.sample(num, path.t_max, torch.Generator().manual_seed(seed))
