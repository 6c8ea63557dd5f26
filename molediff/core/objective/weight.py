"""Weights w(lambda) of the squared error of eps in denoising score matching."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor

from molediff.core.paths import Path
from molediff.core.target import EDMOutput, Epsilon, Target


class Weight(ABC):
    """Weight of the squared error of eps."""

    @abstractmethod
    def __call__(self, path: Path, t: Tensor) -> Tensor:
        """Return w at times `t` (n,), shape (n,)."""


@dataclass(frozen=True)
class Unweighted(Weight):
    """The plain mean square of the error of one target: of eps (Simple), x_0 (the SNR weight), v, the
    velocity (flow matching)."""

    target: Target = field(default_factory=Epsilon)

    def __call__(self, path: Path, t: Tensor) -> Tensor:
        return (self.target.determinant(path, t) / path.alpha(t)).square()


@dataclass(frozen=True)
class Simple(Weight):
    """w = 1 (Ho et al. 2020, eq. 14): the error of x_0 weighted by SNR = exp(2 lambda)."""

    def __call__(self, path: Path, t: Tensor) -> Tensor:
        return torch.ones_like(t)


@dataclass(frozen=True)
class Likelihood(Weight):
    """The error of the score weighted by g^2 / 2, w = -d lambda / dt: a bound of -log p(x_0), up to a constant,
    where t is uniform (Song et al. 2021b, theorem 1)."""

    def __call__(self, path: Path, t: Tensor) -> Tensor:
        return -path.dlambda_dt(t)


@dataclass(frozen=True)
class MinSNR(Weight):
    """w = min(SNR, gamma) / SNR with SNR = exp(2 lambda) (Hang et al. 2023, eq. 6)."""

    gamma: float = 5.0

    def __post_init__(self) -> None:
        check_gamma(self.gamma)

    def __call__(self, path: Path, t: Tensor) -> Tensor:
        return (self.gamma * torch.exp(-2 * path.lambda_(t))).clamp(max=1.0)


@dataclass(frozen=True)
class EDMWeight(Weight):
    """w = 1 + exp(-2 lambda) / data_std^2, the plain mean square of EDM's F (Karras et al. 2022, table 1)."""

    data_std: float = 1.0

    def __call__(self, path: Path, t: Tensor) -> Tensor:
        return Unweighted(EDMOutput(self.data_std))(path, t)


@dataclass(frozen=True)
class LocalStructure(Weight):
    """w = (1 + alpha^2 local_std^2 / sigma^2)^power, for data whose points move about their places by `local_std`.

    There eps given x_t is of the size of w^(-1/2) at power 1, which asks for the same relative accuracy at every noise
    level, also of the force at small noise. Power 0 is `Simple`.
    """

    local_std: float
    power: float = 0.5

    def __call__(self, path: Path, t: Tensor) -> Tensor:
        return (1 + self.local_std**2 * torch.exp(2 * path.lambda_(t))) ** self.power


def check_gamma(gamma: float) -> None:
    """Raise a ValueError unless `gamma` is positive."""
    if not gamma > 0:
        raise ValueError(
            f"gamma is the SNR where the weight turns and must be positive (5 is usual); got {gamma}."
        )
