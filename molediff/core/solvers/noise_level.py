r"""A path at the times of a grid, and the one exact step between two of them.

Reverse dynamics (Song et al. 2021, eq. 6 and 13, joined by eta):

    dx = [f x - (1 + eta^2) / 2 g^2 score] dt + eta g dW-bar

eta = 0 is the probability-flow ODE, eta = 1 Anderson's reverse SDE; the marginals are the same for every eta.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from molediff.core.paths import Path


@dataclass(frozen=True)
class NoiseLevel:
    """A path at one time, in double precision, so that no step loses digits to the grid."""

    t: float
    alpha: float
    sigma: float
    lambda_: float
    drift: float
    diffusion_squared: float

    @property
    def drift_in_lambda(self) -> float:
        """d log(alpha) / d lambda."""
        return -2 * self.sigma**2 * self.drift / self.diffusion_squared


def noise_levels(path: Path, times: Tensor) -> list[NoiseLevel]:
    """Evaluate `path` at `times` (m,)."""
    t = times.detach().to("cpu", torch.float64)
    rows = (t, path.alpha(t), path.sigma(t), path.lambda_(t), path.drift(t), path.diffusion_squared(t))
    return [NoiseLevel(*row) for row in torch.stack(rows, dim=1).tolist()]


def noise_level_at(path: Path, lambda_: float) -> NoiseLevel:
    """Evaluate `path` where half the log-SNR is `lambda_`."""
    return noise_levels(path, path.t_of_lambda(torch.tensor([lambda_], dtype=torch.float64)))[0]


def eps_hat(x: Tensor, x_0_hat: Tensor, s: NoiseLevel) -> Tensor:
    """Noise that goes with the denoised `x_0_hat` at noise level `s`."""
    return (x - s.alpha * x_0_hat) / s.sigma


def flow_coefficients(path: Path, lambda_: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The probability-flow ODE in lambda, dx / d lambda = a x + b x_0_hat, each sample at a lambda of its own.

    Args:
        path: noising path.
        lambda_: half the log-SNR of each sample, (n,) float64.

    Returns:
        t, a = d log(alpha) / d lambda - 1 and b = alpha, each (n,).
    """
    t = path.t_of_lambda(lambda_)
    return t, path.dlog_alpha_dt(t) / path.dlambda_dt(t) - 1, path.alpha(t)


def exact_step(
    x: Tensor, x_0_hat: Tensor, s: NoiseLevel, t: NoiseLevel, eta: float = 0.0
) -> tuple[Tensor, float]:
    r"""Go from `s` to `t` by the dynamics with `x_0_hat` held constant; the linear part is solved exactly.

        x_t =   sigma_t / sigma_s exp(-eta^2 h) x_s
              - alpha_t expm1(-(1 + eta^2) h) x_0_hat
              + sigma_t sqrt(1 - exp(-2 eta^2 h)) z                with h = lambda_t - lambda_s > 0

    Lu et al. 2022b, eq. 9, for eta = 0; their eq. 12, and the posterior of DDPM, for eta = 1.

    Returns:
        The mean of x_t, and the standard deviation of its noise.
    """
    h = t.lambda_ - s.lambda_
    damping = eta**2 * h if eta else 0.0  # not 0 * inf
    mean = (t.sigma / s.sigma * math.exp(-damping)) * x - (t.alpha * math.expm1(-(1 + eta**2) * h)) * x_0_hat
    return mean, t.sigma * math.sqrt(-math.expm1(-2 * damping))
