r"""Noising paths x_t = alpha_t x_0 + sigma_t eps, from data (t = 0) to noise (t = 1).

A path is known by log(alpha) and log(sigma). Everything else follows, for any path (Kingma et al. 2021; Song
et al. 2021, eq. 29):

    lambda = log(alpha / sigma)             half the log signal-to-noise ratio, falling in t
    f      = d log(alpha) / dt              drift of the forward SDE  dx = f x dt + g dW
    g^2    = -2 sigma^2 d lambda / dt       its squared diffusion
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

LAMBDA_CUT = 7.0
"""Largest |lambda| in use where a path itself sets no bound: the smaller of alpha and sigma is then 0.0009 of the
larger, less than anything that a sample shows, and lambda of a float32 t is still right to 1 % on every path."""


def expand_like(coefficient: Tensor, x: Tensor) -> Tensor:
    """Give `coefficient` (n,) trailing axes of length one, so that it multiplies `x` (n, ...) sample by sample."""
    return coefficient.reshape(coefficient.shape + (1,) * (x.dim() - coefficient.dim()))


class Path(ABC):
    """How data turns into noise. All methods take times `t` of any shape and return the same shape and dtype.

    Losses and solvers stay inside [t_min, t_max], the closed interval in which lambda is finite and float32 is right
    (a solver may also make a last step to t = 0, where the sample is the denoised one).
    """

    @property
    def t_min(self) -> float:
        """Lower end of the interval: where lambda = 7, unless the path overrides it."""
        return self._t_at(LAMBDA_CUT)

    @property
    def t_max(self) -> float:
        """Upper end of the interval: where lambda = -7, or 1 if lambda stays above."""
        return min(self._t_at(-LAMBDA_CUT), 1.0)

    def _t_at(self, lambda_: float) -> float:
        return float(self.t_of_lambda(torch.tensor(lambda_, dtype=torch.float64)))

    @abstractmethod
    def log_alpha(self, t: Tensor) -> Tensor:
        """Logarithm of the factor of the data."""

    @abstractmethod
    def log_sigma(self, t: Tensor) -> Tensor:
        """Logarithm of the factor of the noise."""

    @abstractmethod
    def dlog_alpha_dt(self, t: Tensor) -> Tensor:
        """Time derivative of log(alpha)."""

    @abstractmethod
    def dlambda_dt(self, t: Tensor) -> Tensor:
        """Time derivative of lambda; negative."""

    @abstractmethod
    def t_of_lambda(self, lambda_: Tensor) -> Tensor:
        """Time at which half the log-SNR is `lambda_`."""

    def alpha(self, t: Tensor) -> Tensor:
        """Factor of the data."""
        return self.log_alpha(t).exp()

    def sigma(self, t: Tensor) -> Tensor:
        """Factor of the noise."""
        return self.log_sigma(t).exp()

    def lambda_(self, t: Tensor) -> Tensor:
        """Half the log signal-to-noise ratio, log(alpha / sigma)."""
        return self.log_alpha(t) - self.log_sigma(t)

    def spread(self, t: Tensor) -> Tensor:
        """Standard deviation of x_t for data of unit variance, sqrt(alpha^2 + sigma^2)."""
        return torch.exp(0.5 * torch.logaddexp(2 * self.log_alpha(t), 2 * self.log_sigma(t)))

    def drift(self, t: Tensor) -> Tensor:
        """Coefficient f of the forward SDE dx = f x dt + g dW."""
        return self.dlog_alpha_dt(t)

    def diffusion_squared(self, t: Tensor) -> Tensor:
        """Squared coefficient g^2 of the forward SDE dx = f x dt + g dW."""
        return -2 * (2 * self.log_sigma(t)).exp() * self.dlambda_dt(t)


def check_path(path: Path) -> None:
    """Raise a ValueError unless lambda is finite and falls all the way over `path`'s interval."""
    if not 0 <= path.t_min < path.t_max <= 1:
        raise ValueError(
            f"A path needs 0 <= t_min < t_max <= 1; {path} has {path.t_min:.4g} and {path.t_max:.4g}."
        )
    t = torch.linspace(path.t_min, path.t_max, 257, dtype=torch.float64)
    lambda_ = path.lambda_(t)
    wrong = ~(lambda_[1:].isfinite() & lambda_[:-1].isfinite() & (lambda_.diff() < 0))
    if bool(wrong.any()):
        k = int(wrong.nonzero()[0])
        raise ValueError(
            f"lambda of {path} must fall from t_min to t_max, as alpha / sigma does when data turn into noise; it goes "
            f"from {float(lambda_[k]):.4g} at t = {float(t[k]):.4g} to {float(lambda_[k + 1]):.4g} at "
            f"t = {float(t[k + 1]):.4g}. Mend log_alpha and log_sigma, or keep t_min and t_max to where it falls."
        )


class VariancePreserving(Path):
    """Paths with alpha^2 + sigma^2 = 1 (Ho et al. 2020; Song et al. 2021, section 3.4)."""

    def log_sigma(self, t: Tensor) -> Tensor:
        # expm1, since sqrt(1 - exp(-B)) in float32 is 2.4 % wrong at t = 1e-5.
        return 0.5 * torch.log(-torch.expm1(2 * self.log_alpha(t)))

    def dlambda_dt(self, t: Tensor) -> Tensor:
        return self.dlog_alpha_dt(t) / -torch.expm1(2 * self.log_alpha(t))

    def diffusion_squared(self, t: Tensor) -> Tensor:
        """g^2 = -2 f: the beta(t) of Song et al. 2021."""
        return -2 * self.dlog_alpha_dt(t)


@dataclass(frozen=True)
class LinearVP(VariancePreserving):
    """VP path with beta(t) = beta_min + t (beta_max - beta_min) (Song et al. 2021, eq. 33; DDPM's schedule).

    lambda runs from 6.9 at `t_min` to -5.0 at t = 1, where alpha = 0.007 of the data is left.
    """

    beta_min: float = 0.1
    beta_max: float = 20.0

    t_min: ClassVar[float] = 1e-5  # Song et al. 2021, appendix C
    t_max: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.beta_min <= self.beta_max:
            raise ValueError(
                f"LinearVP needs 0 < beta_min <= beta_max, so that lambda falls all the way; "
                f"got beta_min={self.beta_min}, beta_max={self.beta_max}."
            )

    def log_alpha(self, t: Tensor) -> Tensor:
        return -0.5 * t * (self.beta_min + 0.5 * (self.beta_max - self.beta_min) * t)

    def dlog_alpha_dt(self, t: Tensor) -> Tensor:
        return -0.5 * (self.beta_min + (self.beta_max - self.beta_min) * t)

    def t_of_lambda(self, lambda_: Tensor) -> Tensor:
        integral = softplus(-2 * lambda_)  # of beta from 0 to t, = -2 log(alpha)
        slope = self.beta_max - self.beta_min
        return 2 * integral / (self.beta_min + torch.sqrt(self.beta_min**2 + 2 * slope * integral))


@dataclass(frozen=True)
class CosineVP(VariancePreserving):
    """VP path with alpha = cos(pi t / 2), sigma = sin(pi t / 2) (Nichol and Dhariwal 2021, without offset).

    lambda = -log(tan(pi t / 2)) is infinite at both ends; `t_min` and `t_max` cut it at 7 and -7 (`LAMBDA_CUT`).
    """

    t_min: ClassVar[float] = 2 / math.pi * math.atan(math.exp(-LAMBDA_CUT))
    t_max: ClassVar[float] = 1 - t_min

    # cos(pi t / 2) is written as sin(pi (1 - t) / 2): 1 - t is exact in floating point near t = 1.
    def log_alpha(self, t: Tensor) -> Tensor:
        near_data = 0.5 * torch.log1p(-(torch.sin(0.5 * math.pi * t.clamp(max=0.5)) ** 2))
        near_noise = torch.log(torch.sin(0.5 * math.pi * (1 - t)))
        return torch.where(t < 0.5, near_data, near_noise)

    def log_sigma(self, t: Tensor) -> Tensor:
        near_noise = 0.5 * torch.log1p(-(torch.sin(0.5 * math.pi * (1 - t.clamp(min=0.5))) ** 2))
        near_data = torch.log(torch.sin(0.5 * math.pi * t))
        return torch.where(t < 0.5, near_data, near_noise)

    def dlog_alpha_dt(self, t: Tensor) -> Tensor:
        return -0.5 * math.pi * torch.sin(0.5 * math.pi * t) / torch.sin(0.5 * math.pi * (1 - t))

    def dlambda_dt(self, t: Tensor) -> Tensor:
        return -0.5 * math.pi / (torch.sin(0.5 * math.pi * t) * torch.sin(0.5 * math.pi * (1 - t)))

    def t_of_lambda(self, lambda_: Tensor) -> Tensor:
        # The smaller of t and 1 - t is computed, and with full relative precision.
        smaller = 2 / math.pi * torch.atan(torch.exp(-lambda_.abs()))
        return torch.where(lambda_ > 0, smaller, 1 - smaller)
