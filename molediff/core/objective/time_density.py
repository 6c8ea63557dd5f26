"""Densities p(t) of the training times."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from molediff.core.paths import Path


class TimeDensity(ABC):
    """Density p(t) of the training times on [path.t_min, path.t_max], given by its quantile function.

    `stratified` draws one time from each of n slices of equal probability, in random order: every single
    time still has the density p(t), and the loss of a batch varies less (Kingma et al. 2021, appendix I.1).
    """

    stratified: bool

    @abstractmethod
    def quantile(self, u: Tensor, path: Path) -> Tensor:
        """Time (n,) below which the share `u` (n,) of all times lies."""

    @abstractmethod
    def pdf(self, t: Tensor, path: Path) -> Tensor:
        """Density p(t) at times `t` (n,) inside the path's interval."""

    def correction(self, t: Tensor, path: Path) -> Tensor:
        """Factor (n,) of the loss at `t` (n,); 1, so that p(t) is part of the objective, unless overridden."""
        return torch.ones_like(t)

    def update(self, t: Tensor, loss: Tensor, path: Path) -> None:  # noqa: B027 (most learn nothing)
        """Learn from a training batch, for a density that does: `loss` (n,) as `DenoisingScoreMatching.loss` gave it at
        times `t` (n,)."""

    def state_dict(self) -> dict[str, Tensor]:
        """What has been learned, for a checkpoint."""
        return {}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:  # noqa: B027
        """Take up what `state_dict` gave."""

    def sample(
        self,
        num: int,
        path: Path,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
    ) -> Tensor:
        """Draw `num` times, shape (num,), on the generator's device and then moved to `device`."""
        source = device if generator is None else generator.device
        u = torch.rand(num, generator=generator, device=source, dtype=torch.float32)
        if self.stratified:
            u = (torch.randperm(num, generator=generator, device=source) + u) / num
        return self.quantile(u, path).clamp(path.t_min, path.t_max).to(device)


@dataclass(frozen=True)
class Uniform(TimeDensity):
    """Uniform in t."""

    stratified: bool = True

    def quantile(self, u: Tensor, path: Path) -> Tensor:
        return path.t_min + (path.t_max - path.t_min) * u

    def pdf(self, t: Tensor, path: Path) -> Tensor:
        return torch.full_like(t, 1 / (path.t_max - path.t_min))


@dataclass(frozen=True)
class LogitNormal(TimeDensity):
    """logit(t) is normal: more of the middle of the path (Esser et al. 2024, eq. 19).

    t runs over the path's interval instead of [0, 1].
    """

    mean: float = 0.0
    std: float = 1.0
    stratified: bool = True

    def __post_init__(self) -> None:
        _check_std(self.std)

    def quantile(self, u: Tensor, path: Path) -> Tensor:
        # float32 u may round to 0 or 1, where the normal quantile is infinite; the clamp of `sample` then serves.
        fraction = torch.sigmoid(self.mean + self.std * torch.special.ndtri(u))
        return path.t_min + (path.t_max - path.t_min) * fraction

    def pdf(self, t: Tensor, path: Path) -> Tensor:
        length = path.t_max - path.t_min
        fraction = (t - path.t_min) / length
        density = _normal_pdf(torch.logit(fraction), self.mean, self.std) / (
            fraction * (1 - fraction) * length
        )
        return torch.nan_to_num(density, nan=0.0)  # 0 / 0 at the ends


@dataclass(frozen=True)
class LogNormalSigma(TimeDensity):
    """log(sigma / alpha) = -lambda is normal (Karras et al. 2022, table 1), cut to the path's interval."""

    mean: float = -1.2
    std: float = 1.2
    stratified: bool = True

    def __post_init__(self) -> None:
        _check_std(self.std)

    def _cdf_ends(self, path: Path) -> tuple[Tensor, Tensor]:
        ends = -path.lambda_(torch.tensor([path.t_min, path.t_max], dtype=torch.float64))
        low, high = torch.special.ndtr((ends - self.mean) / self.std)
        return low, high

    def quantile(self, u: Tensor, path: Path) -> Tensor:
        low, high = self._cdf_ends(path)
        log_sigma = self.mean + self.std * torch.special.ndtri(low + (high - low) * u.double())
        return path.t_of_lambda(-log_sigma).to(u.dtype)

    def pdf(self, t: Tensor, path: Path) -> Tensor:
        low, high = self._cdf_ends(path)
        return _normal_pdf(-path.lambda_(t), self.mean, self.std) * -path.dlambda_dt(t) / (high - low).to(t)


class LossEqualizing(TimeDensity):
    """p(lambda) in proportion to the running loss at lambda, so that every draw contributes alike (Kingma
    and Gao 2023, section 4.1).

    It changes the variance of the loss, not its expectation: `correction` divides by p(t) relative to uniform times.

    Args:
        num_bins: equal bins in lambda, in which the loss is averaged.
        decay: of the running average, per update of a bin.
        floor: share of p that stays uniform in lambda, so that no noise level is forgotten.
        stratified: see `TimeDensity`.
    """

    def __init__(self, num_bins: int = 50, decay: float = 0.99, floor: float = 0.1, stratified: bool = True):
        if num_bins < 1 or not 0 <= decay < 1 or not 0 < floor <= 1:
            raise ValueError(
                "LossEqualizing needs num_bins >= 1, 0 <= decay < 1 and 0 < floor <= 1; "
                f"got {num_bins}, {decay}, {floor}."
            )
        self.decay, self.floor, self.stratified = decay, floor, stratified
        self.loss = torch.ones(num_bins, dtype=torch.float64)
        self.seen = torch.zeros(num_bins, dtype=torch.bool)

    def _probabilities(self) -> Tensor:
        loss = self.loss if bool(self.seen.all()) else torch.ones_like(self.loss)
        return (1 - self.floor) * loss / loss.sum() + self.floor / len(loss)

    def _ends(self, path: Path) -> tuple[float, float]:
        low, high = path.lambda_(torch.tensor([path.t_max, path.t_min], dtype=torch.float64)).tolist()
        return low, high

    def _bin(self, t: Tensor, path: Path) -> Tensor:
        low, high = self._ends(path)
        share = (path.lambda_(t.detach().double()) - low) / (high - low)
        return (share * len(self.loss)).long().clamp(0, len(self.loss) - 1).cpu()

    def quantile(self, u: Tensor, path: Path) -> Tensor:
        low, high = self._ends(path)
        probabilities = self._probabilities().to(u.device)
        before = torch.cat([probabilities.new_zeros(1), probabilities.cumsum(0)])
        wanted = (1 - u.double()) * before[-1]  # lambda falls as t rises
        cell = (torch.searchsorted(before, wanted.contiguous()) - 1).clamp(0, len(probabilities) - 1)
        share = (cell + (wanted - before[cell]) / probabilities[cell]) / len(probabilities)
        return path.t_of_lambda(low + (high - low) * share).to(u.dtype)

    def pdf(self, t: Tensor, path: Path) -> Tensor:
        low, high = self._ends(path)
        per_lambda = self._probabilities() * len(self.loss) / (high - low)
        return per_lambda[self._bin(t, path)].to(t) * -path.dlambda_dt(t)

    def correction(self, t: Tensor, path: Path) -> Tensor:
        return 1 / ((path.t_max - path.t_min) * self.pdf(t, path))

    def state_dict(self) -> dict[str, Tensor]:
        """The running loss of each bin, and which bins have one."""
        return {"loss": self.loss.clone(), "seen": self.seen.clone()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take up what `state_dict` gave; the number of bins must be the same."""
        if state["loss"].shape != self.loss.shape:
            raise ValueError(
                f"The checkpoint has {len(state['loss'])} bins, this density {len(self.loss)}; use the same num_bins."
            )
        self.loss, self.seen = state["loss"].clone(), state["seen"].clone()

    def update(self, t: Tensor, loss: Tensor, path: Path) -> None:
        """Bring the running loss of the bins that were drawn up to date."""
        loss = loss.detach().double()
        # What is equalized is the loss of a draw: before the correction, times the density that uniform t
        # has in lambda.
        per_lambda = (loss / self.correction(t, path).to(loss) / -path.dlambda_dt(t.detach().double())).cpu()
        index = self._bin(t, path)
        total = torch.zeros_like(self.loss).index_add_(0, index, per_lambda)
        count = torch.zeros_like(self.loss).index_add_(0, index, torch.ones_like(per_lambda))
        mean = total / count.clamp(min=1)
        running = torch.where(self.seen, self.decay * self.loss + (1 - self.decay) * mean, mean)
        hit = count > 0
        self.loss = torch.where(hit & running.isfinite(), running, self.loss)
        self.seen = self.seen | hit


def _normal_pdf(x: Tensor, mean: float, std: float) -> Tensor:
    return torch.exp(-0.5 * ((x - mean) / std) ** 2) / (std * math.sqrt(2 * math.pi))


def _check_std(std: float) -> None:
    if not std > 0:
        raise ValueError(f"std must be positive; got {std}.")
