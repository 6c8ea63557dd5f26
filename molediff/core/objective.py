r"""Denoising score matching: E over t ~ p(t) of w(lambda_t) |error|^2.

Weights are stated for the error of eps. For another target a x_0 + b eps the same prediction has the error
-(a sigma - b alpha) / alpha times that of eps, so its weight is w (alpha / (a sigma - b alpha))^2: the loss
is the same number in every target.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor

from molediff.core.path import Path, expand_like
from molediff.core.target import Epsilon, Target


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
    """w = 1 (Ho et al. 2020, eq. 14)."""

    def __call__(self, path: Path, t: Tensor) -> Tensor:
        return torch.ones_like(t)


@dataclass(frozen=True)
class Likelihood(Weight):
    """w = g^2 / (2 sigma^2) = -d lambda / dt: its integral over t bounds -log p(x_0) (Song et al. 2021b,
    theorem 1)."""

    def __call__(self, path: Path, t: Tensor) -> Tensor:
        return -path.dlambda_dt(t)


@dataclass(frozen=True)
class MinSNR(Weight):
    """w = min(SNR, gamma) / SNR with SNR = exp(2 lambda) (Hang et al. 2023, eq. 6)."""

    gamma: float = 5.0

    def __call__(self, path: Path, t: Tensor) -> Tensor:
        return (self.gamma * torch.exp(-2 * path.lambda_(t))).clamp(max=1.0)


class TimeDensity(ABC):
    """Density p(t) of the training times on [path.t_min, path.t_max], given by its quantile function.

    `stratified` draws one time from each of n slices of equal probability, in random order: every single
    time still has the density p(t), and the loss of a batch varies less (Kingma et al. 2021, appendix I.1).
    """

    stratified: bool

    @abstractmethod
    def quantile(self, u: Tensor, path: Path) -> Tensor:
        """Time (n,) below which the share `u` (n,) of all times lies."""

    def sample(
        self,
        num: int,
        path: Path,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
    ) -> Tensor:
        """Draw `num` times, shape (num,), on the generator's device and then moved to `device`."""
        source = device if generator is None else generator.device
        u = torch.rand(num, generator=generator, device=source)
        if self.stratified:
            u = (torch.randperm(num, generator=generator, device=source) + u) / num
        return self.quantile(u, path).clamp(path.t_min, path.t_max).to(device)


@dataclass(frozen=True)
class Uniform(TimeDensity):
    """Uniform in t."""

    stratified: bool = True

    def quantile(self, u: Tensor, path: Path) -> Tensor:
        return path.t_min + (path.t_max - path.t_min) * u


@dataclass(frozen=True)
class LogitNormal(TimeDensity):
    """logit(t) is normal: more of the middle of the path (Esser et al. 2024, eq. 19)."""

    mean: float = 0.0
    std: float = 1.0
    stratified: bool = True

    def quantile(self, u: Tensor, path: Path) -> Tensor:
        # float32 u may round to 0 or 1, where the normal quantile is infinite; the clamp of `sample` then serves.
        fraction = torch.sigmoid(self.mean + self.std * torch.special.ndtri(u))
        return path.t_min + (path.t_max - path.t_min) * fraction


@dataclass(frozen=True)
class DenoisingScoreMatching:
    """The training objective: what is regressed, with which weight, at which times.

    Attributes:
        path: noising path.
        target: what the network's output means.
        weight: weight of the error of eps, converted to `target` here.
        density: distribution of the training times.
    """

    path: Path
    target: Target
    weight: Weight = field(default_factory=Simple)
    density: TimeDensity = field(default_factory=Uniform)

    def sample_times(
        self,
        num: int,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
    ) -> Tensor:
        """Draw `num` training times, shape (num,)."""
        return self.density.sample(num, self.path, generator, device)

    def target_weight(self, t: Tensor) -> Tensor:
        """Weight (n,) of the squared error of `target` at times `t` (n,)."""
        determinant = self.target.determinant(self.path, t)
        return self.weight(self.path, t) * (self.path.alpha(t) / determinant).square()

    def noised(self, x_0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        """Return x_t = alpha x_0 + sigma eps for `x_0`, `eps` (n, ...) and `t` (n,)."""
        return expand_like(self.path.alpha(t), x_0) * x_0 + expand_like(self.path.sigma(t), eps) * eps

    def loss(self, pred: Tensor, x_0: Tensor, eps: Tensor, t: Tensor, mask: Tensor | None = None) -> Tensor:
        """Weighted mean square error of each sample.

        Args:
            pred: output of the network in the parametrization `target`, shape (n, ...).
            x_0: clean samples, shape (n, ...).
            eps: unit noise of x_t = alpha x_0 + sigma eps, shape (n, ...).
            t: times, shape (n,).
            mask: (n, N) for samples (n, N, d), true for real rows; padding does not count.

        Returns:
            Weight times the mean of the squares over the real entries, shape (n,).
        """
        a, b = self.target.coefficients(self.path, t)
        square = (pred - expand_like(a, x_0) * x_0 - expand_like(b, eps) * eps).square()
        if mask is None:
            mean = square.flatten(1).mean(1)
        else:
            square = square.masked_fill(~mask.unsqueeze(-1), 0)
            mean = square.sum((1, 2)) / (mask.sum(1) * square.shape[-1]).clamp(min=1)
        return self.target_weight(t) * mean
