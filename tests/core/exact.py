"""What the core's tests share: exact answers of `molediff.core.exact.mixture`, and all paths to hold them against."""

from __future__ import annotations

import torch
from torch import Tensor

from molediff.core.exact.convergence import OneStream, Responses, exact_variance, slope
from molediff.core.exact.mixture import CentredMixture, Mixture, gaussian, random_mixture, two_peaks
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


def generators(num: int, seed: int = 0) -> list[torch.Generator]:
    """One generator a sample."""
    return [torch.Generator().manual_seed(1000 * seed + i) for i in range(num)]


def started(data: Mixture, path: Path, num: int, seed: int = 0) -> Tensor:
    """x at t_max, drawn from its exact distribution."""
    return data.sample(num, path.t_max, torch.Generator().manual_seed(seed))
