r"""What the network regresses: pred = a_t x_0 + b_t eps.

With x_t = alpha_t x_0 + sigma_t eps this is a 2x2 linear system of determinant a sigma - b alpha. Its solution
turns every target into every other, and a target is ill-posed where the determinant is zero.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from molediff.core.paths import Path, check_path, expand_like


class Target(ABC):
    """A quantity a_t x_0 + b_t eps that a network can predict from x_t."""

    @abstractmethod
    def coefficients(self, path: Path, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return a_t and b_t, each with the shape of `t`."""

    def determinant(self, path: Path, t: Tensor) -> Tensor:
        """Return a sigma - b alpha: where it is zero, x_t and the target together do not tell x_0 from eps."""
        a, b = self.coefficients(path, t)
        return a * path.sigma(t) - b * path.alpha(t)


@dataclass(frozen=True)
class Epsilon(Target):
    """The noise (Ho et al. 2020). Ill-posed where alpha = 0: pure noise tells nothing of the data."""

    def coefficients(self, path: Path, t: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(t), torch.ones_like(t)


@dataclass(frozen=True)
class Sample(Target):
    """The clean sample x_0. Ill-posed where sigma = 0: x_t is x_0 already and tells nothing of the noise."""

    def coefficients(self, path: Path, t: Tensor) -> tuple[Tensor, Tensor]:
        return torch.ones_like(t), torch.zeros_like(t)


@dataclass(frozen=True)
class Score(Target):
    """The score of p(x_t | x_0), -eps / sigma. Infinite where sigma = 0, ill-posed where alpha = 0."""

    def coefficients(self, path: Path, t: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(t), -torch.exp(-path.log_sigma(t))


@dataclass(frozen=True)
class V(Target):
    """v = alpha eps - sigma x_0 (Salimans and Ho 2022, appendix D). Well-posed everywhere on every path."""

    def coefficients(self, path: Path, t: Tensor) -> tuple[Tensor, Tensor]:
        return -path.sigma(t), path.alpha(t)


@dataclass(frozen=True)
class Velocity(Target):
    """dx_t / dt at fixed x_0 and eps, alpha' x_0 + sigma' eps (Lipman et al. 2023; Albergo et al. 2023).

    Ill-posed where d lambda / dt alpha sigma = 0. On the straight path it is eps - x_0, well-posed everywhere.
    """

    def coefficients(self, path: Path, t: Tensor) -> tuple[Tensor, Tensor]:
        dlog_alpha_dt = path.dlog_alpha_dt(t)
        return path.alpha(t) * dlog_alpha_dt, path.sigma(t) * (dlog_alpha_dt - path.dlambda_dt(t))


@dataclass(frozen=True)
class EDMOutput(Target):
    """F of Karras et al. 2022, eq. 7: x_0 = c_skip x + c_out F, for data of standard deviation `data_std`.

    Stated for x = x_t / alpha with noise sigma / alpha; on a VP path with `data_std` 1 it is -v. Well-posed
    everywhere on every path.
    """

    data_std: float = 1.0

    def __post_init__(self) -> None:
        if not self.data_std > 0:
            raise ValueError(
                f"data_std is the standard deviation of x_0 and must be positive; got {self.data_std}."
            )

    def coefficients(self, path: Path, t: Tensor) -> tuple[Tensor, Tensor]:
        alpha, sigma = path.alpha(t), path.sigma(t)
        spread = torch.hypot(sigma, self.data_std * alpha)
        return sigma / (self.data_std * spread), -self.data_std * alpha / spread


def check_target(target: Target, path: Path) -> None:
    """Raise a ValueError unless `target` tells x_0 and eps from x_t at all times of `path`'s interval, where lambda
    falls."""
    if not isinstance(target, Target):
        raise ValueError(
            f"A target is one of Epsilon(), Sample(), V(), Score(), Velocity(), EDMOutput(); got {target!r}."
        )
    check_path(path)
    t = torch.linspace(path.t_min, path.t_max, 257, dtype=torch.float64)
    determinant = target.determinant(path, t)
    wrong = ~determinant.isfinite() | (determinant.abs() < 1e-8)
    if bool(wrong.any()):
        where = int(wrong.nonzero()[0])
        raise ValueError(
            f"{target} does not determine x_0 on {path} at t = {float(t[where]):.4g}, where its determinant is "
            f"{float(determinant[where]):.3g}. Use V(), which is well-posed everywhere."
        )


def convert(pred: Tensor, x_t: Tensor, t: Tensor, path: Path, source: Target, to: Target) -> Tensor:
    """Turn a prediction in one target into the same prediction in another.

    Args:
        pred: prediction of `source`, shape (n, ...).
        x_t: noised sample, shape (n, ...).
        t: times, shape (n,).
        path: the path of x_t.
        source: target that `pred` is in.
        to: target to return.

    Returns:
        The prediction of `to`, shape (n, ...). It is infinite or NaN where `source` is ill-posed.
    """
    if source == to:
        return pred
    a, b = source.coefficients(path, t)
    a_to, b_to = to.coefficients(path, t)
    alpha, sigma = path.alpha(t), path.sigma(t)
    determinant = a * sigma - b * alpha
    of_pred = (a_to * sigma - b_to * alpha) / determinant
    of_x_t = (a * b_to - a_to * b) / determinant
    return expand_like(of_pred, pred) * pred + expand_like(of_x_t, x_t) * x_t
