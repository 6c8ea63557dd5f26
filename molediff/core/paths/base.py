r"""Noising paths x_t = alpha_t x_0 + sigma_t eps, from data (t = 0) to noise (t = 1).

A path is known by log(alpha) and log(sigma). Everything else follows, for any path (Kingma et al. 2021; Song
et al. 2021, eq. 29):

    lambda = log(alpha / sigma)             half the log signal-to-noise ratio, falling in t
    f      = d log(alpha) / dt              drift of the forward SDE  dx = f x dt + g dW
    g^2    = -2 sigma^2 d lambda / dt       its squared diffusion
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

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

    def noised(self, x_0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        """The noised samples x_t = alpha_t x_0 + sigma_t eps.

        Args:
            x_0: clean samples, shape (n, ...).
            eps: unit noise, shape (n, ...).
            t: time of each sample, shape (n,), or of all of them, shape ().

        Returns:
            x_t, shape (n, ...), in the dtype of `x_0` even where times are more precise.

        Example:
            >>> import torch
            >>> from molediff.core import CosineVP
            >>> x_0, eps = torch.ones(3, 2), torch.zeros(3, 2)
            >>> CosineVP().noised(x_0, eps, torch.tensor([0.0, 0.5, 1.0])).round(decimals=3)
            tensor([[1.0000, 1.0000],
                    [0.7070, 0.7070],
                    [0.0000, 0.0000]])
        """
        alpha, sigma = self.alpha(t).to(x_0), self.sigma(t).to(x_0)
        return expand_like(alpha, x_0) * x_0 + expand_like(sigma, eps) * eps

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
